import { existsSync, readFileSync } from 'node:fs';
import { hash, randomUUID } from 'node:crypto';
import { type Db, MongoClient } from 'mongodb';
import { SystemClock } from '#libs/kernel';
import { Telemetry } from '#libs/observability';
import { type ResultRow, rowId } from '#libs/storage';
import type { MongodbStore } from '#libs/storage-mongodb';
import { type Measurement, quantileOf } from './measurement.js';

// The store in MongoDB on the server of `npm run services:up`: the fenced insert beside the driver's insertMany of the
// same rows in the same run, by turns; commits; space; a query of one series over 30 days of minutes.

const ROWS_A_COMMIT = 1_000;
const COMMITS = 40;
const RUNS = 3;
const WARM_UP = 20;
const BLOB_BYTES = 64 * 1024;
const OUTBOX_ROWS = 500;
const MINUTE_MS = 60_000;
const MINUTES = 30 * 24 * 60;
const START_MS = Date.UTC(2025, 0, 1);
const TASK = { pipeline: 'web', stage: 'global', partition: 0 };

/** Rows a second, commit times, bytes on disk, and the query with its plan. */
export async function mongodb(): Promise<readonly Measurement[]> {
  const client = new MongoClient(addressOfServer());
  const database = `millrace-bench-${randomUUID().slice(0, 8)}`;
  const store = await openStore(database);
  try {
    return [
      await insertRate(store, client.db(database)),
      ...(await commitTimes(store)),
      await bytesOnDisk(client.db(database)),
      ...(await queryTimes(store, client.db(database))),
    ];
  } finally {
    await store.close();
    await client.db(database).dropDatabase();
    await client.close();
  }
}

function addressOfServer(): string {
  const file = '.services/services.json';
  if (!existsSync(file)) throw new Error('no MongoDB: npm run services:up starts one');
  const { mongodb: found } = JSON.parse(readFileSync(file, 'utf8')) as {
    mongodb?: { addresses: { driver: string } };
  };
  if (found === undefined) throw new Error('no MongoDB: npm run services:up -- mongodb starts one');
  return found.addresses.driver;
}

async function openStore(database: string): Promise<MongodbStore> {
  const { MongodbStore: Store } = await import('#libs/storage-mongodb');
  const layout = {
    pipeline: 'web',
    mode: 'time-series',
    keys: [],
    hasFewKeys: true,
    everyMs: MINUTE_MS,
  } as const;
  return await Store.open({
    address: addressOfServer(),
    database,
    clock: new SystemClock(),
    telemetry: new Telemetry({ logLevel: 'silent' }),
    series: ['requests', 'minutes'].map((series) => ({ ...layout, series })),
  });
}

function rowOf(series: string, minute: number): ResultRow {
  const windowStartMs = START_MS + minute * MINUTE_MS;
  const requests = (minute * 2_654_435_761) % 1_000;
  return {
    pipeline: 'web',
    series,
    stream: 'bench',
    key: {},
    windowStartMs,
    windowEndMs: windowStartMs + MINUTE_MS,
    measures: {
      requests,
      bytes: requests * 977,
      errors: requests % 7,
      duration: { p50: requests / 3, p99: requests },
    },
    revision: 0,
    task: 0,
  };
}

function rowsFrom(series: string, first: number, count: number): readonly ResultRow[] {
  return Array.from({ length: count }, (_, i) => rowOf(series, first + i));
}

/** In pairs, so that what else the machine does falls on both; each goes first as often as the other. */
async function insertRate(store: MongodbStore, db: Db): Promise<Measurement> {
  await createPlain(db);
  const pairs: { readonly fencedMs: number; readonly plainMs: number }[] = [];
  for (let commitSeq = 1; commitSeq <= COMMITS * RUNS; commitSeq++) {
    const rows = rowsFrom('requests', commitSeq * ROWS_A_COMMIT, ROWS_A_COMMIT);
    const version = { incarnation: 0, epoch: 1, commitSeq };
    const fenced = (): Promise<number> =>
      timed(() => store.results.deliver({ task: TASK, version }, { rows, documents: [] }));
    const plain = (): Promise<number> => timed(() => insertPlainly(db, rows));
    if (commitSeq % 2 === 0) pairs.push({ fencedMs: await fenced(), plainMs: await plain() });
    else pairs.push({ plainMs: await plain(), fencedMs: await fenced() });
  }
  // The first ones of each warm up.
  const measured = pairs.slice(WARM_UP);
  const median = (of: (pair: (typeof pairs)[number]) => number): number => quantileOf(measured.map(of), 0.5);
  return {
    name: 'mongodb-fenced-insert',
    value: (1_000 * ROWS_A_COMMIT) / median(({ fencedMs }) => fencedMs),
    unit: 'rows/s',
    beside: (1_000 * ROWS_A_COMMIT) / median(({ plainMs }) => plainMs),
    ratio: median(({ fencedMs, plainMs }) => plainMs / fencedMs),
    runs: measured.length,
  };
}

/** As the store makes its own. */
async function createPlain(db: Db): Promise<void> {
  await db.createCollection('plain', {
    timeseries: { timeField: 'start', metaField: 'meta', granularity: 'minutes' },
  });
  await db.collection('plain').createIndex({ 'meta.stream': 1, start: 1 });
}

