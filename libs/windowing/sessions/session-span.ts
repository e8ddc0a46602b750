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
   * The stream had been closed up to this when one of the events was taken: sessions that begin before it are final,
   * and these events never of one session with them. At or before `firstMs`. Absent: not closed.
   */
  readonly fromMs?: number;
}

/** @param fromMs undefined: not closed */
export function spanFrom(firstMs: number, lastMs: number, fromMs: number | undefined): SessionSpan {
  return fromMs === undefined ? { firstMs, lastMs } : { firstMs, lastMs, fromMs };
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
 * The window whose refusal makes a session final. An event that reaches a session is at or before the session's last
 * millisecond, so it is taken no longer than an event in that millisecond.
 *
 *     session     ●────●────────)           [0, 20) with a gap of 10
 *     an event                 ●────────)   at 19: taken until the watermark reaches 29 + lateness; so long the
 *                                           session can grow, and is not final
 *
 * Final at the end of the session alone would be wrong: at a watermark of 20 the event at 19 is late, but its own
 * window is open, and no local task knows what sessions the others hold.
 */
export function reachOf(rule: SessionRule, { startMs, endMs }: TimeWindow): TimeWindow {
  return { startMs, endMs: windowOfEvent(rule, endMs - 1).endMs };
}

/**
 * Are these spans of one session: less than the gap apart, with no cut between them, and neither taken after a close
 * that made the other final.
 */
export function isOneSession(rule: SessionRule, a: SessionSpan, b: SessionSpan): boolean {
  const isInOrder = a.firstMs <= b.firstMs;
  const early = isInOrder ? a : b;
  const late = isInOrder ? b : a;
  return (
    late.firstMs - early.lastMs < rule.gapMs &&
    late.firstMs < cutAfter(rule, early.firstMs) &&
    (late.fromMs === undefined || late.fromMs <= early.firstMs)
  );
}

/** Both spans in one. */
export function joinSpans(a: SessionSpan, b: SessionSpan): SessionSpan {
  const firstMs = Math.min(a.firstMs, b.firstMs);
  const lastMs = Math.max(a.lastMs, b.lastMs);
  if (a.fromMs === undefined || b.fromMs === undefined)
    return spanFrom(firstMs, lastMs, a.fromMs ?? b.fromMs);
  return spanFrom(firstMs, lastMs, Math.max(a.fromMs, b.fromMs));
}
