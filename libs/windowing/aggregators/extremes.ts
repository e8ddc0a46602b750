import type { JsonValue } from '#libs/kernel';
import type { Aggregator } from './aggregator.js';
import { finiteOf } from './scalar.js';

export interface ExtremeState {
  /** Undefined where there was no number yet. */
  value: number | undefined;
}

/** The smallest of the numbers; `null` of none. What is not a finite number is skipped. Exact. */
export function min(): Aggregator<ExtremeState, number | null> {
  return extreme('min', (candidate, kept) => candidate < kept);
}

/** The largest of the numbers; `null` of none. What is not a finite number is skipped. Exact. */
export function max(): Aggregator<ExtremeState, number | null> {
  return extreme('max', (candidate, kept) => candidate > kept);
}

function extreme(
  name: string,
  isBetter: (candidate: number, kept: number) => boolean,
): Aggregator<ExtremeState, number | null> {
  const offer = (state: ExtremeState, candidate: number | undefined): void => {
    if (candidate === undefined) return;
    if (state.value === undefined || isBetter(candidate, state.value)) state.value = candidate;
  };
  return {
    name,
    create: () => ({ value: undefined }),
    add: (state, value) => offer(state, finiteOf(value)),
    merge: (into, other) => offer(into, other.value),
    encode: (state) => state.value ?? null,
    decode: (json: JsonValue) => ({ value: finiteOf(json) }),
    result: (state) => state.value ?? null,
  };
}
