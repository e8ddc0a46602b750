import type { JsonObject } from '#libs/kernel';

/** How one task is doing; sent once a second. Shares are 0 to 1 of the last seconds. */
export interface TaskStatus {
  readonly pipeline: string;
  readonly stage: string;
  readonly partition: number;
  /** The process that runs it. */
  readonly owner: string;
  readonly state: 'waiting-for-lease' | 'recovering' | 'running' | 'failed' | 'stopped';
  /** `input`, `commit`, `deliver:results`, `lookup:accounts`, `user code`, … */
  readonly waitingFor: string;
  readonly waitingShare: number;
  /** Share of the time by everything that was waited for; `waitingFor` is the longest. */
  readonly waits: Readonly<Record<string, number>>;
  readonly busyShare: number;
  readonly eventsPerSecond: number;
  readonly backlogMessages: number;
  /** Work left at the present pace; absent while that is unknown. */
  readonly backlogSeconds?: number;
  readonly commitSeq: number;
  readonly lastCommitMs?: number;
  /** Why it failed, last time. */
  readonly problem?: { readonly code: string; readonly detail: string; readonly atMs: number };
}

/**
 * What `<pipeline>.live` carries: JSON, one object a message, not persistent, best effort. Rows are
 * `ResultRow` of libs/storage.
 */
export type LiveMessage =
  | {
      readonly type: 'points';
      readonly provisional: boolean;
      readonly rows: readonly JsonObject[];
      /** Arrival of the oldest event that no earlier message has shown; epoch milliseconds. Absent: no new event. */
      readonly oldestReceivedMs?: number;
    }
  | {
      readonly type: 'watermarks';
      readonly partition: number;
      readonly streams: Readonly<Record<string, number>>;
    }
  | { readonly type: 'stage'; readonly status: TaskStatus };
