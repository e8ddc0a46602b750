import { isJsonObject, type JsonObject, type JsonValue } from '#libs/kernel';
import type { Aggregator } from './aggregator.js';
import { scalarOf } from './scalar.js';
import { type Counted, type Counter, SpaceSaving } from './space-saving.js';

export type TopEntry = {
  readonly value: Counted;
  /** How often the value occurred, at most. */
  readonly count: number;
  /** It occurred at least `count - error` times; 0: `count` is exact. */
  readonly error: number;
};

export type TopResult = {
  /** Most frequent first; at most k. A value that is not here occurred at most as often as the last one's `count`. */
  readonly entries: readonly TopEntry[];
  /** No `error` is above it, and no value without a counter occurred more often. 0: everything is exact. */
  readonly maxError: number;
};

const MAX_K = 100;
const MAX_CAPACITY = 2_000;
/** Counters for each place: enough that the places of common, skewed distributions come out exact. */
const COUNTERS_PER_PLACE = 10;
const MIN_CAPACITY = 200;

/**
 * The most frequent values with how often they occurred. Exact while there are no more different values than
 * counters; beyond that counts are upper bounds, whose error is stated and at most all occurrences / capacity.
 *
 * Texts, finite numbers and booleans count, `1` and `'1'` apart; all else is skipped. A text of more than 256 characters
 * is cut.
 *
 * Sources: Metwally and others, "Efficient computation of frequent and top-k elements in data streams", ICDT 2005
 * (space-saving); Agarwal and others, "Mergeable summaries", PODS 2012.
 *
 * @param k how many places, 1 to 100
 * @param options.capacity counters: k to 2,000; default ten for each place, at least 200
 * @throws RangeError outside those bounds
 */
export function topK(
  k: number,
  options: { readonly capacity?: number } = {},
): Aggregator<SpaceSaving, TopResult> {
  const capacity = options.capacity ?? Math.max(MIN_CAPACITY, COUNTERS_PER_PLACE * k);
  if (!Number.isInteger(k) || k < 1 || k > MAX_K) {
    throw new RangeError(`a top list has 1 to ${MAX_K} places, not ${k}`);
  }
  if (!Number.isInteger(capacity) || capacity < k || capacity > MAX_CAPACITY) {
    throw new RangeError(`a top list of ${k} has ${k} to ${MAX_CAPACITY} counters, not ${capacity}`);
  }
  return {
    name: 'top',
    create: () => new SpaceSaving(capacity),
    add: (state, value) => {
      const counted = scalarOf(value);
      if (counted !== undefined) state.add(counted);
    },
    merge: (into, other) => into.merge(other),
    encode,
    decode: (json) => decode(json, capacity),
    result: (state) => ({ entries: topEntries(state, k), maxError: state.uncounted }),
  };
}

function topEntries(state: SpaceSaving, k: number): readonly TopEntry[] {
  return [...state.counters]
    .map(([value, { count, error }]) => ({ value, count, error }))
    .sort(compareEntries)
    .slice(0, k);
}

/** Among equal counts the surer first, then by type and value, so that the same counts make the same list. */
function compareEntries(a: TopEntry, b: TopEntry): number {
  return b.count - a.count || a.error - b.error || compareValues(a.value, b.value);
}

function compareValues(a: Counted, b: Counted): number {
  if (typeof a !== typeof b) return typeof a < typeof b ? -1 : 1;
  return a < b ? -1 : 1;
}

/** Values and counts as two lists; errors and what is uncounted only where there are any. */
function encode(state: SpaceSaving): JsonValue {
  const counters = [...state.counters.values()];
  const json: Record<string, JsonValue> = {
    v: [...state.counters.keys()],
    n: counters.map(({ count }) => count),
  };
  if (counters.some(({ error }) => error > 0)) json['e'] = counters.map(({ error }) => error);
  if (state.uncounted > 0) json['u'] = state.uncounted;
  return json;
}

function decode(json: JsonValue, capacity: number): SpaceSaving {
  const { v, n, e, u }: JsonObject = isJsonObject(json) ? json : {};
  const [values, counts, errors] = [listOf(v), listOf(n), listOf(e)];
  const counters = new Map<Counted, Counter>();
  values.forEach((value, i) => {
    const counted = scalarOf(value);
    if (counted !== undefined)
      counters.set(counted, { count: Number(counts[i]), error: Number(errors[i] ?? 0) });
  });
  return new SpaceSaving(capacity, counters, Number(u ?? 0));
}

function listOf(json: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(json) ? (json as readonly JsonValue[]) : [];
}
