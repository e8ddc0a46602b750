import { randomUUID } from 'node:crypto';
import type { Collection, Filter } from 'mongodb';
import {
  type FormerOwner,
  type Lease,
  type LeaseEnd,
  LeaseStore,
  type Member,
  type Roster,
  type TaskId,
  taskName,
} from '#libs/storage';
import { NAMES } from '../collection-names.js';
import { DURABLE, type MongodbConnection } from '../mongodb-connection.js';
import { codeOf } from '../store-failure.js';
import type { TaskSessions } from '../task-sessions.js';
import { type TaskRecord, taskPlace, versionOf } from './task-record.js';

const DUPLICATE_KEY = 11_000;
/** Of a lease that lasts 10 s: whoever waits longer has lost it. */
const CALL_MS = 4_000;

interface FoundLease {
  readonly isFree: boolean;
  readonly epoch: number;
  readonly holder?: string;
}

/** A process as it stands in the store. */
interface MemberRecord {
  readonly _id: string;
  readonly tasks: readonly string[];
  readonly resting: readonly string[];
  readonly isLeaving: boolean;
  readonly expires: Date;
}

/** Leases in the record of the task, judged by the server's clock (`$$NOW`): one atomic update takes one. */
export class MongodbLeaseStore extends LeaseStore {
  readonly #connection: MongodbConnection;
  readonly #tasks: Collection<TaskRecord>;
  readonly #members: Collection<MemberRecord>;
  readonly #sessions: TaskSessions;

  constructor(connection: MongodbConnection, sessions: TaskSessions) {
    super();
    this.#sessions = sessions;
    this.#connection = connection;
    this.#tasks = connection.collection<TaskRecord>(NAMES.tasks);
    this.#members = connection.collection<MemberRecord>(NAMES.members);
  }

