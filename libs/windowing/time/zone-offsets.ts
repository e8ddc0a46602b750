/** A stretch of time, half-open, in which a zone's clock is always so much ahead of UTC. */
export interface OffsetSpan {
  readonly fromMs: number;
  readonly toMs: number;
  readonly offsetMs: number;
}

/** 6.2 days: no zone has changed its clock twice within one of these, and back again. */
const CHUNK_MS = 2 ** 29;
/** 34 years one after the other; beyond it, begin anew: 2 µs a chunk. */
const MAX_CHUNKS = 2_000;
/** The ends of what a Date can say; beyond them a zone keeps the offset it has there. */
const MAX_DATE_MS = 8_640_000_000_000_000;
const OFFSET = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/;

/**
 * How far a zone's wall clock is ahead of UTC. Changes of the clock are found by halving, once, in what
 * `Intl.DateTimeFormat` says.
 */
export class ZoneOffsets {
  readonly #format: Intl.DateTimeFormat;
  readonly #chunks = new Map<number, readonly OffsetSpan[]>();
  #latest: OffsetSpan = { fromMs: 0, toMs: 0, offsetMs: 0 };

  /** @throws RangeError for a zone that the runtime does not know */
  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  }

  /** A stretch around the time; next to it may lie one of the same offset. */
  at(timeMs: number): OffsetSpan {
    if (timeMs >= this.#latest.fromMs && timeMs < this.#latest.toMs) return this.#latest;
    const found = this.#chunkOf(Math.floor(timeMs / CHUNK_MS)).find(({ toMs }) => timeMs < toMs)!;
    this.#latest = found;
    return found;
  }

  #chunkOf(number: number): readonly OffsetSpan[] {
    let spans = this.#chunks.get(number);
    if (spans === undefined) {
      spans = this.#spansBetween(number * CHUNK_MS, (number + 1) * CHUNK_MS);
      if (this.#chunks.size >= MAX_CHUNKS) this.#chunks.clear();
      this.#chunks.set(number, spans);
    }
    return spans;
  }

  #spansBetween(fromMs: number, toMs: number): readonly OffsetSpan[] {
    const before = this.#read(fromMs);
    const after = this.#read(toMs);
    if (before === after) return [{ fromMs, toMs, offsetMs: before }];
    let [low, high] = [fromMs, toMs];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#read(middle) === before) low = middle;
      else high = middle;
    }
    return [{ fromMs, toMs: high, offsetMs: before }, ...this.#spansBetween(high, toMs)];
  }

  #read(timeMs: number): number {
    const text = this.#format.format(Math.min(MAX_DATE_MS, Math.max(-MAX_DATE_MS, timeMs)));
    const [, sign, hours = '0', minutes = '0', seconds = '0'] = OFFSET.exec(text)!;
    const offsetMs = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000;
    return sign === '-' ? -offsetMs : offsetMs;
  }
}
