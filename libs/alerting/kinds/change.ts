import type { ConditionBase, Past, Reading } from './condition.js';

/**
 * Breaches while a row differs from the one of an earlier window by more than a limit: in what it measures, or in
 * percent of the earlier value.
 *
 *     now          40   44   80   81   40     against: 1h, above: 50%
 *     1h earlier   40   40   40   80   81
 *     change       0%  10% 100%   1% -51%
 *                   .    .    x    .    .
 *
 * A row without an earlier one says nothing; nor does a percentage of 0.
 */
export interface ChangeCondition extends ConditionBase {
  readonly kind: 'change';
  /** How much earlier, > 0. */
  readonly againstMs: number;
  readonly unit: 'absolute' | 'percent';
}

export function changeReading(
  { againstMs, unit }: ChangeCondition,
  now: { readonly value: number; readonly windowEndMs: number },
  past: Past,
): Reading | undefined {
  const earlier = past.valueAt(now.windowEndMs - againstMs);
  if (earlier === undefined || (unit === 'percent' && earlier === 0)) return undefined;
  const difference = now.value - earlier;
  const value = unit === 'percent' ? (100 * difference) / Math.abs(earlier) : difference;
  return { value, parts: { now: now.value, earlier } };
}