  async acquire(task: TaskId, owner: string, ttlMs: number): Promise<Lease | undefined> {
    const token = randomUUID();
    const record = await this.#connection.call(`taking the lease of ${taskName(task)}`, async () => {
      const former = await this.#lookAt(task, owner);
      if (former?.isFree === false) return undefined;
      if (former?.holder !== undefined)
        await this.#sessions.endThoseOf(task, { epoch: former.epoch, holder: former.holder });
      try {
        return await this.#take(task, { owner, token, ttlMs });
      } catch (error) {
        // Two have made the record of a new task at once: the other one was first.
        if (codeOf(error) !== DUPLICATE_KEY) throw error;
        return await this.#take(task, { owner, token, ttlMs });
      }
    });
    if (record?.lease?.token !== token) return undefined;
    return { task, owner, version: versionOf(record), ...formerIn(record) };
  }

  async renew(lease: Lease, ttlMs: number): Promise<boolean> {
    const { matchedCount } = await this.#connection.call(
      `renewing the lease of ${taskName(lease.task)}`,
      () =>
        this.#tasks.updateOne(
          oursFilter(lease),
          [{ $set: { 'lease.expires': { $add: ['$$NOW', ttlMs] }, 'lease.renewed': '$$NOW' } }],
          { maxTimeMS: CALL_MS, ...DURABLE },
        ),
    );
    return matchedCount === 1;
  }

  async release(lease: Lease, end: Exclude<LeaseEnd, 'expired'>): Promise<void> {
    const former = { owner: { $literal: lease.owner }, end, at: '$$NOW' };
    await this.#connection.call(`giving back the lease of ${taskName(lease.task)}`, () =>
      this.#tasks.updateOne(oursFilter(lease), [{ $set: { former } }, { $unset: 'lease' }], DURABLE),
    );
  }

  async attend({ owner, tasks, resting, isLeaving }: Member, ttlMs: number): Promise<void> {
    const said = { tasks: { $literal: tasks }, resting: { $literal: resting }, isLeaving };
    const expires = { $add: ['$$NOW', ttlMs] };
    await this.#connection.call(`the presence of ${owner}`, () =>
      this.#members.updateOne({ _id: owner }, [{ $set: { ...said, expires } }], {
        upsert: true,
        maxTimeMS: CALL_MS,
      }),
    );
  }

  async leave(owner: string): Promise<void> {
    await this.#connection.call(`the leave of ${owner}`, () =>
      this.#members.deleteOne({ _id: owner }, { maxTimeMS: CALL_MS }),
    );
  }

  async roster(): Promise<Roster> {
    const projection = { pipeline: 1, stage: 1, partition: 1, 'lease.owner': 1 };
    const [members, held] = await this.#connection.call('the roster', () =>
      Promise.all([
        this.#members.find(isLive('$expires'), { maxTimeMS: CALL_MS }).toArray(),
        this.#tasks
          .find(isLive('$lease.expires'), { maxTimeMS: CALL_MS })
          .project<TaskId & Required<Pick<TaskRecord, 'lease'>>>(projection)
          .toArray(),
      ]),
    );
    return {
      members: members.map(({ _id: owner, tasks, resting, isLeaving }) => ({
        owner,
        tasks,
        resting,
        isLeaving,
      })),
      holders: new Map(held.map((record) => [taskName(record), record.lease.owner])),
    };
  }

  /** Most who ask only wait: to look costs no write, and waits for nobody's transaction. */
  async #lookAt(task: TaskId, owner: string): Promise<FoundLease | undefined> {
    const projection = { epoch: 1, holder: 1, isFree: isFreeFor(owner) };
    const found = await this.#tasks
      .find({ _id: taskPlace(task)._id }, { maxTimeMS: CALL_MS })
      .project<FoundLease>(projection)
      .next();
    return found ?? undefined;
  }

  async #take(
    task: TaskId,
    { owner, token, ttlMs }: { readonly owner: string; readonly token: string; readonly ttlMs: number },
  ): Promise<TaskRecord | null> {
    const { _id, ...place } = taskPlace(task);
    const expires = { $add: ['$$NOW', ttlMs] };
    const lease = { owner: { $literal: owner }, token, expires, renewed: '$$NOW' };
    const expired = { owner: '$lease.owner', end: 'expired', at: '$lease.renewed' };
    const hadLease = { $eq: [{ $type: '$lease' }, 'object'] };
    const zero = (field: string): object => ({ $ifNull: [field, 0] });
    return await this.#tasks.findOneAndUpdate(
      { _id },
      [
        { $set: { isFree: isFreeFor(owner) } },
        {
          $set: {
            pipeline: { $literal: place.pipeline },
            stage: { $literal: place.stage },
            partition: place.partition,
            incarnation: zero('$incarnation'),
            commitSeq: zero('$commitSeq'),
            epoch: { $add: [zero('$epoch'), { $cond: ['$isFree', 1, 0] }] },
            lease: { $cond: ['$isFree', lease, '$lease'] },
            holder: { $cond: ['$isFree', this.#sessions.holder, '$holder'] },
            former: { $cond: [{ $and: ['$isFree', hadLease] }, expired, '$former'] },
          },
        },
        {
          $set: {
            'lease.idleMs': { $cond: ['$isFree', { $subtract: ['$$NOW', '$former.at'] }, '$lease.idleMs'] },
          },
        },
        { $unset: 'isFree' },
      ],
      {
        upsert: true,
        returnDocument: 'after',
        projection: { progress: 0, facts: 0 },
        maxTimeMS: CALL_MS,
        ...DURABLE,
      },
    );
  }
}

/** By the server's clock. An owner may take its own again. */
function isFreeFor(owner: string): object {
  return {
    $or: [
      { $eq: ['$lease.owner', { $literal: owner }] },
      { $lte: [{ $ifNull: ['$lease.expires', new Date(0)] }, '$$NOW'] },
    ],
  };
}

/** By the server's clock; what has no such time is not. */
function isLive(expires: string): object {
  return { $expr: { $gt: [{ $ifNull: [expires, new Date(0)] }, '$$NOW'] } };
}

function formerIn({ lease, former }: TaskRecord): { readonly former?: FormerOwner } {
  if (former === undefined || former.owner === lease?.owner) return {};
  const { owner, end } = former;
  return { former: { owner, end, idleMs: Math.max(0, lease?.idleMs ?? 0) } };
}

function oursFilter({ task, owner, version }: Lease): Filter<TaskRecord> {
  return { _id: taskPlace(task)._id, 'lease.owner': { $eq: owner }, epoch: version.epoch };
}
