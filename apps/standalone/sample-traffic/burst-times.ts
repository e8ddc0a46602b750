import { MINUTE_MS } from './web-requests.js';

// When the sample traffic goes wrong. A newcomer sees one trouble that has passed and one that begins while they
// watch.

const BURST_MINUTES = 3;
/** Begin of the burst in the hour before the start; over long enough that its alerts have resolved. */
const PAST_BURST_AGO_MINUTES = 32;
/** Time to look at what is normal, before the first live burst. */
const CALM_MS = 30_000;
const EVERY_MINUTES = 15;

/** Is this minute of the hour before the start one of a burst. */
export function isPastBurst(minuteStartMs: number, startMs: number): boolean {
  const beginMs = minuteOf(startMs) - PAST_BURST_AGO_MINUTES * MINUTE_MS;
  return minuteStartMs >= beginMs && minuteStartMs < beginMs + BURST_MINUTES * MINUTE_MS;
}

/** Is this minute one of a burst after the start: the first begins within 30 to 90 s, then one every 15 minutes. */
export function isLiveBurst(minuteStartMs: number, startMs: number): boolean {
  const firstMs = minuteOf(startMs + CALM_MS) + MINUTE_MS;
  if (minuteStartMs < firstMs) return false;
  return ((minuteStartMs - firstMs) / MINUTE_MS) % EVERY_MINUTES < BURST_MINUTES;
}

/** The begin of the minute that holds this time. */
export function minuteOf(timeMs: number): number {
  return Math.floor(timeMs / MINUTE_MS) * MINUTE_MS;
}
