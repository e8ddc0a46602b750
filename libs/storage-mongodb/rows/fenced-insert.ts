import { setImmediate } from 'node:timers/promises';
import { type Collection, type Document, Long } from 'mongodb';
import { FACTS, type Telemetry } from '#libs/observability';
import { type DeliveryFence, DeliveryFencedError, taskName } from '#libs/storage';
import { NAMES } from '../collection-names.js';
import { DURABLE, DURABLE_COMMAND, type MongodbConnection } from '../mongodb-connection.js';
import { codeOf } from '../store-failure.js';
import { InsertLanes, type Lane } from './insert-lanes.js';
import { assertWritten, batchesOf, isWorthResending, presentIds } from './row-batches.js';
import type { OutgoingRow } from './row-record.js';

// Rows of a time-series collection, each once, though it has no unique index and takes no part in transactions.
//
// The server keeps, for each session, the highest number of a retryable write and the statements it has done under
// it: a repeat of a statement does nothing, a lower number is refused (error 225). So the session's id is derived
// from (incarnation, collection, task), the same for every owner of the task, and the number from the commit:
//   number = commitSeq * 65536 + attempt,   statement = index of the row.
// F1. A number is never used with other rows: attempts above 0 are stored before they are used.
// F2. Whoever cannot know what was written checks before it inserts: first use of the session by this owner, a
//     repeat of something older, error 217, or a session unused for half its timeout (an expired record gives no
//     error). It stores the next attempts, writes to its fence under the first of them, which shuts out every
//     lower number, looks which rows are there, and inserts the missing ones under the second. These are numbers of
//     the newest commit that a former owner may have delivered, not of the one at hand: the server refuses lower ones.
// F3. One insert at a time per session.
// F4. An epoch below the stored one is refused before anything is written.
// `serverSession`, `txnNumber` and `stmtIds` are internal to the driver, which is why it is pinned and why
// fenced-insert.spec.ts tries all of this on a server.

const ATTEMPTS = 65_536;
const TRANSACTION_TOO_OLD = 225;
const HISTORY_INCOMPLETE = 217;
const DUPLICATE_KEY = 11_000;
/** A lost connection or a primary that changes: again at once, with the same numbers, before anybody hears of it. */
const RESENDS = 2;

/**
 * `plain`: numbers alone kept repeats out. `checked`: rows that were there were looked up first, behind the fence.
 * `unfenced`: they were looked up, and nothing keeps a former owner from writing in between.
 */
export type InsertPath = 'plain' | 'checked' | 'unfenced';

interface FenceRecord {
  readonly _id: string;
  readonly incarnation: number;
  readonly epoch: number;
  /** The highest whose numbers were used for checked inserts. */
  readonly commitSeq: number;
  /** Its highest one that may have been used. */
  readonly attempt: number;
  readonly fenced?: Long;
}

export interface FencedInsertOptions {
  readonly connection: MongodbConnection;
  readonly telemetry: Telemetry;
  /** After so long without use the server may forget a session: `logicalSessionTimeoutMinutes` of `hello`. */
  readonly sessionTimeoutMs: number;
  /** Of the database: sessions are the server's, and a database may be dropped and made anew. */
  readonly identity: string;
  /** `lookup`: the server does not keep numbers (see the probe). `off`: for tests that show the damage. */
  readonly fence: 'sessions' | 'lookup' | 'off';
}

export class FencedInsert {
  readonly #options: FencedInsertOptions;
  readonly #fences: Collection<FenceRecord>;
  readonly #lanes: InsertLanes;

  constructor(options: FencedInsertOptions) {
    this.#options = options;
    this.#fences = options.connection.collection<FenceRecord>(NAMES.fences);
    this.#lanes = new InsertLanes(options);
  }

