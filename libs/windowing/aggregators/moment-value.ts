import { finiteOf } from './scalar.js';

/** Beyond these magnitudes the square of a sum of 1e14 values would leave the range of doubles. */
const LARGEST = 1e140;
const SMALLEST = 1e-140;

/** A number as {@link mean} and {@link variance} count it; undefined for what they skip. */
export function momentValueOf(value: unknown): number | undefined {
  const number = finiteOf(value);
  if (number === undefined || number === 0) return number;
  const magnitude = Math.abs(number);
  if (magnitude < SMALLEST) return 0;
  return magnitude > LARGEST ? Math.sign(number) * LARGEST : number;
}
