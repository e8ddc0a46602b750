import type { ClientSession } from 'mongodb';
import { type DeliveryFence, taskName } from '#libs/storage';
import type { MongodbConnection } from '../mongodb-connection.js';
import { startNamedSession } from '../named-session.js';

/** One session: the rows of one task in one collection. */
export interface Lane {
  readonly id: string;
  readonly session: ClientSession;
  epoch: number;
  /** Numbers of this commit or of older ones may have been used: they are not new any more. */
  numberedCommitSeq: number;
  /** By the monotonic clock; undefined: never by this process. */
  usedMs: number | undefined;
  tail: Promise<unknown>;
}

export interface InsertLanesOptions {
  readonly connection: MongodbConnection;
  /** Of the database: sessions are the server's, and a database may be dropped and made anew. */
  readonly identity: string;
  /** After so long without use the server may forget a session. */
  readonly sessionTimeoutMs: number;
}

/** The sessions of one process, kept from being forgotten while it lives. */
export class InsertLanes {
  readonly #options: InsertLanesOptions;
  readonly #lanes = new Map<string, Lane>();
  #cancelPing: () => void = () => undefined;

  constructor(options: InsertLanesOptions) {
    this.#options = options;
    this.#pingLater();
  }

  /** The lane of a task in a collection: its session has the same id for every owner of the task. */
  of(collection: string, { task, version }: DeliveryFence): Lane {
    const { connection, identity } = this.#options;
    const id = JSON.stringify([collection, taskName(task), version.incarnation]);
    const known = this.#lanes.get(id);
    if (known !== undefined) return known;
    const lane: Lane = {
      id,
      session: startNamedSession(connection.client, `${identity}\n${id}`),
      epoch: -1,
      numberedCommitSeq: -1,
      usedMs: undefined,
      tail: Promise.resolve(),
    };
    this.#lanes.set(id, lane);
    return lane;
  }

  /** A session that is not used is forgotten by the server: several pings within its timeout keep it. */
  #pingLater(): void {
    const { connection, sessionTimeoutMs } = this.#options;
    this.#cancelPing = connection.clock.after(sessionTimeoutMs / 6, () => {
      void this.ping().then(() => this.#pingLater());
    });
  }

  /** Best effort: a lane whose ping fails is checked once it has been silent for too long. */
  async ping(): Promise<void> {
    const { client, clock } = this.#options.connection;
    const used = [...this.#lanes.values()].filter(({ usedMs }) => usedMs !== undefined);
    for (const lane of used) {
      const isTooLate =
        clock.monotonicMs() - (lane.usedMs ?? -Infinity) >= this.#options.sessionTimeoutMs / 2;
      if (isTooLate) continue;
      const startedMs = clock.monotonicMs();
      const isAnswered = await client
        .db('admin')
        .command({ ping: 1 }, { session: lane.session })
        .then(
          () => true,
          () => false,
        );
      if (isAnswered && lane.usedMs !== undefined) lane.usedMs = Math.max(lane.usedMs, startedMs);
    }
  }

  async close(): Promise<void> {
    this.#cancelPing();
    await Promise.allSettled([...this.#lanes.values()].map(({ session }) => session.endSession()));
    this.#lanes.clear();
  }
}
