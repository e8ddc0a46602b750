import type { CommitVersion, TaskId } from './task.js';

/** The right to run a task, until `expiresMs` by the store's clock. */
export interface Lease {
  readonly task: TaskId;
  readonly owner: string;
  /** The version to commit against: taking over has raised its epoch. */
  readonly version: CommitVersion;
}

/**
 * Who runs which task. Leases are for liveness; safety rests on the epoch that every commit compares.
 *
 * Obligations: expiry is judged by the store's clock; two owners never hold the same epoch of a task. Every
 * adapter runs `describeLeaseStoreContract` of `libs/testing`.
 */
export abstract class LeaseStore {
  /**
   * Takes the lease if nobody holds it or it has expired, and raises the epoch. Undefined: somebody else holds it.
   *
   * @param ttlMs how long it lasts without {@link renew}, > 0
   */
  abstract acquire(task: TaskId, owner: string, ttlMs: number): Promise<Lease | undefined>;
  /** Makes the lease last `ttlMs` from now. False: it is no longer ours. */
  abstract renew(lease: Lease, ttlMs: number): Promise<boolean>;
  /** Gives the lease back, so that another may take it at once. */
  abstract release(lease: Lease): Promise<void>;
}
