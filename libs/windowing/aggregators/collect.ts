import { isJsonObject, type JsonScalar, type JsonValue } from '#libs/kernel';
import type { Aggregator } from './aggregator.js';
import { comparePlaces, type PlacedValue, placedValueOf, readPlacedValue } from './placed-value.js';

export interface CollectState {
  /** In no order, and up to twice the limit: they are sorted and cut when there are so many, or someone looks. */
  kept: PlacedValue[];
  /** All values seen, those that were left out too. */
  total: number;
}

export type CollectResult = {
  /** By event time, then event id. */
  readonly values: readonly JsonScalar[];
  /** How many later ones were left out. */
  readonly omitted: number;
};

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 500;

/**
 * The values of the earliest events by event time, among equal times by event id, and how many were left out. Texts,
 * finite numbers and booleans are kept, all else is skipped; a text of more than 256 characters is cut. Exact.
 *
 * @param options.limit how many values are kept, 1 to 500, default 100
 * @throws RangeError outside those bounds
 */
export function collect(options: { readonly limit?: number } = {}): Aggregator<CollectState, CollectResult> {
  const limit = options.limit ?? DEFAULT_LIMIT;
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new RangeError(`a collection keeps 1 to ${MAX_LIMIT} values, not ${limit}`);
  }
  return {
    name: 'collect',
    create: () => ({ kept: [], total: 0 }),
    add: (state, value, event) => {
      const placed = placedValueOf(value, event);
      if (placed === undefined) return;
      state.kept.push(placed);
      state.total += 1;
      if (state.kept.length >= 2 * limit) state.kept = earliest(state, limit);
    },
    merge: (into, other) => {
      into.kept.push(...other.kept);
      into.total += other.total;
      if (into.kept.length >= 2 * limit) into.kept = earliest(into, limit);
    },
    encode: (state) => ({ v: earliest(state, limit), n: state.total }),
    decode,
    result: (state) => {
      const values = earliest(state, limit).map(([, , value]) => value);
      return { values, omitted: state.total - values.length };
    },
  };
}

function earliest(state: CollectState, limit: number): PlacedValue[] {
  return [...state.kept].sort(comparePlaces).slice(0, limit);
}

function decode(json: JsonValue): CollectState {
  const { v, n } = isJsonObject(json) ? json : {};
  const kept = (Array.isArray(v) ? (v as readonly JsonValue[]) : [])
    .map(readPlacedValue)
    .filter((placed) => placed !== undefined);
  return { kept, total: Number(n ?? 0) };
}
