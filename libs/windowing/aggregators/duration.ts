import type { JsonValue } from '#libs/kernel';
import type { Aggregator } from './aggregator.js';

export interface DurationState {
  /** ∞ where there was no event yet. */
  firstMs: number;
  /** −∞ where there was no event yet. */
  lastMs: number;
}

/** From the first to the last event by event time, in milliseconds; 0 of one event, `null` of none. Exact. */
export function duration(): Aggregator<DurationState, number | null> {
  return {
    name: 'duration',
    create: () => ({ firstMs: Infinity, lastMs: -Infinity }),
    add: (state, _value, { timeMs }) => {
      if (timeMs < state.firstMs) state.firstMs = timeMs;
      if (timeMs > state.lastMs) state.lastMs = timeMs;
    },
    merge: (into, other) => {
      into.firstMs = Math.min(into.firstMs, other.firstMs);
      into.lastMs = Math.max(into.lastMs, other.lastMs);
    },
    // The distance, not the second time: fewer digits.
    encode: ({ firstMs, lastMs }) => (lastMs < firstMs ? null : [firstMs, lastMs - firstMs]),
    decode,
    result: ({ firstMs, lastMs }) => (lastMs < firstMs ? null : lastMs - firstMs),
  };
}

function decode(json: JsonValue): DurationState {
  if (!Array.isArray(json)) return { firstMs: Infinity, lastMs: -Infinity };
  const firstMs = Number(json[0]);
  return { firstMs, lastMs: firstMs + Number(json[1]) };
}
