import type { JsonValue } from '#libs/kernel';
import type { Aggregator } from './aggregator.js';
import { finiteOf } from './scalar.js';

/** Numbers by bucket: 0 for those below the first bound, i for `[bounds[i - 1], bounds[i])`, the last for the rest. */
export interface HistogramState {
  readonly counts: number[];
}

export type HistogramResult = {
  /** As given. */
  readonly bounds: readonly number[];
  /** How many numbers are in `[bounds[i], bounds[i + 1])`: one fewer than bounds. */
  readonly counts: readonly number[];
  /** How many are below the first bound. */
  readonly under: number;
  /** How many are at or above the last bound. */
  readonly over: number;
  /** How many in all. */
  readonly total: number;
};

const MAX_BOUNDS = 200;

/**
 * How many of the numbers lie between which bounds, half-open: a number on a bound counts above it. What is not a
 * finite number is skipped. Exact.
 *
 * Where the bounds are changed while a window is open, what is counted already goes to the bucket that holds the
 * lower bound of the former one.
 *
 * @param bounds ascending, 2 to 200
 * @throws RangeError for bounds that do not ascend, are not finite, too few or too many
 */
export function histogram(bounds: readonly number[]): Aggregator<HistogramState, HistogramResult> {
  const isAscending = bounds.every(
    (bound, i) => Number.isFinite(bound) && (i === 0 || bound > bounds[i - 1]!),
  );
  if (!isAscending || bounds.length < 2 || bounds.length > MAX_BOUNDS) {
    throw new RangeError(`a histogram has 2 to ${MAX_BOUNDS} ascending bounds, not [${bounds.join(', ')}]`);
  }
  const create = (): HistogramState => ({ counts: new Array<number>(bounds.length + 1).fill(0) });
  return {
    name: 'histogram',
    create,
    add: ({ counts }, value) => {
      const number = finiteOf(value);
      if (number !== undefined) counts[bucketOf(bounds, number)]! += 1;
    },
    merge: (into, other) => other.counts.forEach((count, i) => (into.counts[i]! += count)),
    encode: (state) => encode(state, bounds),
    decode: (json) => decode(json, bounds, create()),
    result: ({ counts }) => ({
      bounds,
      counts: counts.slice(1, -1),
      under: counts[0]!,
      over: counts.at(-1)!,
      total: counts.reduce((total, count) => total + count, 0),
    }),
  };
}

/** How many bounds are at or below the number. */
function bucketOf(bounds: readonly number[], number: number): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (bounds[middle]! <= number) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Lower bound and count of each bucket that is not empty, one after the other; `null` for the bound below all. */
function encode({ counts }: HistogramState, bounds: readonly number[]): JsonValue {
  return counts.flatMap((count, i) => (count === 0 ? [] : [bounds[i - 1] ?? null, count]));
}

function decode(json: JsonValue, bounds: readonly number[], state: HistogramState): HistogramState {
  const parts = Array.isArray(json) ? (json as readonly JsonValue[]) : [];
  for (let i = 0; i + 1 < parts.length; i += 2) {
    const bound = parts[i];
    const bucket = typeof bound === 'number' ? bucketOf(bounds, bound) : 0;
    state.counts[bucket]! += Number(parts[i + 1]);
  }
  return state;
}
