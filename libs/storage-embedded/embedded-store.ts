import type { Clock } from '#libs/kernel';
import type { CommitStore, DocumentStore, LeaseStore, ResultStore } from '#libs/storage';
import { EmbeddedCommitStore } from './embedded-commit-store.js';
import { EmbeddedDocumentStore } from './embedded-document-store.js';
import { EmbeddedLeaseStore } from './embedded-lease-store.js';
import { EmbeddedResultStore } from './embedded-result-store.js';
import { StoreDatabase } from './store-database.js';

export interface EmbeddedStoreOptions {
  /** Its own folder, which nobody else uses: the caller has locked it, or one above. Made where it is missing. */
  readonly folder: string;
  readonly clock: Clock;
  /** How many rows the view of open windows holds. Default 100,000. */
  readonly maxOpenWindows?: number;
}

/**
 * All stores of one process, in one LMDB environment. A resolved write is flushed to disk; those that wait at the
 * same time share one flush. The leases of former processes are void, their epochs count.
 */
export class EmbeddedStore {
  readonly commits: CommitStore;
  readonly leases: LeaseStore;
  readonly results: ResultStore;
  readonly documents: DocumentStore;
  readonly #database: StoreDatabase;

  private constructor(database: StoreDatabase, { clock, maxOpenWindows }: EmbeddedStoreOptions) {
    this.#database = database;
    const documents = new EmbeddedDocumentStore(this.#database);
    this.leases = new EmbeddedLeaseStore(this.#database, clock);
    this.documents = documents;
    const results = new EmbeddedResultStore({
      database: this.#database,
      documents,
      clock,
      ...(maxOpenWindows === undefined ? {} : { maxOpenWindows }),
    });
    this.results = results;
    this.commits = new EmbeddedCommitStore(this.#database, results);
  }

  /** Reads everything once, to see that it is whole. @throws DataDamagedError */
  static async open(options: EmbeddedStoreOptions): Promise<EmbeddedStore> {
    return new EmbeddedStore(await StoreDatabase.open(options.folder), options);
  }

  /** Bytes of the file, free pages included. */
  usedBytes(): number {
    return this.#database.usedBytes;
  }

  /** Waits for writes that have begun. Safe to call again. */
  close(): Promise<void> {
    return this.#database.close();
  }
}
