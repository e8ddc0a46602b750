import type { JsonObject, JsonValue } from '#libs/kernel';
import { Accumulator } from '../accumulator.js';
import type { Key } from '../key.js';
import type { MeasureDefinition } from '../series.js';

/** What a key's events of one moment come to. */
export interface Slice {
  readonly timeMs: number;
  /** Only windows that start at or after it count them; −∞: all that hold them. */
  readonly fromMs: number;
  measures: JsonObject;
  events: number;
  /** Arrival of the oldest event that no row has shown yet; ∞ for none. */
  unshownReceivedMs: number;
  isStored: boolean;
  /** It waits to be forgotten. */
  isWaiting: boolean;
}

export type SliceDelta = Pick<Slice, 'timeMs' | 'fromMs' | 'measures' | 'events'>;

/** One window of a key, from when an event makes it until the events that made it are forgotten. */
export interface SlidingRow {
  readonly of: SlidingKey;
  readonly startMs: number;
  /** Rows emitted so far: the revision of the next one. */
  revision: number;
  isComplete: boolean;
  isStored: boolean;
}

/** The moments and windows of one key. */
export class SlidingKey {
  readonly rows = new Map<number, SlidingRow>();
  /** Start of the window that was shown while open. */
  shownMs: number | undefined;
  /** By time. */
  readonly #slices: Slice[] = [];

  constructor(
    readonly key: Key,
    private readonly measures: readonly MeasureDefinition[],
  ) {}

  get isEmpty(): boolean {
    return this.#slices.length === 0;
  }

  get slices(): readonly Slice[] {
    return this.#slices;
  }

  /** The newest moment that all windows that hold it take; undefined: there is none. */
  get newestMs(): number | undefined {
    return this.#slices.findLast(({ fromMs }) => fromMs === -Infinity)?.timeMs;
  }

  /** The slices of moments in `[fromMs, toMs]`. */
  between(fromMs: number, toMs: number): readonly Slice[] {
    return this.#slices.slice(this.#indexOf(fromMs), this.#indexOf(toMs + 1));
  }

  merge(delta: SliceDelta, oldestReceivedMs: number): Slice {
    const { timeMs, fromMs, measures, events } = delta;
    const known = this.between(timeMs, timeMs).find((slice) => slice.fromMs === fromMs);
    if (known === undefined) {
      const slice = { ...delta, unshownReceivedMs: oldestReceivedMs, isStored: false, isWaiting: false };
      this.insert(slice);
      return slice;
    }
    const accumulator = new Accumulator(this.measures, known.measures);
    accumulator.merge(measures, events, oldestReceivedMs);
    known.measures = accumulator.encode();
    known.events += events;
    known.unshownReceivedMs = Math.min(known.unshownReceivedMs, oldestReceivedMs);
    return known;
  }

  insert(slice: Slice): void {
    this.#slices.splice(this.#indexOf(slice.timeMs + 1), 0, slice);
  }

  /** Takes out the slices of a moment. */
  remove(timeMs: number): readonly Slice[] {
    const index = this.#indexOf(timeMs);
    return this.#slices.splice(index, this.#indexOf(timeMs + 1) - index);
  }

  /** What a window counts. */
  contentOf(startMs: number, sizeMs: number): readonly Slice[] {
    return this.between(startMs, startMs + sizeMs).filter(({ fromMs }) => fromMs <= startMs);
  }

  accumulatorOf(slices: readonly Slice[]): Accumulator {
    const accumulator = new Accumulator(this.measures);
    for (const { measures, events, unshownReceivedMs } of slices)
      accumulator.merge(measures, events, unshownReceivedMs);
    return accumulator;
  }

  /** How many slices lie before `timeMs`. */
  #indexOf(timeMs: number): number {
    let low = 0;
    let high = this.#slices.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#slices[middle]!.timeMs < timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export function encodeSlice({ measures, events }: Slice): JsonValue {
  return { measures, events };
}

export function decodeSlice(timeMs: number, fromMs: number | null, value: JsonValue): Slice {
  const { measures, events } = value as { measures: JsonObject; events: number };
  const slice = { timeMs, fromMs: fromMs ?? -Infinity, measures, events };
  return { ...slice, unshownReceivedMs: Infinity, isStored: true, isWaiting: false };
}
