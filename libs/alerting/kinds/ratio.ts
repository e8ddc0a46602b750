import type { ConditionBase } from './condition.js';

/**
 * Breaches while a part of a whole is above, or below, a limit. A row whose whole is 0 says nothing.
 *
 *     part      0    3    4    1    0         above: 0.1
 *     whole    20   20   20   20    0
 *               .    x    x    .  (nothing)
 */
export interface RatioCondition extends ConditionBase {
  readonly kind: 'ratio';
}
