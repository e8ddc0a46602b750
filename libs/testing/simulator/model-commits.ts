import type { JsonObject } from '#libs/kernel';
import {
  type Commit,
  type CommitOutcome,
  CommitStore,
  type CommitVersion,
  compareVersions,
  type FormerOwner,
  type Lease,
  type LeaseEnd,
  LeaseStore,
  type Member,
  type Roster,
  type StateBlob,
  type StoredTask,
  type TaskId,
  taskName,
} from '#libs/storage';
import type { ModelResults } from './model-results.js';
import type { SimulatedProcess } from './simulated-process.js';

interface HeldLease {
  readonly owner: string;
  readonly epoch: number;
  expiresMs: number;
  renewedMs: number;
}

interface EndedLease {
  readonly owner: string;
  readonly end: LeaseEnd;
  readonly atMs: number;
}

interface TaskRecord {
  readonly task: TaskId;
  readonly incarnation: number;
  epoch: number;
  commitSeq: number;
  commitId: string;
  /** As text, so that nobody holds on to what is stored. */
  progress: string;
  facts: string;
  deliveredCommitSeq: number;
  state: StateBlob[];
  outboxes: { readonly commitSeq: number; readonly bytes: Uint8Array }[];
  lease: HeldLease | undefined;
  ended: EndedLease | undefined;
}

/** What survives the processes: commits and leases. */
export class ModelTasks {
  readonly #records = new Map<string, TaskRecord>();
  /** By owner. */
  readonly members = new Map<string, { readonly member: Member; readonly expiresMs: number }>();

  /** @param isComparing false removes the fence: every commit is taken, whoever has committed meanwhile */
  constructor(private readonly isComparing = true) {}

  record(task: TaskId): TaskRecord {
    const key = JSON.stringify([task.pipeline, task.stage, task.partition]);
    const known = this.#records.get(key) ?? emptyRecord(task);
    this.#records.set(key, known);
    return known;
  }

