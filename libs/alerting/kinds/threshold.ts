import type { ConditionBase } from './condition.js';

/**
 * Breaches while the value of a row is above, or below, a limit.
 *
 *     value     8   12   15    9    7         above: 10
 *               .    x    x    .    .
 */
export interface ThresholdCondition extends ConditionBase {
  readonly kind: 'threshold';
}
