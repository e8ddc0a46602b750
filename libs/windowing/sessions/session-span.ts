import type { TimeWindow } from '../time/window.js';

/** When two events are of one session. */
export interface SessionRule {
  /** Events this far apart, or farther, are of two sessions; whole milliseconds, > 0. */
  readonly gapMs: number;
  /** No session crosses a multiple of this, counted from the epoch; > 0. Absent: sessions grow without end. */
  readonly maxLengthMs?: number;
}

/** The events of a session, by their times: `[firstMs, lastMs]`, both of them times of events. */
export interface SessionSpan {
  readonly firstMs: number;
  readonly lastMs: number;
  /**
   * The stream had been closed until here when one of the events was taken: those come after what the close made
   * final, and are never of one session with it. Below every event of the span. Absent: not closed.
   */
  readonly afterMs?: number;
}

/** The first moment that is of no session with `timeMs` for the maximum length; ∞ without one. */
export function cutAfter({ maxLengthMs }: SessionRule, timeMs: number): number {
  return maxLengthMs === undefined ? Infinity : (Math.floor(timeMs / maxLengthMs) + 1) * maxLengthMs;
}

/** `[firstMs, lastMs + gap)`, cut at the next multiple of the maximum length. */
export function windowOfSpan(rule: SessionRule, { firstMs, lastMs }: SessionSpan): TimeWindow {
  return { startMs: firstMs, endMs: Math.min(lastMs + rule.gapMs, cutAfter(rule, firstMs)) };
}

/** The session that an event makes by itself: what decides whether it is late. */
export function windowOfEvent(rule: SessionRule, timeMs: number): TimeWindow {
  return { startMs: timeMs, endMs: Math.min(timeMs + rule.gapMs, cutAfter(rule, timeMs)) };
}

/**
 * The window whose refusal makes a session final: that of an event in its last millisecond. An event that still
 * reaches the session is at or before that millisecond, so where this one would be refused, all are.
 *
 *     session     ●────●────────)           [0, 30) with a gap of 10
 *     an event                 ●────────)   at 29: taken until the watermark reaches 39 + lateness
 */
export function lastReachOf(rule: SessionRule, session: TimeWindow): TimeWindow {
  return windowOfEvent(rule, session.endMs - 1);
}

/**
 * Are these spans of one session: less than the gap apart, with no cut between them, and neither taken after a close
 * that made the other final.
 */
export function isOneSession(rule: SessionRule, a: SessionSpan, b: SessionSpan): boolean {
  const [early, late] = a.firstMs <= b.firstMs ? [a, b] : [b, a];
  return (
    late.firstMs - early.lastMs < rule.gapMs &&
    late.firstMs < cutAfter(rule, early.firstMs) &&
    (late.afterMs === undefined || late.afterMs < early.firstMs)
  );
}

/** Both spans in one. */
export function joinSpans(a: SessionSpan, b: SessionSpan): SessionSpan {
  const afterMs = Math.max(a.afterMs ?? -Infinity, b.afterMs ?? -Infinity);
  return {
    firstMs: Math.min(a.firstMs, b.firstMs),
    lastMs: Math.max(a.lastMs, b.lastMs),
    ...(afterMs === -Infinity ? {} : { afterMs }),
  };
}
