import { type OffsetSpan, ZoneOffsets } from './zone-offsets.js';

const DAY_MS = 86_400_000;

/**
 * The steps of a zone's wall clock: the moments at which it comes to a multiple of a size.
 *
 *     wall clock  00:00  01:00  03:00  04:00        spring: 02:00 is jumped over; steps of 2h at 00:00, 03:00, 04:00
 *     wall clock  00:00  01:00  02:00  02:00  03:00 autumn: steps of 1h at each of these; of 1d at 00:00 only
 *
 * A clock that jumps over a multiple comes to it at that moment. One that is put back shows a multiple again, which is
 * a step for sizes below a day; days are those of the calendar, and begin once.
 */
export class ZonedSteps {
  readonly #offsets: ZoneOffsets;

  /**
   * @param sizeMs divides a day, or is whole days (then counted from 1970-01-01)
   * @param shiftMs of the multiples, on the wall clock: 0 ≤ shift < size
   */
  constructor(
    timeZone: string,
    private readonly sizeMs: number,
    private readonly shiftMs: number,
  ) {
    this.#offsets = new ZoneOffsets(timeZone);
  }

  /** The newest step at or before the time. */
  atOrBefore(timeMs: number): number {
    for (let beforeMs = timeMs; ;) {
      const span = this.#offsets.at(beforeMs);
      const wallMs = this.#multipleAtOrBefore(beforeMs + span.offsetMs);
      if (wallMs >= this.#firstWallOf(span)) return Math.max(span.fromMs, wallMs - span.offsetMs);
      beforeMs = span.fromMs - 1;
    }
  }

  /** The oldest step after the time. */
  after(timeMs: number): number {
    for (let fromMs = timeMs; ;) {
      const span = this.#offsets.at(fromMs);
      const firstMs = Math.max(fromMs + span.offsetMs + 1, this.#firstWallOf(span));
      const stepMs = this.#multipleAtOrBefore(firstMs - 1) + this.sizeMs - span.offsetMs;
      if (stepMs < span.toMs) return Math.max(stepMs, span.fromMs);
      if (this.atOrBefore(span.toMs) === span.toMs) return span.toMs;
      fromMs = span.toMs;
    }
  }

  /** The step that comes so many after one. */
  stepsAfter(stepMs: number, count: number): number {
    let atMs = stepMs;
    for (let left = count; left > 0; left--) {
      atMs = this.after(atMs);
      const { toMs, offsetMs } = this.#offsets.at(atMs);
      // From a multiple on, and while the clock is not changed, there is nothing to look for.
      if (this.#multipleAtOrBefore(atMs + offsetMs) !== atMs + offsetMs) continue;
      const skipped = Math.min(left - 1, Math.floor((toMs - 1 - atMs) / this.sizeMs));
      atMs += skipped * this.sizeMs;
      left -= skipped;
    }
    return atMs;
  }

  /** When the clock, having come to `timeMs`, first shows so much more: a multiple of a day. */
  later(timeMs: number, byMs: number): number {
    const span = this.#offsets.at(timeMs);
    // Put back in between: the clock has shown all of that hour before.
    const wallMs = Math.max(timeMs + span.offsetMs, this.#shownBefore(span)) + byMs;
    for (let at = span; ; at = this.#offsets.at(at.toMs)) {
      const reachedMs = Math.max(at.fromMs, wallMs - at.offsetMs);
      if (reachedMs < at.toMs) return reachedMs;
    }
  }

  #multipleAtOrBefore(wallMs: number): number {
    return Math.floor((wallMs - this.shiftMs) / this.sizeMs) * this.sizeMs + this.shiftMs;
  }

  /** From which wall clock on a multiple is a step of the span. */
  #firstWallOf(span: OffsetSpan): number {
    const wallMs = span.fromMs + span.offsetMs;
    const shownMs = this.#shownBefore(span);
    // Jumped over: shown < wall. Put back: wall < shown.
    return this.sizeMs < DAY_MS ? Math.min(wallMs, shownMs) : shownMs;
  }

  /** Up to where the clock had come when the span began. */
  #shownBefore(span: OffsetSpan): number {
    return span.fromMs + this.#offsets.at(span.fromMs - 1).offsetMs;
  }
}
