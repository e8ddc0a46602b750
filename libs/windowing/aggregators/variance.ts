import type { JsonValue } from '#libs/kernel';
import type { Aggregator } from './aggregator.js';
import { addSquare, addTo, type DoubleDouble, squareOf, times } from './double-double.js';
import { momentValueOf } from './moment-value.js';

/**
 * `population`: the mean squared distance from the mean; the window's events are all there is. `sample`: they stand
 * for more, and the sum of squares is divided by one less than their number.
 */
export type VarianceOf = 'population' | 'sample';

export interface VarianceState {
  count: number;
  readonly sum: DoubleDouble;
  readonly squares: DoubleDouble;
}

/**
 * What rounding may leave of the variance of n equal values, as a share of their mean square and of n. Less than that
 * counts as 0, so that a flat line has no deviation.
 */
const ROUNDING = 2 ** -104;

/**
 * The variance of the numbers; `null` of none, and of one for a sample. What is not a finite number is skipped;
 * magnitudes above 1e140 count as 1e140, those below 1e-140 as 0.
 *
 * Sums of the numbers and of their squares are kept with 32 digits. The relative error is at most n · 2^-104 · (root mean
 * square / deviation)²: below 1e-9 for a thousand million values with a deviation above 1e-6 of their mean. Whole
 * numbers give exact sums. The updating formulas of Welford and Chan lose digits with n and with every merge, and
 * depend on the order.
 *
 * Source: T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance", The American
 * Statistician 37 (1983), for the textbook formula and what it needs; digits after Dekker (1971).
 *
 * @param options.of default `population`
 */
export function variance(
  options: { readonly of?: VarianceOf } = {},
): Aggregator<VarianceState, number | null> {
  const lessOne = options.of === 'sample' ? 1 : 0;
  return spread('variance', (state) => varianceOf(state, lessOne));
}

/** The square root of {@link variance}, in the unit of the numbers; `null` where that is. */
export function stddev(options: { readonly of?: VarianceOf } = {}): Aggregator<VarianceState, number | null> {
  const lessOne = options.of === 'sample' ? 1 : 0;
  return spread('stddev', (state) => {
    const square = varianceOf(state, lessOne);
    return square === null ? null : Math.sqrt(square);
  });
}

function spread(
  name: string,
  result: (state: VarianceState) => number | null,
): Aggregator<VarianceState, number | null> {
  return {
    name,
    create: () => ({ count: 0, sum: { high: 0, low: 0 }, squares: { high: 0, low: 0 } }),
    add: (state, value) => {
      const number = momentValueOf(value);
      if (number === undefined) return;
      state.count += 1;
      addTo(state.sum, number);
      addSquare(state.squares, number);
    },
    merge: (into, other) => {
      into.count += other.count;
      addTo(into.sum, other.sum.high, other.sum.low);
      addTo(into.squares, other.squares.high, other.squares.low);
    },
    encode,
    decode,
    result,
  };
}

/** (n·Σx² − (Σx)²) / (n·(n − lessOne)) */
function varianceOf({ count, sum, squares }: VarianceState, lessOne: number): number | null {
  if (count <= lessOne) return null;
  const difference = times(count, squares);
  const rounding = difference.high * count * ROUNDING;
  const square = squareOf(sum);
  addTo(difference, -square.high, -square.low);
  if (!(difference.high > rounding)) return 0;
  return (difference.high + difference.low) / count / (count - lessOne);
}

function encode({ count, sum, squares }: VarianceState): JsonValue {
  const isShort = sum.low === 0 && squares.low === 0;
  return isShort ? [count, sum.high, squares.high] : [count, sum.high, squares.high, sum.low, squares.low];
}

function decode(json: JsonValue): VarianceState {
  const parts = Array.isArray(json) ? (json as readonly JsonValue[]) : [];
  const [count = 0, sumHigh = 0, squaresHigh = 0, sumLow = 0, squaresLow = 0] = parts.map(Number);
  return {
    count,
    sum: { high: sumHigh, low: sumLow },
    squares: { high: squaresHigh, low: squaresLow },
  };
}
