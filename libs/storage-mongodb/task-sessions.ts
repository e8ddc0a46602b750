import { randomUUID } from 'node:crypto';
import type { ClientSession } from 'mongodb';
import { type TaskId, taskName } from '#libs/storage';
import type { MongodbConnection } from './mongodb-connection.js';
import { sessionIdOf, startNamedSession } from './named-session.js';

// A process that is killed in the middle of a transaction leaves it open: what it has written stays locked until the
// server's limit for transactions (60 s by default) is over. So the session of a task's transactions has an id that
// follows from the task, the epoch of its owner, and the process, which the task's record names: whoever takes the
// task over ends the sessions of the former owner first.

/** What a task does in transactions; each has a session of its own, since they run side by side. */
const PURPOSES = ['commit', 'deliver'] as const;
export type TransactionPurpose = (typeof PURPOSES)[number];

interface OpenSession {
  readonly epoch: number;
  readonly session: ClientSession;
  tail: Promise<unknown>;
}

/** The sessions of the tasks that this process owns. */
export class TaskSessions {
  /** Of this process; others find it in the record of a task. */
  readonly holder = randomUUID();
  readonly #connection: MongodbConnection;
  readonly #open = new Map<string, OpenSession>();

  constructor(connection: MongodbConnection) {
    this.#connection = connection;
  }

  /** All of it or nothing, in the session of the task's owner. One at a time. `action` may be called again. */
  async transaction<T>(
    owner: { readonly task: TaskId; readonly epoch: number; readonly purpose: TransactionPurpose },
    what: string,
    action: (session: ClientSession) => Promise<T>,
  ): Promise<T> {
    const open = this.#sessionOf(owner.task, owner.epoch, owner.purpose);
    const turn = open.tail.then(() => this.#connection.transaction(what, action, open.session));
    open.tail = turn.catch(() => undefined);
    return await turn;
  }

  /** Ends the transactions that a former owner may have left open. Best effort: they end by themselves. */
  async endThoseOf(task: TaskId, owner: { readonly epoch: number; readonly holder: string }): Promise<void> {
    const killSessions = PURPOSES.map((purpose) => sessionIdOf(nameOf(task, owner, purpose)));
    await this.#connection.client
      .db('admin')
      .command({ killSessions })
      .catch(() => undefined);
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#open.values()].map(({ session }) => session.endSession()));
    this.#open.clear();
  }

  #sessionOf(task: TaskId, epoch: number, purpose: TransactionPurpose): OpenSession {
    const key = `${purpose} ${taskName(task)}`;
    const known = this.#open.get(key);
    if (known?.epoch === epoch) return known;
    void known?.tail.then(() => known.session.endSession()).catch(() => undefined);
    const session = startNamedSession(
      this.#connection.client,
      nameOf(task, { epoch, holder: this.holder }, purpose),
    );
    const opened = { epoch, session, tail: Promise.resolve() };
    this.#open.set(key, opened);
    return opened;
  }
}

function nameOf(
  task: TaskId,
  { epoch, holder }: { readonly epoch: number; readonly holder: string },
  purpose: TransactionPurpose,
): string {
  return JSON.stringify([purpose, taskName(task), epoch, holder]);
}
