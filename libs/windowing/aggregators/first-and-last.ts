import type { JsonScalar, JsonValue } from '#libs/kernel';
import type { Aggregator } from './aggregator.js';
import { comparePlaces, type PlacedValue, placedValueOf, readPlacedValue } from './placed-value.js';

export interface EdgeState {
  /** Undefined where there was no value yet. */
  placed: PlacedValue | undefined;
}

/**
 * The value of the earliest event by event time, among equal times that of the smallest event id; `null` of none.
 * Missing values, `null`, objects and lists are skipped; a text of more than 256 characters is cut. Exact.
 */
export function first(): Aggregator<EdgeState, JsonScalar> {
  return edge('first', -1);
}

/**
 * The value of the latest event by event time, among equal times that of the largest event id; `null` of none.
 * Missing values, `null`, objects and lists are skipped; a text of more than 256 characters is cut. Exact.
 */
export function last(): Aggregator<EdgeState, JsonScalar> {
  return edge('last', 1);
}

function edge(name: string, direction: 1 | -1): Aggregator<EdgeState, JsonScalar> {
  const offer = (state: EdgeState, candidate: PlacedValue | undefined): void => {
    if (candidate === undefined) return;
    if (state.placed === undefined || comparePlaces(candidate, state.placed) * direction > 0) {
      state.placed = candidate;
    }
  };
  return {
    name,
    create: () => ({ placed: undefined }),
    add: (state, value, event) => {
      // Most events are not at the edge: they cost one comparison and no object.
      if (state.placed !== undefined && (event.timeMs - state.placed[0]) * direction < 0) return;
      offer(state, placedValueOf(value, event));
    },
    merge: (into, other) => offer(into, other.placed),
    encode: (state) => state.placed ?? null,
    decode: (json: JsonValue) => ({ placed: readPlacedValue(json) }),
    result: (state) => state.placed?.[2] ?? null,
  };
}
