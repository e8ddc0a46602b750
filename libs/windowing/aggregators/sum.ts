import type { JsonValue } from '#libs/kernel';
import type { Aggregator } from './aggregator.js';

export interface SumState {
  sum: number;
  /** What rounding has taken from `sum` so far. */
  compensation: number;
}

/**
 * The sum of the numbers; 0 of none. What is not a finite number is skipped. Compensated, so that small values
 * beside large ones are not lost; a sum beyond the range of doubles stays at its end.
 *
 * Source: A. Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", ZAMM 54 (1974).
 */
export function sum(): Aggregator<SumState, number> {
  return {
    name: 'sum',
    create: () => ({ sum: 0, compensation: 0 }),
    clear: (state) => {
      state.sum = 0;
      state.compensation = 0;
    },
    add: (state, value) => {
      if (typeof value === 'number' && Number.isFinite(value)) addTo(state, value);
    },
    merge: (into, other) => {
      addTo(into, other.sum);
      addTo(into, other.compensation);
    },
    encode: ({ sum, compensation }) => (compensation === 0 ? sum : [sum, compensation]),
    decode,
    result: ({ sum, compensation }) => withinRange(sum + compensation),
  };
}

function addTo(state: SumState, value: number): void {
  const next = state.sum + value;
  if (!Number.isFinite(next)) {
    state.sum = withinRange(next);
    state.compensation = 0;
    return;
  }
  state.compensation +=
    Math.abs(state.sum) >= Math.abs(value) ? state.sum - next + value : value - next + state.sum;
  state.sum = next;
}

function withinRange(value: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value));
}

function decode(json: JsonValue): SumState {
  if (!Array.isArray(json)) return { sum: Number(json), compensation: 0 };
  return { sum: Number(json[0]), compensation: Number(json[1]) };
}
