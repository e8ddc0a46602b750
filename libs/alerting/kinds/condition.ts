import type { JsonObject } from '#libs/kernel';
import type { AbsenceCondition } from './absence.js';
import type { ChangeCondition } from './change.js';
import type { CustomCondition } from './custom.js';
import type { PatternCondition } from './pattern.js';
import type { RatioCondition } from './ratio.js';
import type { SpikeCondition } from './spike.js';
import type { ThresholdCondition } from './threshold.js';

/** What every kind of rule says of itself: what is read off a row, and the limit that it is compared with. */
export interface ConditionBase {
  /** What is read as it was written, e.g. `errors / requests`. */
  readonly expression: string;
  /**
   * What a row's measures give. Undefined: the row says nothing (a measure is missing, or a division by zero)
   * and is no sample.
   */
  readonly value: (measures: JsonObject) => number | undefined;
  /** The limit itself does not breach. */
  readonly direction: 'above' | 'below';
  readonly limit: number;
  /** What has to be passed the other way for a firing alert to recover. Absent: the limit, which itself is no breach. */
  readonly clearLimit?: number;
}

/** What makes a row, an event or a silence a breach. One member for each kind of rule; all end in the same states. */
export type AlertCondition =
  | ThresholdCondition
  | RatioCondition
  | ChangeCondition
  | SpikeCondition
  | AbsenceCondition
  | PatternCondition
  | CustomCondition;

/** The earlier windows of one label set, for kinds that compare with them. */
export interface Past {
  /** The value of the window that ended then, give or take half a step; undefined: there was none. */
  valueAt(windowEndMs: number): number | undefined;
  /** The values of the last `count` windows, oldest first; fewer if there are fewer. */
  last(count: number): readonly number[];
}

/** What is compared with the limit, and what it was made of. */
export interface Reading {
  readonly value: number;
  /** For people: `{now: 120, earlier: 40}`. */
  readonly parts?: Readonly<Record<string, number>>;
  /** Where the kind itself decides; else the limits do. */
  readonly verdict?: Verdict;
}

/** `between`: neither a breach nor past the limit that clears. */
export type Verdict = 'breach' | 'between' | 'clear';

/** What a value means, by the limits of its condition. */
export function verdictOf(
  { direction, limit, clearLimit = limit }: Pick<ConditionBase, 'direction' | 'limit' | 'clearLimit'>,
  value: number,
): Verdict {
  const isBreach = direction === 'above' ? value > limit : value < limit;
  if (isBreach) return 'breach';
  const isClear = direction === 'above' ? value <= clearLimit : value >= clearLimit;
  return isClear ? 'clear' : 'between';
}
