// Sums and products of doubles with twice their digits: a number is the unevaluated sum of two doubles, of which the
// second is at most half a unit in the last place of the first.
// Source: T. J. Dekker, "A floating-point technique for extending the available precision", Numerische Mathematik 18
// (1971); its addition after D. E. Knuth, "The Art of Computer Programming", vol. 2, 4.2.2.

/**
 * About 32 decimal digits: `high + low`. A sum of n numbers of one sign is within n · 2^-104 of its value, and exact
 * where they are whole and it stays below 2^106.
 */
export interface DoubleDouble {
  high: number;
  low: number;
}

/** Cuts a double into two halves of 26 bits, whose products are exact. */
const SPLITTER = 2 ** 27 + 1;

/** Adds `high + low` in place. */
export function addTo(sum: DoubleDouble, high: number, low = 0): void {
  const total = sum.high + high;
  const part = total - sum.high;
  const rest = sum.low + low + (sum.high - (total - part) + (high - part));
  sum.high = total + rest;
  sum.low = rest - (sum.high - total);
}

/** Adds `value²` in place. Magnitudes from 1e-140 to 1e140: else the parts leave the range of doubles. */
export function addSquare(sum: DoubleDouble, value: number): void {
  const square = value * value;
  addTo(sum, square, productError(value, value, square));
}

/** `factor · value` */
export function times(factor: number, { high, low }: DoubleDouble): DoubleDouble {
  const product = factor * high;
  return normalized(product, productError(factor, high, product) + factor * low);
}

export function squareOf({ high, low }: DoubleDouble): DoubleDouble {
  const square = high * high;
  return normalized(square, productError(high, high, square) + 2 * high * low);
}

/** `value / divisor`, rounded once. */
export function quotient({ high, low }: DoubleDouble, divisor: number): number {
  const first = high / divisor;
  const product = first * divisor;
  return first + (high - product - productError(first, divisor, product) + low) / divisor;
}

function normalized(high: number, low: number): DoubleDouble {
  const total = high + low;
  return { high: total, low: low - (total - high) };
}

/** What rounding took from `product = a · b`, exactly. */
function productError(a: number, b: number, product: number): number {
  const aScaled = SPLITTER * a;
  const aHigh = aScaled - (aScaled - a);
  const aLow = a - aHigh;
  const bScaled = SPLITTER * b;
  const bHigh = bScaled - (bScaled - b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}
