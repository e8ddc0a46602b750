import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { open, type Database, type Key, type RootDatabase } from 'lmdb';
import {
  commitFailure,
  damageOnOpening,
  SealedTable,
  sealValue,
  type TableTotal,
  TableTotals,
  unsealValue,
} from '#libs/kernel';
import { LogFileDamagedError } from './messaging-embedded.errors.js';

/** What is kept about a topic. */
export interface StoredTopic {
  readonly name: string;
  readonly partitions: number;
  /** Partition `p` of the topic has the number `firstNumber + p` in every key. */
  readonly firstNumber: number;
  readonly subscriptions: readonly string[];
  readonly retentionMs?: number;
}

/** A stretch of entries of one partition that is removed as a whole; key: [number of the partition, firstId]. */
export interface StoredSegment {
  readonly lastId: number;
  readonly bytes: number;
  readonly firstPublishMs: number;
  readonly lastPublishMs: number;
}

/** The tables of the log, in one LMDB environment, so that one transaction changes all of them or none. */
export interface LogDatabase {
  readonly root: RootDatabase;
  readonly totals: Database<Buffer, string>;
  /** The totals as the transaction that runs has made them. */
  readonly running: { totals: TableTotals };
  /** hash of the name → topic */
  readonly topics: SealedTable<StoredTopic, string>;
  /** [partition, entry] → see log-entry.ts */
  readonly entries: Database<Buffer, [number, number]>;
  readonly segments: SealedTable<StoredSegment, [number, number]>;
  /** partition → id of its next entry */
  readonly ends: SealedTable<number, number>;
  /** [partition, hash of the subscription] → last acknowledged entry */
  readonly acknowledged: SealedTable<number, [number, string]>;
  /** [partition, hash of the producer] → last sequence id */
  readonly sequences: SealedTable<number, [number, string]>;
}

/** One change of a transaction; without a value the key is removed. */
export interface LogChange {
  readonly table: keyof Omit<LogDatabase, 'root' | 'totals' | 'running'>;
  readonly key: number | string | [number, number] | [number, string];
  readonly value?: unknown;
}

/** What the totals of the sealed tables stand under. */
const TOTALS_KEY = 'totals';
/** A file beside the data: the log has been made, so that one that is empty has lost everything. */
const MADE = 'made';

/** Everything but the entries is read once, to see that it is whole. @throws LogFileDamagedError */
export function openLogDatabase(folder: string): LogDatabase {
  try {
    const database = openTables(folder);
    try {
      verify(database, folder);
    } catch (error) {
      void database.root.close();
      throw error;
    }
    return database;
  } catch (error) {
    const damage = damageOnOpening(error);
    throw damage === undefined ? error : new LogFileDamagedError(`the log in ${folder}`, damage);
  }
}

function openTables(folder: string): LogDatabase {
  const root = open({
    path: folder,
    // A folder's name may hold a dot, which LMDB would else take for a file's.
    noSubdir: false,
    maxDbs: 10,
    // A resolved write is a flushed one. Flushes never overlap with a next batch: the queue has one in flight.
    overlappingSync: false,
    // Else there is a promise that nobody looks at, and that ends the process on a full disk.
    eventTurnBatching: false,
    // Maps the file in parts that are let go: the pages of a whole log would else count as memory of the process.
    remapChunks: true,
  });
  const running = { totals: new TableTotals() };
  const sealed = <V, K extends Key>(name: string): SealedTable<V, K> =>
    new SealedTable({
      name,
      what: `the table ${name} of the log`,
      bytes: root.openDB<Buffer, K>({ name, encoding: 'binary' }),
      totals: () => running.totals,
      damaged: (what, reason) => new LogFileDamagedError(what, reason),
    });
  return {
    root,
    totals: root.openDB({ name: 'totals', encoding: 'binary' }),
    running,
    topics: sealed('topics'),
    entries: root.openDB({ name: 'entries', encoding: 'binary' }),
    segments: sealed('segments'),
    ends: sealed('ends'),
    acknowledged: sealed('acknowledged'),
    sequences: sealed('sequences'),
  };
}

function verify(database: LogDatabase, folder: string): void {
  const made = join(folder, MADE);
  if (existsSync(made) && database.totals.get(TOTALS_KEY) === undefined) {
    throw new LogFileDamagedError(`the log in ${folder}`, 'it is empty, and was not');
  }
  const totals = storedTotals(database);
  for (const table of Object.values(database)) if (table instanceof SealedTable) table.verify(totals);
  if (existsSync(made)) return;
  database.root.transactionSync(() => putTotals(database, totals));
  writeFileSync(made, '');
}

function storedTotals({ totals }: LogDatabase): TableTotals {
  const sealed = totals.get(TOTALS_KEY);
  if (sealed === undefined) return new TableTotals();
  const found = unsealValue(TOTALS_KEY, sealed);
  if (typeof found === 'string') throw new LogFileDamagedError('the log', found);
  return new TableTotals(JSON.parse(found.content.toString('utf8')) as Record<string, TableTotal>);
}

function putTotals(database: LogDatabase, totals: TableTotals): void {
  void database.totals.put(TOTALS_KEY, sealValue(TOTALS_KEY, Buffer.from(JSON.stringify(totals))));
}

/** All of the changes or none, flushed to disk when it resolves. */
export async function applyChanges(database: LogDatabase, changes: readonly LogChange[]): Promise<void> {
  if (changes.length === 0) return;
  // Its promise speaks for each of its parts.
  const write = database.root.transaction(() => {
    database.running.totals = storedTotals(database);
    for (const change of changes) applyChange(database, change);
    putTotals(database, database.running.totals);
  });
  await write.catch(async (error: unknown) => {
    throw await commitFailure(error);
  });
}

function applyChange(database: LogDatabase, { table, key, value }: LogChange): void {
  const target = database[table] as
    Database<Buffer, LogChange['key']> | SealedTable<unknown, LogChange['key']>;
  if (target instanceof SealedTable) {
    if (value === undefined) target.remove(key);
    else target.put(key, value);
  } else if (value === undefined) {
    void target.remove(key);
  } else {
    void target.put(key, value as Buffer);
  }
}

/** A name as part of a key: LMDB's keys are short and hold no zero bytes, names are free. */
export function nameKey(name: string): string {
  return createHash('sha256').update(name).digest('base64url');
}
