import type { JsonValue } from '#libs/kernel';
import type { Aggregator } from './aggregator.js';

export interface CountState {
  count: number;
}

/** How many events. */
export function count(): Aggregator<CountState, number> {
  return {
    name: 'count',
    create: () => ({ count: 0 }),
    clear: (state) => {
      state.count = 0;
    },
    add: (state) => {
      state.count += 1;
    },
    merge: (into, other) => {
      into.count += other.count;
    },
    encode: (state) => state.count,
    decode: (json: JsonValue) => ({ count: Number(json) }),
    result: (state) => state.count,
  };
}