  /**
   * Inserts rows of one commit into one collection, those that are not there.
   *
   * @param build gives the rows: always the same ones, in the same order, for one commit
   * @throws DeliveryFencedError if a later owner has been here
   */
  async insert(
    collection: string,
    fence: DeliveryFence,
    build: () => readonly OutgoingRow[],
  ): Promise<InsertPath> {
    const lane = this.#lanes.of(collection, fence);
    const turn = lane.tail.then(() => this.#insertInTurn(lane, { collection, fence, build }));
    lane.tail = turn.catch(() => undefined);
    return await turn;
  }

  /** Keeps the sessions in use from being forgotten; done by itself several times within their timeout. */
  async ping(): Promise<void> {
    await this.#lanes.ping();
  }

  async close(): Promise<void> {
    await this.#lanes.close();
  }

  async #insertInTurn(
    lane: Lane,
    { build, ...target }: InsertTarget & { readonly build: () => readonly OutgoingRow[] },
  ): Promise<InsertPath> {
    const { version } = target.fence;
    if (version.epoch < lane.epoch) throw refused(target.fence, `epoch ${lane.epoch} delivers now`);
    try {
      const isToCheck = this.#mustCheck(lane, target.fence);
      // On its way while the rows are built.
      const passing = isToCheck ? undefined : this.#refuseFormer(lane, target.fence);
      passing?.catch(() => undefined);
      await setImmediate();
      const insert = { ...target, rows: build() };
      await passing;
      const path = await this.#insertSomehow(lane, insert, isToCheck);
      lane.numberedCommitSeq = Math.max(lane.numberedCommitSeq, version.commitSeq);
      this.#options.telemetry.record(FACTS.rowsInserted, { path }, insert.rows.length);
      return path;
    } catch (error) {
      if (codeOf(error) !== TRANSACTION_TOO_OLD) throw error;
      lane.usedMs = undefined;
      throw refused(target.fence, 'a higher number was used in its session');
    }
  }

  async #insertSomehow(lane: Lane, insert: RowInsert, isToCheck: boolean): Promise<InsertPath> {
    if (this.#options.fence === 'lookup') return await this.#insertUnfenced(lane, insert);
    const path = isToCheck ? 'checked' : await this.#insertPlainly(lane, insert);
    if (path === 'checked') await this.#insertChecked(lane, insert);
    return path;
  }

  /** F2 */
  #mustCheck(lane: Lane, { version: { epoch, commitSeq } }: DeliveryFence): boolean {
    if (this.#options.fence === 'off') return false;
    const { clock } = this.#options.connection;
    const isForgettable =
      lane.usedMs === undefined || clock.monotonicMs() - lane.usedMs >= this.#options.sessionTimeoutMs / 2;
    return isForgettable || lane.epoch !== epoch || commitSeq <= lane.numberedCommitSeq;
  }

