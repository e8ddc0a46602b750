import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { open, type Database, type RootDatabase } from 'lmdb';
import type { DocumentWrite, ResultRow } from '#libs/storage';
import { StoreClosedError, StoreWriteError } from './storage-embedded.errors.js';

type TaskKey = [pipeline: string, stage: string, partition: number];
type BlobKey = [...TaskKey, commitSeq: number];

/** Every table in one LMDB environment, so that one transaction changes all of them or none. */
export interface StoreTables {
  /** The last commit of each task, and its epoch: see task-head.ts. */
  readonly heads: Database<Buffer, TaskKey>;
  readonly blobs: Database<Buffer, BlobKey>;
  readonly outboxes: Database<Buffer, BlobKey>;
  /** See row-key.ts. */
  readonly rows: Database<ResultRow, (string | number)[]>;
  /** [pipeline, series, stream] → their names, unshortened. */
  readonly series: Database<readonly [string, string, string], [string, string, string]>;
  /** [collection, time, id] */
  readonly documents: Database<DocumentWrite, [string, number, string]>;
  /** [collection, id] → time */
  readonly documentTimes: Database<number, [string, string]>;
  readonly health: Database<number, string>;
}

/** One database, opened once. */
export class StoreDatabase {
  readonly tables: StoreTables;
  readonly #folder: string;
  readonly #root: RootDatabase;
  #closing: Promise<void> | undefined;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
    // A folder's name may hold a dot, which LMDB would else take for a file's. Without overlapping flushes a
    // transaction that has resolved is on disk.
    this.#root = open({ path: folder, noSubdir: false, maxDbs: 12, overlappingSync: false });
    this.tables = {
      heads: this.#root.openDB({ name: 'heads', encoding: 'binary' }),
      blobs: this.#root.openDB({ name: 'blobs', encoding: 'binary' }),
      outboxes: this.#root.openDB({ name: 'outboxes', encoding: 'binary' }),
      rows: this.#root.openDB({ name: 'rows', encoding: 'json' }),
      series: this.#root.openDB({ name: 'series', encoding: 'json' }),
      documents: this.#root.openDB({ name: 'documents', encoding: 'json' }),
      documentTimes: this.#root.openDB({ name: 'documentTimes', encoding: 'json' }),
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
      try {
        return action();
      } catch (error) {
        thrown = { error };
        return undefined;
      }
    };
    const result = await this.#root.transaction(attempt).catch((cause: unknown) => {
      throw new StoreWriteError(this.#folder, cause);
    });
    if (thrown !== undefined) throw thrown.error;
    return result as T;
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