  records(): readonly TaskRecord[] {
    return [...this.#records.values()];
  }

  /** Every lease has expired now, and nobody has been heard of: the store's clock has jumped. */
  expireLeases(): void {
    for (const record of this.#records.values()) endLease(record, 'expired', record.lease?.renewedMs ?? 0);
    this.members.clear();
  }

  commit(task: TaskId, expected: CommitVersion, next: Commit): CommitOutcome {
    const record = this.record(task);
    if (this.isComparing && compareVersions(record, expected) !== 0) {
      const { incarnation, epoch, commitSeq, commitId } = record;
      return { kind: 'fenced', stored: { incarnation, epoch, commitSeq, commitId } };
    }
    const commitSeq = expected.commitSeq + 1;
    const deliveredCommitSeq = Math.max(record.deliveredCommitSeq, next.deliveredCommitSeq);
    const { state, outbox } = next;
    if (state?.kind === 'base') record.state = [];
    if (state !== undefined) record.state.push({ kind: state.kind, bytes: Buffer.from(state.bytes) });
    if (outbox !== undefined) record.outboxes.push({ commitSeq, bytes: Buffer.from(outbox) });
    record.outboxes = record.outboxes.filter((one) => one.commitSeq > deliveredCommitSeq);
    Object.assign(record, {
      commitSeq,
      deliveredCommitSeq,
      commitId: next.commitId,
      progress: JSON.stringify(next.progress),
      facts: JSON.stringify(next.facts),
    });
    return { kind: 'committed' };
  }

  load(task: TaskId): StoredTask | undefined {
    const record = this.record(task);
    const { incarnation, epoch, commitSeq, commitId, deliveredCommitSeq } = record;
    if (commitSeq === 0) return undefined;
    return {
      version: { incarnation, epoch, commitSeq },
      commitId,
      progress: JSON.parse(record.progress) as JsonObject,
      facts: JSON.parse(record.facts) as JsonObject,
      deliveredCommitSeq,
      state: [...record.state],
      outboxes: [...record.outboxes],
    };
  }
}

function endLease(record: TaskRecord, end: LeaseEnd, atMs: number): void {
  if (record.lease !== undefined) record.ended = { owner: record.lease.owner, end, atMs };
  record.lease = undefined;
}

function emptyRecord(task: TaskId): TaskRecord {
  return {
    task,
    incarnation: 0,
    epoch: 0,
    commitSeq: 0,
    commitId: '',
    progress: '{}',
    facts: '{}',
    deliveredCommitSeq: 0,
    state: [],
    outboxes: [],
    lease: undefined,
    ended: undefined,
  };
}

/** The commits as one process sees them. */
export class ModelCommitStore extends CommitStore {
  /** @param results given: a commit delivers what it holds for them, as part of itself */
  constructor(
    private readonly tasks: ModelTasks,
    private readonly process: SimulatedProcess,
    private readonly results?: ModelResults,
  ) {
    super();
  }

  override get deliversResults(): boolean {
    return this.results !== undefined;
  }

  async load(task: TaskId): Promise<StoredTask | undefined> {
    return await this.process.call({ kind: 'load', target: taskName(task) }, () => this.tasks.load(task));
  }

  async commit(task: TaskId, expected: CommitVersion, next: Commit): Promise<CommitOutcome> {
    const call = { kind: 'commit', target: taskName(task) } as const;
    return await this.process.call(call, () => {
      const outcome = this.tasks.commit(task, expected, next);
      if (outcome.kind === 'committed' && next.results !== undefined)
        this.results?.deliver({ task, version: expected }, next.results);
      return outcome;
    });
  }

  async facts(pipeline: string, stage: string): Promise<ReadonlyMap<number, JsonObject>> {
    return await this.process.call({ kind: 'facts', target: `${pipeline}/${stage}` }, () => {
      const records = this.tasks
        .records()
        .filter(({ task, commitSeq }) => task.pipeline === pipeline && task.stage === stage && commitSeq > 0);
      return new Map(records.map(({ task, facts }) => [task.partition, JSON.parse(facts) as JsonObject]));
    });
  }
}

/** The leases as one process sees them. The store's clock is that of the simulation. */
export class ModelLeaseStore extends LeaseStore {
  constructor(
    private readonly tasks: ModelTasks,
    private readonly process: SimulatedProcess,
  ) {
    super();
  }

  async acquire(task: TaskId, owner: string, ttlMs: number): Promise<Lease | undefined> {
    return await this.process.call({ kind: 'acquire', target: taskName(task) }, () => {
      const record = this.tasks.record(task);
      if (record.lease !== undefined && record.lease.expiresMs > this.#nowMs) return undefined;
      endLease(record, 'expired', record.lease?.renewedMs ?? 0);
      record.epoch++;
      const { incarnation, epoch, commitSeq } = record;
      record.lease = { owner, epoch, expiresMs: this.#nowMs + ttlMs, renewedMs: this.#nowMs };
      return { task, owner, version: { incarnation, epoch, commitSeq }, ...this.#formerOf(record) };
    });
  }

  async renew(lease: Lease, ttlMs: number): Promise<boolean> {
    return await this.process.call({ kind: 'renew', target: taskName(lease.task) }, () => {
      const held = this.#ours(lease);
      if (held === undefined) return false;
      held.renewedMs = this.#nowMs;
      held.expiresMs = this.#nowMs + ttlMs;
      return true;
    });
  }

  async release(lease: Lease, end: Exclude<LeaseEnd, 'expired'>): Promise<void> {
    await this.process.call({ kind: 'release', target: taskName(lease.task) }, () => {
      if (this.#ours(lease) !== undefined) endLease(this.tasks.record(lease.task), end, this.#nowMs);
    });
  }

  async attend(member: Member, ttlMs: number): Promise<void> {
    await this.process.call({ kind: 'attend', target: member.owner }, () => {
      this.tasks.members.set(member.owner, { member, expiresMs: this.#nowMs + ttlMs });
    });
  }

  async leave(owner: string): Promise<void> {
    await this.process.call({ kind: 'leave', target: owner }, () => void this.tasks.members.delete(owner));
  }

  async roster(): Promise<Roster> {
    return await this.process.call({ kind: 'roster', target: '' }, () => {
      const isLive = ({ expiresMs }: { readonly expiresMs: number }): boolean => expiresMs > this.#nowMs;
      const held = this.tasks
        .records()
        .flatMap(({ task, lease }) =>
          lease !== undefined && isLive(lease) ? [[taskName(task), lease.owner] as const] : [],
        );
      const members = [...this.tasks.members.values()].filter(isLive).map(({ member }) => member);
      return { members, holders: new Map(held) };
    });
  }

  #formerOf({ ended, lease }: TaskRecord): { readonly former?: FormerOwner } {
    if (ended === undefined || ended.owner === lease?.owner) return {};
    const { owner, end, atMs } = ended;
    return { former: { owner, end, idleMs: this.#nowMs - atMs } };
  }

  #ours({ task, owner, version }: Lease): HeldLease | undefined {
    const { lease } = this.tasks.record(task);
    return lease?.owner === owner && lease.epoch === version.epoch ? lease : undefined;
  }

  get #nowMs(): number {
    return this.process.world.time.nowMs;
  }
}
