import type { JsonValue } from '#libs/kernel';
import type { Aggregator } from './aggregator.js';
import { addTo, type DoubleDouble, quotient } from './double-double.js';
import { momentValueOf } from './moment-value.js';

export interface MeanState {
  count: number;
  readonly sum: DoubleDouble;
}

/**
 * The arithmetic mean of the numbers; `null` of none. What is not a finite number is skipped; magnitudes above 1e140
 * count as 1e140, those below 1e-140 as 0. The sum is kept with 32 digits, so that the mean is rounded but once
 * (what cancels out is within 1e-15 of the mean magnitude).
 *
 * Source: T. J. Dekker, Numerische Mathematik 18 (1971).
 */
export function mean(): Aggregator<MeanState, number | null> {
  return {
    name: 'mean',
    create: () => ({ count: 0, sum: { high: 0, low: 0 } }),
    add: (state, value) => {
      const number = momentValueOf(value);
      if (number === undefined) return;
      state.count += 1;
      addTo(state.sum, number);
    },
    merge: (into, other) => {
      into.count += other.count;
      addTo(into.sum, other.sum.high, other.sum.low);
    },
    encode: ({ count, sum: { high, low } }) => (low === 0 ? [count, high] : [count, high, low]),
    decode,
    result: ({ count, sum }) => (count === 0 ? null : quotient(sum, count)),
  };
}

function decode(json: JsonValue): MeanState {
  const [count = 0, high = 0, low = 0] = Array.isArray(json) ? (json as readonly JsonValue[]) : [];
  return { count: Number(count), sum: { high: Number(high), low: Number(low) } };
}
