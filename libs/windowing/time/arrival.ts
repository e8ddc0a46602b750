import type { TimeWindow } from './window.js';

/** Whether a window still takes an event. `lateByMs`: how far the watermark is past the window's end. */
export type Arrival =
  | { readonly kind: 'on-time' }
  | { readonly kind: 'late-accepted'; readonly lateByMs: number }
  | { readonly kind: 'late-rejected'; readonly lateByMs: number };

const ON_TIME: Arrival = { kind: 'on-time' };

/**
 * The one decision about lateness. A window is complete once the watermark has reached its end, and final once the
 * watermark has reached its end + allowed lateness, or the stream was closed at or after its start.
 *
 * @param allowedLatenessMs ≥ 0
 */
export function classifyArrival(
  window: TimeWindow,
  watermarkMs: number,
  closedUntilMs: number | undefined,
  allowedLatenessMs: number,
): Arrival {
  const pastEndMs = watermarkMs - window.endMs;
  if (closedUntilMs !== undefined && window.startMs <= closedUntilMs) {
    return { kind: 'late-rejected', lateByMs: Math.max(0, pastEndMs) };
  }
  if (pastEndMs < 0) return ON_TIME;
  return { kind: pastEndMs < allowedLatenessMs ? 'late-accepted' : 'late-rejected', lateByMs: pastEndMs };
}
