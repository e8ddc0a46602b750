import type { Clock } from '#libs/kernel';
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
import type { StoreDatabase } from './store-database.js';
import { putHead, readHead } from './task-head.js';

interface HeldLease {
  readonly owner: string;
  readonly epoch: number;
  /** By the monotonic clock, as all times here. */
  expiresMs: number;
  renewedMs: number;
}

interface EndedLease {
  readonly owner: string;
  readonly end: LeaseEnd;
  readonly atMs: number;
}

/**
 * Leases within one process: who holds one is in memory, since the end of the process ends them all. Epochs are
 * stored, in the record that every commit compares.
 */
export class EmbeddedLeaseStore extends LeaseStore {
  readonly #database: StoreDatabase;
  readonly #clock: Clock;
  readonly #held = new Map<string, HeldLease>();
  /** By task name: how the last lease of it ended. */
  readonly #ended = new Map<string, EndedLease>();
  readonly #members = new Map<string, { readonly member: Member; readonly expiresMs: number }>();

  constructor(database: StoreDatabase, clock: Clock) {
    super();
    this.#database = database;
    this.#clock = clock;
  }

  async acquire(task: TaskId, owner: string, ttlMs: number): Promise<Lease | undefined> {
    const name = taskName(task);
    // Judged inside the transaction: of two who ask at once the second one finds the first.
    return await this.#database.write(() => {
      const nowMs = this.#clock.monotonicMs();
      const held = this.#held.get(name);
      if (held !== undefined && held.owner !== owner && held.expiresMs > nowMs) return undefined;
      if (held !== undefined)
        this.#ended.set(name, { owner: held.owner, end: 'expired', atMs: held.renewedMs });
      const head = readHead(this.#database, task);
      const epoch = head.epoch + 1;
      putHead(this.#database, task, { ...head, epoch });
      this.#held.set(name, { owner, epoch, expiresMs: nowMs + ttlMs, renewedMs: nowMs });
      const version = { incarnation: head.incarnation, epoch, commitSeq: head.commitSeq };
      return { task, owner, version, ...this.#formerOf(name, owner) };
    });
  }

  async renew(lease: Lease, ttlMs: number): Promise<boolean> {
    const held = this.#ours(lease);
    if (held === undefined) return false;
    held.renewedMs = this.#clock.monotonicMs();
    held.expiresMs = held.renewedMs + ttlMs;
    return true;
  }

  async release(lease: Lease, end: Exclude<LeaseEnd, 'expired'>): Promise<void> {
    if (this.#ours(lease) === undefined) return;
    const name = taskName(lease.task);
    this.#held.delete(name);
    this.#ended.set(name, { owner: lease.owner, end, atMs: this.#clock.monotonicMs() });
  }

  async attend(member: Member, ttlMs: number): Promise<void> {
    this.#members.set(member.owner, { member, expiresMs: this.#clock.monotonicMs() + ttlMs });
  }

  async leave(owner: string): Promise<void> {
    this.#members.delete(owner);
  }

  async roster(): Promise<Roster> {
    const nowMs = this.#clock.monotonicMs();
    for (const [owner, { expiresMs }] of this.#members) if (expiresMs <= nowMs) this.#members.delete(owner);
    const live = [...this.#held].filter(([, { expiresMs }]) => expiresMs > nowMs);
    return {
      members: [...this.#members.values()].map(({ member }) => member),
      holders: new Map(live.map(([name, { owner }]) => [name, owner])),
    };
  }

  #formerOf(name: string, owner: string): { readonly former?: FormerOwner } {
    const ended = this.#ended.get(name);
    if (ended === undefined || ended.owner === owner) return {};
    const idleMs = Math.max(0, this.#clock.monotonicMs() - ended.atMs);
    return { former: { owner: ended.owner, end: ended.end, idleMs } };
  }

  #ours({ task, owner, version }: Lease): HeldLease | undefined {
    const held = this.#held.get(taskName(task));
    return held?.owner === owner && held.epoch === version.epoch ? held : undefined;
  }
}
