import { parseDuration } from '#libs/kernel';
import { checkZonedSize } from './zoned-size.js';

/** A stretch of event time, half-open: `[startMs, endMs)`, epoch milliseconds, may be negative. */
export interface TimeWindow {
  readonly startMs: number;
  readonly endMs: number;
}

/** Windows of one size, side by side: every event belongs to exactly one. */
export interface TumblingWindow {
  readonly kind: 'tumbling';
  /** Whole milliseconds, > 0. With a time zone: divides a day, or is a number of days. */
  readonly sizeMs: number;
  /** Where windows start, counted from the epoch (with a time zone: on its wall clock): 0 ≤ offset < size. */
  readonly offsetMs: number;
  /** IANA name. Absent: aligned to the epoch, as UTC is. */
  readonly timeZone?: string;
}

/** Windows of one size that overlap: an event belongs to each that spans it. */
export interface HoppingWindow {
  readonly kind: 'hopping';
  /** Whole milliseconds, > 0. */
  readonly sizeMs: number;
  /** Distance of the windows' starts, 0 < every ≤ size; it need not divide the size. */
  readonly everyMs: number;
  /** Where windows start, counted from the epoch (with a time zone: on its wall clock): 0 ≤ offset < every. */
  readonly offsetMs: number;
  /** IANA name. Absent: aligned to the epoch, as UTC is. */
  readonly timeZone?: string;
}

/** One window for each distinct set of events that lie within the span of one another, as Kafka Streams defines it. */
export interface SlidingWindow {
  readonly kind: 'sliding';
  /** Whole milliseconds, > 0. */
  readonly sizeMs: number;
}

/** A window for each run of events of one key that are no further apart than the gap. */
export interface SessionWindow {
  readonly kind: 'session';
  /** Whole milliseconds, > 0. */
  readonly gapMs: number;
  /** A session is cut at the multiples of this since the epoch. Absent: never. */
  readonly maxLengthMs?: number;
}

/** All of a key's events, in pieces of so many. */
export interface GlobalCountWindow {
  readonly kind: 'global';
  /** A result for each so many events, ≥ 1. */
  readonly count: number;
}

/** Windows whose places in time are known before any event. */
export type AlignedWindow = TumblingWindow | HoppingWindow;

/** How a series cuts time into windows; switch on `kind`. */
export type WindowDefinition = AlignedWindow | SlidingWindow | SessionWindow | GlobalCountWindow;

/** A late event corrects each window it is in, and the rows of all of them. */
const MAX_OVERLAP = 10_000;

/** Where aligned windows start. Times as people write them (`1m`), or whole milliseconds. */
export interface Alignment {
  readonly offset?: string | number;
  /** IANA name, `Europe/Prague`: windows follow its wall clock, days of 23 and 25 hours included. */
  readonly timeZone?: string;
}

/**
 * Windows of one size, side by side.
 *
 * @param size as people write it (`1m`), or whole milliseconds; > 0
 * @throws RangeError for any other size, an offset outside 0 ≤ offset < size, an unknown zone, or a size that no
 *   wall clock can show
 */
export function tumbling(size: string | number, alignment: Alignment = {}): TumblingWindow {
  const sizeMs = durationMs(size, 'a window has a size');
  return { kind: 'tumbling', sizeMs, ...alignmentOf(alignment, sizeMs, [sizeMs]) };
}

/**
 * Windows of one size that start `every` so often, and so overlap.
 *
 * @throws RangeError as for {@link tumbling}, for `every` above the size or below a 10,000th of it, and, with a time zone, for a size that is
 *   not a multiple of `every`
 */
export function hopping(
  size: string | number,
  every: string | number,
  alignment: Alignment = {},
): HoppingWindow {
  const sizeMs = durationMs(size, 'a window has a size');
  const everyMs = durationMs(every, 'windows start every so often:');
  if (everyMs > sizeMs) {
    throw new RangeError(
      `hopping windows start at least every ${sizeMs} ms, their size, not every ${everyMs} ms`,
    );
  }
  if (sizeMs / everyMs > MAX_OVERLAP) {
    throw new RangeError(
      `an event is in at most ${MAX_OVERLAP} hopping windows, not ${Math.ceil(sizeMs / everyMs)}: write a longer every`,
    );
  }
  if (alignment.timeZone !== undefined && sizeMs % everyMs !== 0) {
    throw new RangeError(
      `with a time zone the size is a multiple of every: ${sizeMs} ms is none of ${everyMs} ms`,
    );
  }
  return { kind: 'hopping', sizeMs, everyMs, ...alignmentOf(alignment, everyMs, [sizeMs, everyMs]) };
}

/** @throws RangeError for a size that is not whole milliseconds above 0 */
export function sliding(size: string | number): SlidingWindow {
  return { kind: 'sliding', sizeMs: durationMs(size, 'a window has a size') };
}

/** @throws RangeError for a gap or length that is not whole milliseconds above 0 */
export function session(
  gap: string | number,
  { maxLength }: { readonly maxLength?: string | number } = {},
): SessionWindow {
  const gapMs = durationMs(gap, 'sessions have a gap');
  if (maxLength === undefined) return { kind: 'session', gapMs };
  return { kind: 'session', gapMs, maxLengthMs: durationMs(maxLength, 'sessions have a maximum length') };
}

/** @throws RangeError for anything but a whole number above 0 */
export function globalCount(every: number): GlobalCountWindow {
  if (!Number.isSafeInteger(every) || every < 1) {
    throw new RangeError(`a global window triggers every so many events, 1 or more, not ${every}`);
  }
  return { kind: 'global', count: every };
}

function durationMs(given: string | number, what: string): number {
  const ms = typeof given === 'string' ? parseDuration(given) : given;
  if (!Number.isSafeInteger(ms) || ms <= 0) {
    throw new RangeError(`${what} of whole milliseconds above 0, not ${String(given)}`);
  }
  return ms;
}

function alignmentOf(
  { offset = 0, timeZone }: Alignment,
  stepMs: number,
  sizesMs: readonly number[],
): { offsetMs: number; timeZone?: string } {
  const offsetMs = offset === 0 ? 0 : durationMs(offset, 'windows have an offset');
  if (offsetMs >= stepMs) {
    throw new RangeError(`an offset is below the distance of windows, ${stepMs} ms, not ${String(offset)}`);
  }
  if (timeZone === undefined) return { offsetMs };
  for (const sizeMs of sizesMs) checkZonedSize(sizeMs, timeZone);
  return { offsetMs, timeZone };
}