/** What one would write without Millrace: the same documents, ids included, by the driver's own insertMany. */
async function insertPlainly(db: Db, rows: readonly ResultRow[]): Promise<void> {
  const documents = rows.map((row) => ({
    _id: `${hash('sha256', rowId(row), 'base64url').slice(0, 22)}.${row.revision}` as never,
    start: new Date(row.windowStartMs),
    end: new Date(row.windowEndMs),
    meta: { stream: row.stream, key: row.key },
    measures: row.measures,
    revision: row.revision,
    task: row.task,
    incarnation: 0,
    commitSeq: 1,
  }));
  const writeConcern = { w: 'majority', j: true } as const;
  await db.collection('plain').insertMany(documents, { ordered: true, writeConcern });
}

async function commitTimes(store: MongodbStore): Promise<readonly Measurement[]> {
  const task = { ...TASK, stage: 'bench' };
  const lease = await store.leases.acquire(task, 'bench', 600_000);
  if (lease === undefined) throw new Error('the lease of a new task is free');
  const outbox = Buffer.from(JSON.stringify(rowsFrom('requests', 0, OUTBOX_ROWS)));
  const times: number[] = [];
  for (let commitSeq = 0; commitSeq < 300; commitSeq++) {
    const bytes = Buffer.alloc(BLOB_BYTES, commitSeq % 251);
    const commit = {
      commitId: String(commitSeq),
      progress: { commitSeq },
      facts: {},
      state: { kind: commitSeq % 20 === 0 ? 'base' : 'delta', bytes } as const,
      outbox,
      deliveredCommitSeq: commitSeq,
    };
    times.push(await timed(() => store.commits.commit(task, { ...lease.version, commitSeq }, commit)));
  }
  const figure = (name: string, q: number): Measurement => ({
    name: `mongodb-commit-${name}`,
    value: quantileOf(times, q),
    unit: 'ms',
    runs: times.length,
  });
  return [figure('p50', 0.5), figure('p99', 0.99)];
}

async function bytesOnDisk(db: Db): Promise<Measurement> {
  // On disk is what a checkpoint has written.
  await db.admin().command({ fsync: 1 });
  const stats = (await db.command({ collStats: 'rows.web.requests' })) as {
    storageSize: number;
    totalIndexSize: number;
  };
  const rows = COMMITS * RUNS * ROWS_A_COMMIT;
  return {
    name: 'mongodb-disk-per-million-results',
    value: ((stats.storageSize + stats.totalIndexSize) * 1_000_000) / rows / 2 ** 20,
    unit: 'MiB',
    runs: rows,
  };
}

async function queryTimes(store: MongodbStore, db: Db): Promise<readonly Measurement[]> {
  for (let at = 0, commitSeq = 1; at < MINUTES; at += ROWS_A_COMMIT, commitSeq++) {
    const rows = rowsFrom('minutes', at, Math.min(ROWS_A_COMMIT, MINUTES - at));
    const version = { incarnation: 0, epoch: 1, commitSeq };
    await store.results.deliver({ task: TASK, version }, { rows, documents: [] });
  }
  const toMs = START_MS + MINUTES * MINUTE_MS;
  const query = { pipeline: 'web', series: 'minutes', stream: 'bench', fromMs: START_MS, toMs };
  const whole: number[] = [];
  const page: number[] = [];
  for (let run = 0; run < 11; run++) {
    whole.push(await timed(() => readAll(store, query)));
    page.push(await timed(() => store.results.query({ ...query, order: 'descending', limit: 1_000 })));
  }
  console.error(`plan: ${await planOf(db)}`);
  return [
    {
      name: 'mongodb-query-30-days-of-minutes-p50',
      value: quantileOf(whole, 0.5),
      unit: 'ms',
      runs: whole.length,
    },
    { name: 'mongodb-query-newest-1000-p50', value: quantileOf(page, 0.5), unit: 'ms', runs: page.length },
  ];
}

async function readAll(
  store: MongodbStore,
  query: Omit<Parameters<MongodbStore['results']['query']>[0], 'limit'>,
): Promise<void> {
  let rows = 0;
  for (
    let cursor: string | undefined = undefined, isFirst = true;
    isFirst || cursor !== undefined;
    isFirst = false
  ) {
    const page = await store.results.query({
      ...query,
      limit: 10_000,
      ...(cursor === undefined ? {} : { cursor }),
    });
    rows += page.rows.length;
    cursor = page.nextCursor;
  }
  if (rows !== MINUTES) throw new Error(`${rows} rows of ${MINUTES}`);
}

/** The stages of the same query, with the index it goes by. */
async function planOf(db: Db): Promise<string> {
  const toMs = START_MS + MINUTES * MINUTE_MS;
  const match = { 'meta.stream': 'bench', start: { $gte: new Date(START_MS), $lt: new Date(toMs) } };
  const explained = await db
    .collection('rows.web.minutes')
    .aggregate([{ $match: match }, { $sort: { start: 1 } }])
    .explain('queryPlanner');
  const text = JSON.stringify(explained);
  const stages = ['IXSCAN', 'COLLSCAN', '$_internalUnpackBucket', '$_internalBoundedSort', '$sort'];
  const index = /"indexName":"([^"]+)"/.exec(text)?.[1];
  return `${stages.filter((stage) => text.includes(`"${stage}"`)).join(' → ')}${index === undefined ? '' : ` (index ${index})`}`;
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await action();
  return performance.now() - startedMs;
}
