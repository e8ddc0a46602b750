import type { ConditionBase, Past, Reading } from './condition.js';

/**
 * Breaches while a row is further from the mean of the windows before it than so many of their standard deviations.
 *
 *     value   10  11   9  10  10  11   9  30  10      over: 6, deviations: 3
 *                                          x   .
 *
 * The row itself is not among them. Until `leastWindows` of them are there it says nothing.
 */
export interface SpikeCondition extends ConditionBase {
  readonly kind: 'spike';
  /** How many windows before it, ≥ 2. */
  readonly overWindows: number;
  readonly leastWindows: number;
  /** `both`: the distance counts, whichever way. */
  readonly towards: 'up' | 'down' | 'both';
}

/** A steady series has next to no deviation: below this share of its mean, nothing is a spike of it. */
const LEAST_DEVIATION_SHARE = 0.01;
const LEAST_DEVIATION = 1e-9;

export function spikeReading(condition: SpikeCondition, now: number, past: Past): Reading | undefined {
  const before = past.last(condition.overWindows);
  if (before.length < condition.leastWindows) return undefined;
  const mean = before.reduce((sum, each) => sum + each, 0) / before.length;
  const variance = before.reduce((sum, each) => sum + (each - mean) ** 2, 0) / before.length;
  const deviation = Math.max(Math.sqrt(variance), Math.abs(mean) * LEAST_DEVIATION_SHARE, LEAST_DEVIATION);
  const distance = (now - mean) / deviation;
  return { value: towards(condition, distance), parts: { now, mean, deviation, windows: before.length } };
}

function towards({ towards: way }: SpikeCondition, distance: number): number {
  if (way === 'both') return Math.abs(distance);
  return way === 'up' ? distance : -distance;
}
