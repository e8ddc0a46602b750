import { createHash } from 'node:crypto';
import { open, type Database, type RootDatabase } from 'lmdb';

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
  /** hash of the name → topic */
  readonly topics: Database<StoredTopic, string>;
  /** [partition, entry] → see log-entry.ts */
  readonly entries: Database<Buffer, [number, number]>;
  readonly segments: Database<StoredSegment, [number, number]>;
  /** partition → id of its next entry */
  readonly ends: Database<number, number>;
  /** [partition, hash of the subscription] → last acknowledged entry */
  readonly acknowledged: Database<number, [number, string]>;
  /** [partition, hash of the producer] → last sequence id */
  readonly sequences: Database<number, [number, string]>;
}

/** One change of a transaction; without a value the key is removed. */
export interface LogChange {
  readonly table: keyof Omit<LogDatabase, 'root'>;
  readonly key: number | string | [number, number] | [number, string];
  readonly value?: unknown;
}

export function openLogDatabase(folder: string): LogDatabase {
  const root = open({
    path: folder,
    // A folder's name may hold a dot, which LMDB would else take for a file's.
    noSubdir: false,
    maxDbs: 8,
    // A resolved write is a flushed one. Flushes never overlap with a next batch: the queue has one in flight.
    overlappingSync: false,
    // Maps the file in parts that are let go: the pages of a whole log would else count as memory of the process.
    remapChunks: true,
  });
  return {
    root,
    topics: root.openDB({ name: 'topics' }),
    entries: root.openDB({ name: 'entries', encoding: 'binary' }),
    segments: root.openDB({ name: 'segments' }),
    ends: root.openDB({ name: 'ends' }),
    acknowledged: root.openDB({ name: 'acknowledged' }),
    sequences: root.openDB({ name: 'sequences' }),
  };
}

/** All of the changes or none, flushed to disk when it resolves. */
export async function applyChanges(database: LogDatabase, changes: readonly LogChange[]): Promise<void> {
  if (changes.length === 0) return;
  await database.root.batch(() => {
    for (const { table, key, value } of changes) {
      const target = database[table] as Database<unknown, LogChange['key']>;
      // The promise of the batch speaks for each of its parts.
      if (value === undefined) void target.remove(key);
      else void target.put(key, value);
    }
  });
}

/** A name as part of a key: LMDB's keys are short and hold no zero bytes, names are free. */
export function nameKey(name: string): string {
  return createHash('sha256').update(name).digest('base64url');
}
