/** A unit of ownership and of commits: one partition of one stage of one pipeline. */
export interface TaskId {
  readonly pipeline: string;
  /** `enrich`, `local`, `global`, `alert`, or the name of a function. */
  readonly stage: string;
  readonly partition: number;
}

/** `web/local/3`: the one way a task is written, in keys, logs and messages. */
export function taskName(task: TaskId): string {
  return `${task.pipeline}/${task.stage}/${task.partition}`;
}

/**
 * Which write of a task comes after which: compared incarnation first (raised by restore, reset, replay), then
 * epoch (raised by every change of owner), then commitSeq (raised by every commit).
 */
export interface CommitVersion {
  readonly incarnation: number;
  readonly epoch: number;
  readonly commitSeq: number;
}

/** Negative: `a` is older; 0: the same; positive: newer. */
export function compareVersions(a: CommitVersion, b: CommitVersion): number {
  return a.incarnation - b.incarnation || a.epoch - b.epoch || a.commitSeq - b.commitSeq;
}
