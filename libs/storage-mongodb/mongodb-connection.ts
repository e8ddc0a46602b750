import {
  type ClientSession,
  type Collection,
  type Db,
  type Document,
  MongoClient,
  type MongoClientOptions,
  MongoError,
  type TransactionOptions,
} from 'mongodb';
import type { Clock } from '#libs/kernel';
import {
  MongodbStoreClosedError,
  StoreAddressInvalidError,
  StoreUnavailableError,
} from './storage-mongodb.errors.js';
import { storeFailure } from './store-failure.js';

/** Said at every operation that matters: what is confirmed is on the disks of a majority. */
export const DURABLE = { writeConcern: { w: 'majority', j: true, wtimeoutMS: 8_000 } } as const;
/** The same, as commands say it that the driver does not build. */
export const DURABLE_COMMAND = { writeConcern: { w: 'majority', j: true, wtimeout: 8_000 } } as const;
/** One moment of the data, and never one that is rolled back. */
export const SNAPSHOT: TransactionOptions = {
  readConcern: { level: 'snapshot' },
  readPreference: 'primary',
  ...DURABLE,
};
export const MAJORITY_READ = { readConcern: { level: 'majority' }, readPreference: 'primary' } as const;

/** How long a query may take at the server. */
export const QUERY_MAX_TIME_MS = 8_000;
const SELECTION_TIMEOUT_MS = 5_000;
const CALL_TIMEOUT_MS = 10_000;
/** Somebody else writes the same record: it takes turns, and each turn ends. */
const MAX_TRANSACTION_TRIES = 100;
/** After that the caller hears of it; the runtime tries again with pauses. */
const TRANSACTION_PATIENCE_MS = 5_000;
const MAX_COMMIT_TRIES = 4;

export interface MongodbConnectionOptions {
  /** `mongodb://…` or `mongodb+srv://…`, credentials included. */
  readonly address: string;
  readonly database: string;
  readonly clock: Clock;
  /** At most so long for one round trip. Default 10 s; building an index over old data takes longer. */
  readonly callTimeoutMs?: number;
}

/** The driver's client, with calls that end, transactions that are tried again, and errors that say what they mean. */
export class MongodbConnection {
  readonly client: MongoClient;
  readonly db: Db;
  readonly clock: Clock;
  /** Hosts, without credentials: for messages. */
  readonly address: string;
  #closing: Promise<void> | undefined;
  #lastProblem: string | undefined;

  constructor({ address, database, clock, callTimeoutMs = CALL_TIMEOUT_MS }: MongodbConnectionOptions) {
    this.clock = clock;
    this.address = hostsOf(address);
    this.client = clientOf(address, this.address, {
      ...(address.includes('appName=') ? {} : { appName: 'millrace' }),
      retryWrites: true,
      retryReads: true,
      readPreference: 'primary',
      ...(address.includes('serverSelectionTimeoutMS=')
        ? {}
        : { serverSelectionTimeoutMS: SELECTION_TIMEOUT_MS }),
      connectTimeoutMS: SELECTION_TIMEOUT_MS,
      socketTimeoutMS: callTimeoutMs,
      waitQueueTimeoutMS: callTimeoutMs,
      heartbeatFrequencyMS: 2_000,
      minHeartbeatFrequencyMS: 200,
      ignoreUndefined: true,
    });
    this.client.on('serverHeartbeatFailed', ({ failure }) => (this.#lastProblem = failure.message));
    this.client.on('serverHeartbeatSucceeded', () => (this.#lastProblem = undefined));
    this.db = this.client.db(database);
  }

  collection<T extends Document>(name: string): Collection<T> {
    return this.db.collection<T>(name);
  }

  /** What the last look at the servers failed with; undefined: it did not. */
  get lastProblem(): string | undefined {
    return this.#lastProblem;
  }

  /**
   * @param what for messages: `the commit of web/local/3`
   * @throws PlatformError that says what to do
   */
  async call<T>(what: string, action: () => Promise<T>, maxTimeMs?: number): Promise<T> {
    if (this.#closing !== undefined) throw new MongodbStoreClosedError(this.address);
    try {
      return await action();
    } catch (error) {
      const { address } = this;
      throw storeFailure(error, { what, address, ...(maxTimeMs === undefined ? {} : { maxTimeMs }) });
    }
  }

  /**
   * All of it or nothing. `action` may be called again, and must then do the same.
   *
   * @param known default: a session for this once
   */
  async transaction<T>(
    what: string,
    action: (session: ClientSession) => Promise<T>,
    known?: ClientSession,
  ): Promise<T> {
    return await this.call(what, async () => {
      const session = known ?? this.client.startSession({ causalConsistency: false });
      try {
        const untilMs = this.clock.monotonicMs() + TRANSACTION_PATIENCE_MS;
        return await tryTransaction(session, action, () => this.clock.monotonicMs() < untilMs);
      } finally {
        if (known === undefined) await session.endSession();
      }
    });
  }

  /** Rejects with the reason as soon as it is known, and at the latest after `timeoutMs`. */
  async within<T>(timeoutMs: number, running: Promise<T>): Promise<T> {
    const answered = new AbortController();
    // Nobody may be listening any more when it fails.
    running.catch(() => undefined);
    const timeUp = this.clock.sleep(timeoutMs, answered.signal).then(() => {
      throw new StoreUnavailableError(this.address, this.#lastProblem ?? `no answer within ${timeoutMs} ms`);
    });
    timeUp.catch(() => undefined);
    try {
      return await Promise.race([running, timeUp]);
    } finally {
      answered.abort();
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.client.close();
    return this.#closing;
  }
}

async function tryTransaction<T>(
  session: ClientSession,
  action: (session: ClientSession) => Promise<T>,
  isTimeLeft: () => boolean,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    session.startTransaction(SNAPSHOT);
    try {
      const result = await action(session);
      await commitTransaction(session);
      return result;
    } catch (error) {
      if (session.inTransaction()) await session.abortTransaction().catch(() => undefined);
      const isWorthAgain = hasLabel(error, 'TransientTransactionError') && tries < MAX_TRANSACTION_TRIES;
      if (!isWorthAgain || !isTimeLeft()) throw error;
    }
  }
}

/** Unknown whether it was committed: asking again is answered with what happened, or commits. */
async function commitTransaction(session: ClientSession): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await session.commitTransaction();
      return;
    } catch (error) {
      if (!hasLabel(error, 'UnknownTransactionCommitResult') || tries === MAX_COMMIT_TRIES) throw error;
    }
  }
}

function hasLabel(error: unknown, label: string): boolean {
  return error instanceof MongoError && error.hasErrorLabel(label);
}

/** @throws StoreAddressInvalidError where the driver does not take it; whether somebody is there is not looked at */
function clientOf(address: string, hosts: string, options: MongoClientOptions): MongoClient {
  try {
    return new MongoClient(address, options);
  } catch (error) {
    throw new StoreAddressInvalidError(hosts, error);
  }
}

/** `mongodb://user:secret@a:1,b:2/db?x` → `a:1,b:2`. */
function hostsOf(address: string): string {
  const [, authority = ''] = /^[a-z+]+:\/\/([^/?]*)/.exec(address) ?? [];
  return authority.slice(authority.lastIndexOf('@') + 1);
}
