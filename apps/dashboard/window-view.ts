import type { TaskView } from './task-board.js';

/** A local task that holds a window back. */
export interface HoldingTask {
  readonly task: number;
  /** Null: it has not reported the stream. */
  readonly watermark: string | null;
  /** Since when it says so; null while it has said nothing. */
  readonly since: string | null;
  /** How the task is doing; null: nothing is known of it. */
  readonly state: TaskView['state'] | null;
  /** Why it failed, if it did. */
  readonly problem?: string;
}

/** What `GET /v1/pipelines/{name}/windows/explain` answers. */
export interface WindowView {
  readonly pipeline: string;
  readonly series: string;
  readonly stream: string;
  /** Null: none is open. */
  readonly window: { readonly start: string; readonly end: string } | null;
  readonly state: 'none' | 'open' | 'complete' | 'final';
  readonly reason: string;
  readonly heldBy: readonly HoldingTask[];
  readonly needsWatermark: string | null;
  /** If no event of the stream comes any more; null: that can't be said. */
  readonly closesAtLatest: string | null;
  /** All of it for people, a few lines. */
  readonly text: string;
}
