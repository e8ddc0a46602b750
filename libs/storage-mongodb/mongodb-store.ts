import type { Clock } from '#libs/kernel';
import { FACTS, type Telemetry } from '#libs/observability';
import type { CommitStore, DocumentStore, LeaseStore, ResultStore, RowGuarantee } from '#libs/storage';
import { MongodbCommitStore } from './commits/mongodb-commit-store.js';
import { MongodbLeaseStore } from './commits/mongodb-lease-store.js';
import { MongodbDocumentStore } from './documents/mongodb-document-store.js';
import { MongodbConnection } from './mongodb-connection.js';
import { FencedInsert, type FencedInsertOptions } from './rows/fenced-insert.js';
import { type ProbeOutcome, probeFence } from './rows/fence-probe.js';
import { MongodbResultStore } from './rows/mongodb-result-store.js';
import { OpenWindowView } from './rows/open-window-view.js';
import { SeriesCollections } from './rows/series-collections.js';
import type { SeriesLayout } from './rows/series-layout.js';
import { examineServer } from './server-examination.js';
import { applyStorage, identityOf } from './setup/apply-storage.js';
import { describeStep, isNeeded, planStorage } from './setup/storage-plan.js';
import { TaskSessions } from './task-sessions.js';
import { StoreSetupError } from './storage-mongodb.errors.js';

export interface MongodbStoreOptions {
  /** `mongodb://…` or `mongodb+srv://…`, credentials included: a replica set. */
  readonly address: string;
  /** Name of the database. */
  readonly database: string;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** How the rows of each series are wanted; others are kept as time-series. */
  readonly series?: readonly SeriesLayout[];
  /** `apply` (default): make what is missing. `check`: refuse to start where something is missing. */
  readonly setup?: 'apply' | 'check';
  /** How long delivered outboxes are kept for `millrace audit`, ≥ 0. Default 1 h. */
  readonly auditMs?: number;
  /** How many rows the view of open windows holds. Default 100,000. */
  readonly maxOpenWindows?: number;
  /** For tests: other than what the probe finds. */
  readonly fence?: FencedInsertOptions['fence'];
}

const DEFAULT_AUDIT_MS = 60 * 60 * 1_000;

const EXACTLY_ONCE: RowGuarantee = {
  guarantee: 'exactly-once',
  note: 'Inserts are numbered by commit: MongoDB drops repeats and refuses former owners.',
};

/** All stores of one process, in one database of MongoDB that many processes share. */
export class MongodbStore {
  readonly commits: CommitStore;
  readonly leases: LeaseStore;
  readonly results: ResultStore;
  readonly documents: DocumentStore;
  readonly #connection: MongodbConnection;
  readonly #insert: FencedInsert;
  readonly #sessions: TaskSessions;

  private constructor(
    connection: MongodbConnection,
    options: MongodbStoreOptions,
    server: { readonly sessionTimeoutMs: number; readonly identity: string; readonly probe: ProbeOutcome },
  ) {
    const { telemetry, series = [], auditMs = DEFAULT_AUDIT_MS, maxOpenWindows } = options;
    const { probe, ...kept } = server;
    const fence = options.fence ?? (probe.kind === 'kept' ? 'sessions' : 'lookup');
    this.#connection = connection;
    this.#insert = new FencedInsert({ connection, telemetry, fence, ...kept });
    const sessions = new TaskSessions(connection);
    this.#sessions = sessions;
    this.commits = new MongodbCommitStore(connection, sessions, auditMs);
    this.leases = new MongodbLeaseStore(connection, sessions);
    const documents = new MongodbDocumentStore(connection);
    this.documents = documents;
    this.results = new MongodbResultStore({
      connection,
      sessions,
      telemetry,
      documents,
      collections: new SeriesCollections(connection, series),
      insert: this.#insert,
      openWindows: new OpenWindowView(connection, maxOpenWindows),
      guarantee: fence === 'sessions' ? EXACTLY_ONCE : weakerGuarantee(probe),
    });
  }

  /**
   * Connects, looks whether the server is fit, sets the database up, and tries whether the server keeps repeats out.
   *
   * @throws StoreUnavailableError, StoreUnauthorizedError, StoreTooOldError, StoreUnsuitableError, StoreSetupError
   */
  static async open(options: MongodbStoreOptions): Promise<MongodbStore> {
    const { clock, telemetry } = options;
    const connection = new MongodbConnection(options);
    try {
      const { sessionTimeoutMs } = await examineServer(connection, telemetry);
      await setUp(connection, options);
      const identity = await identityOf(connection);
      const probe = await connection.call('the probe', () => probeFence(connection));
      telemetry.record(FACTS.rowFence, {}, probe.kind === 'kept' ? 1 : 0);
      if (probe.kind === 'broken') telemetry.record(FACTS.rowFenceMissing, { reason: probe.reason });
      return new MongodbStore(connection, { ...options, clock }, { sessionTimeoutMs, identity, probe });
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** Nothing of the data folder. */
  usedBytes(): number {
    return 0;
  }

  /** Safe to call again. */
  async close(): Promise<void> {
    await this.#insert.close();
    await this.#sessions.close();
    await this.#connection.close();
  }
}

async function setUp(connection: MongodbConnection, options: MongodbStoreOptions): Promise<void> {
  const { setup = 'apply', series = [], database, telemetry } = options;
  const steps = (await planStorage(connection, series)).filter(isNeeded);
  if (steps.length === 0) return;
  const lines = steps.map(describeStep);
  if (setup === 'check' || steps.some(({ kind }) => kind === 'newer'))
    throw new StoreSetupError(database, [...lines, '`millrace storage apply` does this']);
  await applyStorage(connection, steps);
  telemetry.record(FACTS.storeSetUp, { database, steps: lines });
}

function weakerGuarantee(probe: ProbeOutcome): RowGuarantee {
  const reason = probe.kind === 'broken' ? probe.reason : 'the fence was switched off';
  return {
    guarantee: 'at-least-once',
    note: `Rows are looked up before they are inserted, but nothing refuses a former owner: ${reason}.`,
  };
}
