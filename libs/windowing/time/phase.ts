import { classifyArrival } from './arrival.js';

/** How settled the result of a window is. */
export type Phase = 'provisional' | 'complete' | 'final' | 'retracted';

/** What a phase depends on in a row. */
export interface PhasedRow {
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  /** From the view of open windows, not committed. */
  readonly provisional: boolean;
  readonly retracted?: boolean;
}

/** Delivered progress of the stream at the task that made the row. */
export interface DeliveredProgress {
  readonly watermarkMs?: number;
  readonly closedUntilMs?: number;
}

/**
 * `provisional`: still filling. `complete`: the watermark has passed its end; an event within the allowed lateness
 * may still correct it. `final`: nothing can change it. `retracted`: a session that was merged into another.
 *
 * @param settlesInMs how long after its end a row can change, as `settlingMs` says of its series
 */
export function phaseOf(row: PhasedRow, progress: DeliveredProgress, settlesInMs: number): Phase {
  if (row.retracted === true) return 'retracted';
  if (row.provisional) return 'provisional';
  if (settlesInMs === -Infinity) return 'final';
  const window = { startMs: row.windowStartMs, endMs: row.windowEndMs };
  // Final is when an event would be refused. A row that is out is complete even where its watermark is still on the way.
  const { watermarkMs = -Infinity, closedUntilMs } = progress;
  const { kind } = classifyArrival(window, watermarkMs, closedUntilMs, settlesInMs);
  return kind === 'late-rejected' ? 'final' : 'complete';
}
