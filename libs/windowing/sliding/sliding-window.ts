import { classifyArrival } from '../time/arrival.js';
import type { TimeWindow } from '../time/window.js';

// Kafka Streams' sliding windows: two events share a window if they are at most `sizeMs` apart, and there is one
// window for each distinct set of events within that span. Kafka's windows hold both of their ends; here they are
// half-open, so the window that Kafka calls [start, start + size] is [start, start + size + 1).
//
//     events            a        b              size 10
//                       0        8
//     ends with a   ────●)                      [-10, 1)   a
//     ends with b     ───────────●)             [-2, 9)    a b
//     follows a          ────────────)          [1, 12)    b
//     follows b                   ─────────     [9, 20)    holds nothing: none

/** The sliding window that begins at `startMs`. */
export function slidingFrom(startMs: number, sizeMs: number): TimeWindow {
  return { startMs, endMs: startMs + sizeMs + 1 };
}

/** The window whose last moment is an event's time; every event makes it. */
export function endingWith(timeMs: number, sizeMs: number): TimeWindow {
  return slidingFrom(timeMs - sizeMs, sizeMs);
}

/** The window that begins right after an event; made where it holds an event. */
export function following(timeMs: number, sizeMs: number): TimeWindow {
  return slidingFrom(timeMs + 1, sizeMs);
}

/** What decides about an event's arrival. */
export interface SlidingLimits {
  readonly watermarkMs: number;
  readonly closedUntilMs: number | undefined;
  readonly allowedLatenessMs: number;
}

/** Whether any window takes an event, and from which on. */
export type SlidingArrival =
  /** `fromMs`: only windows that start at or after it do; absent: all that hold it. */
  | { readonly kind: 'taken'; readonly fromMs?: number }
  /** Its newest window is final. */
  | { readonly kind: 'refused'; readonly window: TimeWindow; readonly lateByMs: number };

const TAKEN: SlidingArrival = { kind: 'taken' };

/** Decides for all windows that hold an event: those that are final come before those that are not. */
export function classifySliding(timeMs: number, sizeMs: number, limits: SlidingLimits): SlidingArrival {
  const arrivalAt = (startMs: number): ReturnType<typeof classifyArrival> =>
    classifyArrival(
      slidingFrom(startMs, sizeMs),
      limits.watermarkMs,
      limits.closedUntilMs,
      limits.allowedLatenessMs,
    );
  if (arrivalAt(timeMs - sizeMs).kind !== 'late-rejected') return TAKEN;
  const newest = arrivalAt(timeMs);
  if (newest.kind === 'late-rejected')
    return { kind: 'refused', window: slidingFrom(timeMs, sizeMs), lateByMs: newest.lateByMs };
  let refusedMs = timeMs - sizeMs;
  let fromMs = timeMs;
  while (fromMs - refusedMs > 1) {
    const middleMs = refusedMs + Math.ceil((fromMs - refusedMs) / 2);
    if (arrivalAt(middleMs).kind === 'late-rejected') refusedMs = middleMs;
    else fromMs = middleMs;
  }
  return { kind: 'taken', fromMs };
}
