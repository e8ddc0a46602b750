import type { JsonObject, JsonScalar } from '#libs/kernel';
import type { AlertLabels } from '../alert-identity.js';
import type { ConditionBase } from './condition.js';

/** How long a pattern alert fires on after its last match where the rule says nothing: 5 minutes. */
export const DEFAULT_PATTERN_QUIET_MS = 300_000;

/**
 * Fires at an event, beside `enriched`, without waiting for a window; ends when none has matched for `quiet`.
 *
 *     events     .  x  .  x  .  .  .  .  .        quiet: 5m
 *     minutes    1  2  3  4  5  6  7  8  9
 *                   firing              resolved
 *
 * `times` within `withinMs`: fires at the event that makes it so many.
 */
export interface PatternCondition extends ConditionBase {
  readonly kind: 'pattern';
  readonly where: (data: JsonObject) => boolean;
  /** Fields of the event whose values tell alerts apart, beside the stream. */
  readonly by: readonly string[];
  /** ≥ 1. */
  readonly times: number;
  readonly withinMs: number;
}

/** Events of one commit that match a rule, for one set of labels: what travels on `judged`. */
export interface PatternMatch {
  /** The name of the rule. Tells it from a row. */
  readonly match: string;
  readonly stream: string;
  /** Without the stream. */
  readonly labels: AlertLabels;
  /** Event times, epoch milliseconds. */
  readonly firstMs: number;
  readonly lastMs: number;
  readonly count: number;
  /** Of the first one. */
  readonly eventId: string;
}

/** The labels of an event; what is no scalar is left out. */
export function labelsOf({ by }: PatternCondition, data: JsonObject): AlertLabels {
  return Object.fromEntries(
    by.flatMap((field): [string, JsonScalar][] => {
      const value = data[field];
      return value === null || ['string', 'number', 'boolean'].includes(typeof value)
        ? [[field, value as JsonScalar]]
        : [];
    }),
  );
}

/** Times of matches that may still count, oldest first. */
export type Hits = readonly (readonly [timeMs: number, count: number])[];

/** Adds a match, and forgets what is too old to count. At most `times` entries stay. */
export function addHit({ times, withinMs }: PatternCondition, hits: Hits, match: PatternMatch): Hits {
  const added = [...hits, [match.lastMs, match.count] as const].sort(([a], [b]) => a - b);
  const newestMs = added.at(-1)?.[0] ?? 0;
  return added.filter(([timeMs]) => timeMs > newestMs - withinMs).slice(-times);
}

export function hitsOf(hits: Hits): number {
  return hits.reduce((sum, [, count]) => sum + count, 0);
}
