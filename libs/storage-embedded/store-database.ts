import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { open, type Database, type Key, type RootDatabase } from 'lmdb';
import {
  assertDiskRoom,
  commitFailure,
  damageOf,
  damageOnOpening,
  SealedTable,
  sealValue,
  type TableTotal,
  TableTotals,
} from '#libs/kernel';
import { DataDamagedError, type DocumentWrite, type ResultRow } from '#libs/storage';
import { unseal } from './sealed-bytes.js';
import type { TaskHead } from './task-head.js';
import { StoreClosedError, StoreWriteError } from './storage-embedded.errors.js';

type TaskKey = [pipeline: string, stage: string, partition: number];
type BlobKey = [...TaskKey, commitSeq: number];

/** Every table in one LMDB environment, so that one transaction changes all of them or none. */
export interface StoreTables {
  /** The last commit of each task, and its epoch: see task-head.ts. */
  readonly heads: SealedTable<TaskHead, TaskKey>;
  readonly blobs: Database<Buffer, BlobKey>;
  readonly outboxes: Database<Buffer, BlobKey>;
  /** See row-key.ts. */
  readonly rows: SealedTable<ResultRow, (string | number)[]>;
  /** [pipeline, series, stream] → their names, unshortened. */
  readonly series: SealedTable<readonly [string, string, string], [string, string, string]>;
  /** [collection, time, id] */
  readonly documents: SealedTable<DocumentWrite, [string, number, string]>;
  /** [collection, id] → time */
  readonly documentTimes: SealedTable<number, [string, string]>;
  readonly health: Database<number, string>;
}

/** What the totals of the sealed tables stand under. */
const TOTALS_KEY = 'totals';
/** A file beside the data: the store has been made, so that one that is empty has lost everything. */
const MADE = 'made';

/** One database, opened once. */
export class StoreDatabase {
  readonly tables: StoreTables;
  readonly #folder: string;
  readonly #root: RootDatabase;
  readonly #stored: Database<Buffer, string>;
  /** Of the transaction that runs; it begins with what is stored. */
  #totals: TableTotals | undefined;
  #closing: Promise<void> | undefined;

  /** @throws DataDamagedError */
  static async open(folder: string): Promise<StoreDatabase> {
    let database: StoreDatabase | undefined;
    try {
      database = new StoreDatabase(folder);
      await database.#verify();
      return database;
    } catch (error) {
      await database?.close().catch(() => undefined);
      const damage = damageOnOpening(error);
      throw damage === undefined ? error : new DataDamagedError(`the store in ${folder}`, damage);
    }
  }

  private constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
    // A folder's name may hold a dot, which LMDB would else take for a file's. Without overlapping flushes a
    // transaction that has resolved is on disk. Without batches by turns there is no promise that nobody looks at,
    // and that ends the process on a full disk.
    this.#root = open({
      path: folder,
      noSubdir: false,
      maxDbs: 12,
      overlappingSync: false,
      eventTurnBatching: false,
    });
    this.#stored = this.#root.openDB({ name: 'totals', encoding: 'binary' });
    this.tables = {
      heads: this.#sealed('heads'),
      blobs: this.#root.openDB({ name: 'blobs', encoding: 'binary' }),
      outboxes: this.#root.openDB({ name: 'outboxes', encoding: 'binary' }),
      rows: this.#sealed('rows'),
      series: this.#sealed('series'),
      documents: this.#sealed('documents'),
      documentTimes: this.#sealed('documentTimes'),
      health: this.#root.openDB({ name: 'health', encoding: 'json' }),
    };
  }

  /** Size of the file. LMDB uses free pages again, but never gives them back. */
  get usedBytes(): number {
    return statSync(join(this.#folder, 'data.mdb')).size;
  }

  /**
   * Runs `action` in a transaction and resolves once that is flushed. Those that are called while another is being
   * flushed share the next one. An action that throws must do so before it writes.
   */
  async write<T>(action: () => T): Promise<T> {
    this.assertOpen();
    let thrown: { readonly error: unknown } | undefined;
    const attempt = (): T | undefined => {
      this.#totals = undefined;
      try {
        const result = action();
        if (this.#totals !== undefined) this.#putTotals(this.#totals);
        return result;
      } catch (error) {
        thrown = { error };
        return undefined;
      }
    };
    this.#assertRoom();
    const result = await this.#root.transaction(attempt).catch(async (error: unknown) => {
      const cause = await commitFailure(error);
      const damage = damageOf(cause);
      if (damage !== undefined) throw new DataDamagedError(`the store in ${this.#folder}`, damage);
      throw new StoreWriteError(this.#folder, cause);
    });
    if (thrown !== undefined) throw thrown.error;
    return result as T;
  }

  #assertRoom(): void {
    try {
      assertDiskRoom(this.#folder);
    } catch (cause) {
      throw new StoreWriteError(this.#folder, cause);
    }
  }

  #putTotals(totals: TableTotals): void {
    void this.#stored.put(TOTALS_KEY, sealValue(TOTALS_KEY, Buffer.from(JSON.stringify(totals))));
  }

  #sealed<V, K extends Key>(name: string): SealedTable<V, K> {
    return new SealedTable({
      name,
      what: `the table ${name} of the store`,
      bytes: this.#root.openDB<Buffer, K>({ name, encoding: 'binary' }),
      totals: () => (this.#totals ??= this.#storedTotals()),
      damaged: (what, reason) => new DataDamagedError(what, reason),
    });
  }

  #storedTotals(): TableTotals {
    const sealed = this.#stored.get(TOTALS_KEY);
    if (sealed === undefined) return new TableTotals();
    const { content } = unseal(TOTALS_KEY, sealed, `the store in ${this.#folder}`);
    return new TableTotals(JSON.parse(content.toString('utf8')) as Record<string, TableTotal>);
  }

  /** Every value of the sealed tables is there and whole; else nothing of it is used. */
  async #verify(): Promise<void> {
    const made = join(this.#folder, MADE);
    if (existsSync(made) && this.#stored.get(TOTALS_KEY) === undefined) {
      throw new DataDamagedError(`the store in ${this.#folder}`, 'it is empty, and was not');
    }
    const totals = this.#storedTotals();
    for (const table of Object.values(this.tables)) if (table instanceof SealedTable) table.verify(totals);
    if (existsSync(made)) return;
    await this.write(() => (this.#totals = totals));
    writeFileSync(made, '');
  }

  /** Resolves if it can be written and read now. */
  async checkHealth(nowMs: number): Promise<void> {
    await this.write(() => this.tables.health.put('checked', nowMs));
    this.tables.health.get('checked');
  }

  /** LMDB must not be touched after it is closed. */
  assertOpen(): void {
    if (this.#closing !== undefined) throw new StoreClosedError(this.#folder);
  }

  close(): Promise<void> {
    this.#closing ??= this.#root.close();
    return this.#closing;
  }
}