  /** Gives `checked` where the server does not know any more what it did: then it is to be done that way. */
  async #insertPlainly(lane: Lane, insert: RowInsert): Promise<InsertPath> {
    try {
      await this.#insertUnder(lane, insert, numberOf(insert.fence.version.commitSeq, 0));
      return 'plain';
    } catch (error) {
      if (codeOf(error) !== HISTORY_INCOMPLETE) throw error;
      return 'checked';
    }
  }

  /** F4: its numbers may be in order, and its rows even right; it is not its turn any more. */
  async #refuseFormer(lane: Lane, fence: DeliveryFence): Promise<void> {
    if (this.#options.fence === 'off') return;
    const stored = await this.#fences.findOne({ _id: lane.id }, { projection: { epoch: 1 } });
    if ((stored?.epoch ?? 0) > fence.version.epoch) throw refused(fence, 'a later owner delivers now');
  }

  async #insertChecked(lane: Lane, insert: RowInsert): Promise<void> {
    // Whatever goes wrong on the way: the next call begins here again.
    lane.usedMs = undefined;
    const { commitSeq, attempt } = await this.#takeAttempts(lane, insert.fence);
    const fencedAt = await this.#raiseFence(lane, numberOf(commitSeq, attempt - 1));
    const present = await this.#present(insert, fencedAt);
    const missing = insert.rows.filter(({ record }) => !present.has(record._id));
    this.#options.telemetry.record(FACTS.rowsChecked, {
      task: taskName(insert.fence.task),
      collection: insert.collection,
      present: present.size,
      missing: missing.length,
    });
    await this.#insertUnder(lane, { ...insert, rows: missing }, numberOf(commitSeq, attempt));
    lane.epoch = insert.fence.version.epoch;
    lane.numberedCommitSeq = Math.max(lane.numberedCommitSeq, commitSeq);
  }

  /** Without numbers: two who write at once may write the same row. */
  async #insertUnfenced(lane: Lane, insert: RowInsert): Promise<InsertPath> {
    await this.#takeAttempts(lane, insert.fence);
    const present = await this.#present(insert, undefined);
    const missing = insert.rows.filter(({ record }) => !present.has(record._id));
    await this.#insertUnder(lane, { ...insert, rows: missing }, numberOf(0, 0));
    lane.epoch = insert.fence.version.epoch;
    return 'unfenced';
  }

  /** F1, F4: stores two attempts before they are used; gives the second, and the commit whose attempts they are. */
  async #takeAttempts(lane: Lane, fence: DeliveryFence): Promise<AttemptOfCommit> {
    const { incarnation, epoch, commitSeq } = fence.version;
    const newest = Math.max(commitSeq, fence.newestCommitSeq ?? 0);
    const used = { $cond: [{ $gte: ['$commitSeq', newest] }, '$attempt', 0] };
    const update = [
      {
        $set: {
          incarnation,
          epoch,
          commitSeq: { $max: ['$commitSeq', newest] },
          attempt: { $add: [used, 2] },
        },
      },
    ];
    const filter = { _id: lane.id, $or: [{ epoch: { $lte: epoch } }, { epoch: { $exists: false } }] };
    try {
      const options = { upsert: true, returnDocument: 'after', ...DURABLE } as const;
      const stored = await this.#fences.findOneAndUpdate(filter, update, options);
      const taken = stored ?? { commitSeq: newest, attempt: 2 };
      if (taken.attempt < ATTEMPTS) return taken;
    } catch (error) {
      // The record is there, and of a later epoch.
      if (codeOf(error) === DUPLICATE_KEY) throw refused(fence, 'a later owner delivers now');
      throw error;
    }
    throw refused(fence, `it was tried ${ATTEMPTS / 2} times`);
  }

  /** From here on no lower number writes. Gives the server's time of it. */
  async #raiseFence(lane: Lane, txnNumber: Long): Promise<unknown> {
    const answer = await this.#command(lane, {
      update: NAMES.fences,
      updates: [{ q: { _id: lane.id }, u: { $set: { fenced: txnNumber } } }],
      txnNumber,
      stmtIds: [0],
    });
    return answer['operationTime'];
  }

  async #present({ collection, rows }: RowInsert, afterClusterTime: unknown): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    for (const batch of batchesOf(rows)) {
      for (const id of await presentIds(this.#options.connection, {
        collection,
        rows: batch,
        afterClusterTime,
      }))
        found.add(id);
    }
    return found;
  }

  async #insertUnder(lane: Lane, { collection, rows }: RowInsert, txnNumber: Long): Promise<void> {
    let statement = 0;
    for (const batch of batchesOf(rows)) {
      const stmtIds = batch.map(() => statement++);
      const documents = batch.map(({ record }) => record);
      await this.#command(lane, { insert: collection, documents, ordered: true, txnNumber, stmtIds });
    }
    lane.usedMs = this.#options.connection.clock.monotonicMs();
  }

  /** Resends what may or may not have arrived: the numbers make a repeat harmless. */
  async #command(lane: Lane, command: Document): Promise<Document> {
    const { connection, fence } = this.#options;
    const { txnNumber, stmtIds, ...bare } = command;
    const numbered = { ...bare, txnNumber, stmtIds, ...DURABLE_COMMAND };
    for (let resends = 0; ; resends++) {
      try {
        const answer =
          fence === 'sessions'
            ? await connection.db.command(numbered, { session: lane.session })
            : await connection.db.command({ ...bare, ...DURABLE_COMMAND });
        assertWritten(answer);
        return answer;
      } catch (error) {
        if (resends === RESENDS || !isWorthResending(error)) throw error;
      }
    }
  }
}

interface InsertTarget {
  readonly collection: string;
  readonly fence: DeliveryFence;
}

interface AttemptOfCommit {
  readonly commitSeq: number;
  readonly attempt: number;
}

interface RowInsert extends InsertTarget {
  readonly rows: readonly OutgoingRow[];
}

function numberOf(commitSeq: number, attempt: number): Long {
  return Long.fromNumber(commitSeq * ATTEMPTS + attempt);
}

function refused({ task, version }: DeliveryFence, reason: string): DeliveryFencedError {
  return new DeliveryFencedError(taskName(task), version, reason);
}
