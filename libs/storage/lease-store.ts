import type { CommitVersion, TaskId } from './task.js';

/**
 * Why an owner has no lease any more: it was stopped (`released`), another one has a right to the task (`rebalanced`),
 * its run ended with an error (`failed`), or it was not heard of for too long (`expired`).
 */
export type LeaseEnd = 'released' | 'rebalanced' | 'failed' | 'expired';

/** Who had a task before. */
export interface FormerOwner {
  readonly owner: string;
  readonly end: LeaseEnd;
  /** From when it gave the lease back, or was heard of last, until now; by the store's clock, ≥ 0. */
  readonly idleMs: number;
}

/** The right to run a task, until `expiresMs` by the store's clock. */
export interface Lease {
  readonly task: TaskId;
  readonly owner: string;
  /** The version to commit against: taking over has raised its epoch. */
  readonly version: CommitVersion;
  /** Absent: nobody that the store knows of, or the same owner. */
  readonly former?: FormerOwner;
}

/** A process that runs tasks, as it presents itself to the others. */
export interface Member {
  /** The owner of its leases. */
  readonly owner: string;
  /** Names of all tasks that it could run ({@link taskName}). */
  readonly tasks: readonly string[];
  /** Names of those that it can't run at present, since they have just failed there for instance. */
  readonly resting: readonly string[];
  /** It gives back what it has and takes nothing any more. */
  readonly isLeaving: boolean;
}

/** Who is there, and who has what, at one moment. */
export interface Roster {
  /** Those that have been heard of in time. */
  readonly members: readonly Member[];
  /** By task name: the owner of its lease. Tasks that are free are missing. */
  readonly holders: ReadonlyMap<string, string>;
}

/**
 * Who runs which task, and who could. Leases are for liveness; safety rests on the epoch that every commit compares.
 *
 * Obligations: expiry, of leases and of members, is judged by the store's clock; two owners never hold the same epoch of a
 * task. Every adapter runs `describeLeaseStoreContract` of `libs/testing`.
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
  /** Gives the lease back, so that another may take it at once, and notes why. */
  abstract release(lease: Lease, end: Exclude<LeaseEnd, 'expired'>): Promise<void>;
  /**
   * Says that a process is there, whether or not it has any lease, and how it is; replaces what it has said before.
   *
   * @param ttlMs for how long others count on it without another call, > 0
   */
  abstract attend(member: Member, ttlMs: number): Promise<void>;
  /** A process is gone: nobody counts on it any more. Its leases stay as they are. */
  abstract leave(owner: string): Promise<void>;
  /** Looks who is there and who has what. Cheap: every process does so several times a second. */
  abstract roster(): Promise<Roster>;
}
