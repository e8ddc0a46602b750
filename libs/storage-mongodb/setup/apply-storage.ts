import { randomUUID } from 'node:crypto';
import { NAMES } from '../collection-names.js';
import { DURABLE, DURABLE_COMMAND, MAJORITY_READ, type MongodbConnection } from '../mongodb-connection.js';
import type { SeriesRecord } from '../rows/series-layout.js';
import { codeOf } from '../store-failure.js';
import { createCollection, createSeriesCollection } from './create-collections.js';
import type { StorageStep } from './storage-plan.js';

const GRANULARITY_COLLMOD_NOOP = 72;

interface SetupRecord {
  readonly _id: string;
  readonly version: number;
  readonly identity: string;
}

/** Does what a plan says. Every step is idempotent: several processes may do it at once, and again. */
export async function applyStorage(
  connection: MongodbConnection,
  steps: readonly StorageStep[],
): Promise<void> {
  for (const step of steps)
    await connection.call('setting up the database', () => applyStep(connection, step));
}

/** Of the database, made with it: a database that is dropped and made anew is another one. */
export async function identityOf(connection: MongodbConnection): Promise<string> {
  const setup = connection.collection<SetupRecord>(NAMES.setup);
  const found = await connection.call('reading the set-up', () =>
    setup.findOne({ _id: 'setup' }, MAJORITY_READ),
  );
  return found?.identity ?? '';
}

async function applyStep(connection: MongodbConnection, step: StorageStep): Promise<unknown> {
  const { db } = connection;
  switch (step.kind) {
    case 'create-collection':
      if (step.series !== undefined) return await createSeriesCollection(connection, step.series);
      return await createCollection(connection, step.collection);
    case 'create-index':
      return await db.collection(step.collection).createIndexes([step.index]);
    case 'set-retention':
      return await setRetention(connection, step.series, step.retentionSeconds);
    case 'set-granularity':
      return await setGranularity(connection, step);
    case 'add-keys':
      return await changeSeries(connection, step.series, { keys: [...step.series.keys, ...step.keys] });
    case 'set-version':
      return await setVersion(connection, step.to);
    case 'keep':
    case 'newer':
      return undefined;
    default:
      return step satisfies never;
  }
}

async function setRetention(
  connection: MongodbConnection,
  series: SeriesRecord,
  retentionSeconds: number | null,
): Promise<void> {
  const { db } = connection;
  if (series.mode === 'time-series') {
    await db.command({
      collMod: series.collection,
      expireAfterSeconds: retentionSeconds ?? 'off',
      ...DURABLE_COMMAND,
    });
  } else {
    // An index that has no expiry can't be given one before 5.1: it is made anew.
    await db.collection(series.collection).dropIndex('start');
    const expiry = retentionSeconds === null ? {} : { expireAfterSeconds: retentionSeconds };
    await db.collection(series.collection).createIndexes([{ name: 'start', key: { start: 1 }, ...expiry }]);
  }
  await changeSeries(connection, series, { retentionSeconds });
}

async function setGranularity(
  connection: MongodbConnection,
  { series, granularity }: Extract<StorageStep, { kind: 'set-granularity' }>,
): Promise<void> {
  const change = { collMod: series.collection, timeseries: { granularity }, ...DURABLE_COMMAND };
  await connection.db.command(change).catch((error: unknown) => {
    if (codeOf(error) !== GRANULARITY_COLLMOD_NOOP) throw error;
  });
  await changeSeries(connection, series, { granularity });
}

async function changeSeries(
  connection: MongodbConnection,
  { _id }: SeriesRecord,
  change: Partial<SeriesRecord>,
): Promise<void> {
  await connection.collection<SeriesRecord>(NAMES.series).updateOne({ _id }, { $set: change }, DURABLE);
}

async function setVersion(connection: MongodbConnection, version: number): Promise<void> {
  const setup = connection.collection<SetupRecord>(NAMES.setup);
  const update = { $set: { version }, $setOnInsert: { identity: randomUUID() } };
  await setup
    .updateOne({ _id: 'setup' }, update, { upsert: true, ...DURABLE })
    .catch(async (error: unknown) => {
      if (codeOf(error) !== 11_000) throw error;
      await setup.updateOne({ _id: 'setup' }, { $set: { version } }, DURABLE);
    });
}
