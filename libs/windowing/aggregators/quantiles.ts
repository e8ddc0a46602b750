import { DDSketch } from '@datadog/sketches-js';
import type { JsonValue } from '#libs/kernel';
import type { Aggregator } from './aggregator.js';
import { readBins, writeBins } from './sketch-codec.js';

/** Every answer is within this share of a value that has the asked rank. */
const RELATIVE_ERROR = 0.01;
/** Magnitudes below this count as 0, and above the other as that, so that a sketch has at most 2,800 bins a sign. */
const SMALLEST = 1e-9;
const LARGEST = 1e15;

/** `{p50, p95, p99, relativeError}`; `null` where there was no number. */
export type QuantilesResult = { readonly [name: string]: number } | null;

/**
 * Quantiles of the numbers, each within 1 % of its value. What is not a finite number is skipped. Magnitudes below
 * 1e-9 count as 0, those above 1e15 as 1e15.
 *
 * Source: C. Masson and others, "DDSketch: a fast and fully-mergeable quantile sketch", VLDB 2019.
 *
 * @param ranks each from 0 to 1; the quantile 0.95 is called `p95`, 0.999 `p99_9`
 * @throws RangeError without a rank, or for one outside those bounds
 */
export function quantiles(ranks: readonly number[]): Aggregator<DDSketch, QuantilesResult> {
  if (ranks.length === 0 || !ranks.every((rank) => rank >= 0 && rank <= 1)) {
    throw new RangeError(`quantiles are numbers from 0 to 1, at least one, not [${ranks.join(', ')}]`);
  }
  const named = ranks.map((rank) => [quantileName(rank), rank] as const);
  return {
    name: 'quantiles',
    create: newSketch,
    add: (sketch, value) => {
      if (typeof value === 'number' && Number.isFinite(value)) sketch.accept(withinBounds(value));
    },
    merge,
    encode: (sketch) => writeBins(sketch).toString('base64'),
    decode: (json: JsonValue) => {
      const sketch = newSketch();
      readBins(Buffer.from(String(json), 'base64'), sketch);
      return sketch;
    },
    result: (sketch) => {
      if (sketch.count === 0) return null;
      const values = named.map(([name, rank]) => [name, sketch.getValueAtQuantile(rank)] as const);
      return { ...Object.fromEntries(values), relativeError: RELATIVE_ERROR };
    },
  };
}

function newSketch(): DDSketch {
  return new DDSketch({ relativeAccuracy: RELATIVE_ERROR });
}

function withinBounds(value: number): number {
  const magnitude = Math.abs(value);
  if (magnitude < SMALLEST) return 0;
  return magnitude > LARGEST ? Math.sign(value) * LARGEST : value;
}

function quantileName(rank: number): string {
  // Through twelve digits, so that 0.57 * 100 is 57 and not 56.99999999999999.
  return `p${String(Number((rank * 100).toPrecision(12))).replace('.', '_')}`;
}

/**
 * Bin by bin: the library's own `merge` (2.1.1) forgets negative values, and loses bins where the other sketch
 * ends at the bin of the value 1.
 */
function merge(into: DDSketch, other: DDSketch): void {
  addBins(into.store, other.store);
  addBins(into.negativeStore, other.negativeStore);
  into.zeroCount += other.zeroCount;
  into.count += other.count;
}

type Store = DDSketch['store'];

function addBins(into: Store, other: Store): void {
  other.bins.forEach((weight, index) => {
    if (weight > 0) into.add(index + other.offset, weight);
  });
}
