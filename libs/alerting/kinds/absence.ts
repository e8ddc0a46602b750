import type { ConditionBase } from './condition.js';

/** Streams whose newest event is older than this are not judged: 1 hour. */
export const DEFAULT_ABSENCE_WITHIN_MS = 3_600_000;

/**
 * Fires when a label set that had rows has none any more, by the time of its stream; the next row ends it.
 *
 *     rows        o  o  o                       o     after: 5m
 *     minutes     1  2  3  4  5  6  7  8  9    12
 *                                      firing  resolved
 *
 * Every row is a clear one; the silence of `after` is the breach.
 */
export interface AbsenceCondition extends ConditionBase {
  readonly kind: 'absence';
  /** > 0. */
  readonly afterMs: number;
  /** See {@link DEFAULT_ABSENCE_WITHIN_MS}. */
  readonly withinMs: number;
}

/** Whether a silence is judged at all: a log of last year that ends is no outage. */
export function isAbsenceJudged(
  { withinMs }: AbsenceCondition,
  lastRowEndMs: number,
  nowMs: number,
): boolean {
  return nowMs - lastRowEndMs <= withinMs;
}
