import type { Clock } from '#libs/kernel';
import { type Lease, LeaseStore, type TaskId, taskName } from '#libs/storage';
import type { StoreDatabase } from './store-database.js';
import { putHead, readHead } from './task-head.js';

interface HeldLease {
  readonly owner: string;
  readonly epoch: number;
  /** By the monotonic clock. */
  expiresMs: number;
}

/**
 * Leases within one process: who holds one is in memory, since the end of the process ends them all. Epochs are
 * stored, in the record that every commit compares.
 */
export class EmbeddedLeaseStore extends LeaseStore {
  readonly #database: StoreDatabase;
  readonly #clock: Clock;
  readonly #held = new Map<string, HeldLease>();

  constructor(database: StoreDatabase, clock: Clock) {
    super();
    this.#database = database;
    this.#clock = clock;
  }

  async acquire(task: TaskId, owner: string, ttlMs: number): Promise<Lease | undefined> {
    const name = taskName(task);
    // Judged inside the transaction: of two who ask at once the second one finds the first.
    return await this.#database.write(() => {
      const held = this.#held.get(name);
      if (held !== undefined && held.owner !== owner && held.expiresMs > this.#clock.monotonicMs())
        return undefined;
      const head = readHead(this.#database, task);
      const epoch = head.epoch + 1;
      putHead(this.#database, task, { ...head, epoch });
      this.#held.set(name, { owner, epoch, expiresMs: this.#clock.monotonicMs() + ttlMs });
      return { task, owner, version: { incarnation: head.incarnation, epoch, commitSeq: head.commitSeq } };
    });
  }

  async renew(lease: Lease, ttlMs: number): Promise<boolean> {
    const held = this.#ours(lease);
    if (held !== undefined) held.expiresMs = this.#clock.monotonicMs() + ttlMs;
    return held !== undefined;
  }

  async release(lease: Lease): Promise<void> {
    if (this.#ours(lease) !== undefined) this.#held.delete(taskName(lease.task));
  }

  #ours({ task, owner, version }: Lease): HeldLease | undefined {
    const held = this.#held.get(taskName(task));
    return held?.owner === owner && held.epoch === version.epoch ? held : undefined;
  }
}
