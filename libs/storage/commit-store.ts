import type { JsonObject } from '#libs/kernel';
import type { ResultItems } from './result-store.js';
import type { CommitVersion, TaskId } from './task.js';

/**
 * A part of the state of a task, as bytes that carry their own format and checksum. A commit writes one: a
 * `base` replaces everything before it, a `delta` stands on what is there.
 */
export interface StateBlob {
  readonly kind: 'base' | 'delta';
  readonly bytes: Uint8Array;
}

/** One commit of a task: all of it is stored, or none. */
export interface Commit {
  /** Unique; tells a writer whose reply was lost that its commit had succeeded. */
  readonly commitId: string;
  /** Positions, last seen numbers, sequence counters: what the runtime needs to go on. Opaque to the store. */
  readonly progress: JsonObject;
  /** What this task tells the other tasks of its stage: small. Opaque to the store. */
  readonly facts: JsonObject;
  /** Absent: the state did not change. */
  readonly state?: StateBlob;
  /** What is to be delivered after this commit, as bytes; absent if there is nothing. */
  readonly outbox?: Uint8Array;
  /** Rows and documents that are delivered by the commit itself; only where {@link CommitStore.deliversResults}. */
  readonly results?: ResultItems;
  /** Outboxes up to and with this commitSeq have been delivered; they may be forgotten. */
  readonly deliveredCommitSeq: number;
}

export interface StoredTask {
  readonly version: CommitVersion;
  readonly commitId: string;
  readonly progress: JsonObject;
  readonly facts: JsonObject;
  readonly deliveredCommitSeq: number;
  /** The newest base and every delta after it, in the order of their commits. */
  readonly state: readonly StateBlob[];
  /** Outboxes above `deliveredCommitSeq`, ascending. */
  readonly outboxes: readonly { readonly commitSeq: number; readonly bytes: Uint8Array }[];
}

/** `fenced`: the stored version is not the expected one; `stored` tells whose commit stands there. */
export type CommitOutcome =
  | { readonly kind: 'committed' }
  | { readonly kind: 'fenced'; readonly stored: CommitVersion & { readonly commitId: string } };

/**
 * The truth about every task.
 *
 * Obligations: `commit` is atomic and durable when it resolves, and compares before it writes; after it resolves
 * or rejects, `load` gives either the old or the new commit, whole; every call ends, at the latest with an error
 * after a timeout. Damaged data is reported as DataDamagedError. Every adapter runs `describeCommitStoreContract`
 * of `libs/testing`.
 */
export abstract class CommitStore {
  /**
   * A commit may hold `results`: they are in the result store and the document store beside it exactly if it is
   * committed, as `ResultStore.deliver` would have put them there. Default false: they ride in the outbox.
   */
  get deliversResults(): boolean {
    return false;
  }

  /** The last commit of a task; undefined before its first. */
  abstract load(task: TaskId): Promise<StoredTask | undefined>;
  /**
   * Stores `next` as `expected.commitSeq + 1` if (incarnation, epoch, commitSeq) of the task are still as
   * expected. Epochs are raised by {@link LeaseStore.acquire}; before the first commit commitSeq is 0.
   */
  abstract commit(task: TaskId, expected: CommitVersion, next: Commit): Promise<CommitOutcome>;
  /** The committed facts of every task of a stage, by partition; tasks that never committed are missing. */
  abstract facts(pipeline: string, stage: string): Promise<ReadonlyMap<number, JsonObject>>;
}
