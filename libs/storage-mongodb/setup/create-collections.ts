import type { CreateCollectionOptions, IndexDescription } from 'mongodb';
import { NAMES } from '../collection-names.js';
import { storedName } from '../field-names.js';
import { DURABLE, MAJORITY_READ, type MongodbConnection } from '../mongodb-connection.js';
import type { SeriesRecord } from '../rows/series-layout.js';
import { codeOf } from '../store-failure.js';

/** Raised whenever what is wanted below changes in a way that former programs could not go on with; they go on beside what is new. */
export const SETUP_VERSION = 1;

const NAMESPACE_EXISTS = 48;
const DUPLICATE_KEY = 11_000;
/** Leftovers of processes that are gone; a window that is still open is written anew with its next change. */
const OPEN_WINDOW_SECONDS = 7 * 24 * 60 * 60;
/** After it has expired. Each start of a process is another member. */
const MEMBER_SECONDS = 60 * 60;
const PROBE_SECONDS = 24 * 60 * 60;

export interface WantedCollection {
  readonly name: string;
  readonly options: CreateCollectionOptions;
  readonly indexes: readonly IndexDescription[];
}

/** Everything that is there whatever the pipelines say. */
export const FIXED_COLLECTIONS: readonly WantedCollection[] = [
  plain(NAMES.tasks, [index('stage', { pipeline: 1, stage: 1 })]),
  plain(NAMES.members, [{ name: 'expires', key: { expires: 1 }, expireAfterSeconds: MEMBER_SECONDS }]),
  plain(NAMES.parts, [
    index('ref', { ref: 1 }),
    index('task', { task: 1, commitSeq: 1 }),
    { name: 'expires', key: { expires: 1 }, expireAfterSeconds: 0 },
  ]),
  plain(NAMES.fences, []),
  plain(NAMES.documents, [
    index('time', { collection: 1, timeMs: 1, order: 1 }),
    index('stream', { collection: 1, 'fields.stream': 1, timeMs: 1, order: 1 }),
    index('fingerprint', { collection: 1, 'fields.fingerprint': 1, timeMs: 1, order: 1 }),
  ]),
  plain(NAMES.openWindows, [
    index('window', { pipeline: 1, series: 1, start: 1 }),
    index('changed', { changed: 1 }),
    { name: 'expires', key: { written: 1 }, expireAfterSeconds: OPEN_WINDOW_SECONDS },
  ]),
  plain(NAMES.series, []),
  plain(NAMES.streams, [index('pipeline', { pipeline: 1 })]),
  plain(NAMES.health, []),
  plain(NAMES.setup, []),
  {
    name: NAMES.probe,
    options: { timeseries: { timeField: 'start', metaField: 'meta' }, expireAfterSeconds: PROBE_SECONDS },
    indexes: [],
  },
];

/** The collection of a series: time-series or table, with an index for each way it is asked. */
export function wantedSeriesCollection(record: SeriesRecord): WantedCollection {
  const { collection: name, mode, keys, hasFewKeys, granularity, retentionSeconds } = record;
  const expireAfterSeconds = retentionSeconds ?? undefined;
  const keyPath = mode === 'time-series' && hasFewKeys ? 'meta.key' : 'key';
  const isMeta = keyPath === 'meta.key';
  // In buckets, measured fields of documents can't be indexed together with the time.
  const byKey = mode === 'table' || isMeta ? keys : [];
  const indexes = [
    index('stream', { 'meta.stream': 1, start: 1 }),
    ...byKey.map((key) =>
      index(`key ${storedName(key)}`, { [`${keyPath}.${storedName(key)}`]: 1, start: 1 }),
    ),
  ];
  if (mode === 'table') {
    const expiry = { name: 'start', key: { start: 1 } as const };
    return {
      name,
      options: {},
      indexes: [...indexes, expireAfterSeconds === undefined ? expiry : { ...expiry, expireAfterSeconds }],
    };
  }
  return {
    name,
    options: {
      timeseries: { timeField: 'start', metaField: 'meta', granularity },
      ...(expireAfterSeconds === undefined ? {} : { expireAfterSeconds }),
    },
    indexes,
  };
}

/** Idempotent: what is there stays. */
export async function createCollection(
  { db }: Pick<MongodbConnection, 'db'>,
  { name, options, indexes }: WantedCollection,
): Promise<void> {
  try {
    await db.createCollection(name, { ...options, ...DURABLE });
  } catch (error) {
    if (codeOf(error) !== NAMESPACE_EXISTS) throw error;
  }
  if (indexes.length > 0) await db.collection(name).createIndexes([...indexes]);
}

/** Makes the collection of a series and registers it. Gives the record that stands: somebody may have been first. */
export async function createSeriesCollection(
  connection: MongodbConnection,
  record: SeriesRecord,
): Promise<SeriesRecord> {
  const series = connection.collection<SeriesRecord>(NAMES.series);
  const { _id, ...fields } = record;
  await series
    .updateOne({ _id }, { $setOnInsert: fields }, { upsert: true, ...DURABLE })
    .catch((error: unknown) => {
      if (codeOf(error) !== DUPLICATE_KEY) throw error;
    });
  const stored = (await series.findOne({ _id }, MAJORITY_READ)) ?? record;
  await createCollection(connection, wantedSeriesCollection(stored));
  return stored;
}

function plain(name: string, indexes: readonly IndexDescription[]): WantedCollection {
  return { name, options: {}, indexes };
}

function index(name: string, key: Record<string, 1 | -1>): IndexDescription {
  return { name, key };
}
