import type { JsonValue, StreamEvent } from '#libs/kernel';
import type { AnyAggregator, Fields } from './aggregator.js';

/** An event, and what the measure looks at. */
export interface Looked {
  readonly event: StreamEvent<Fields>;
  readonly value: unknown;
}

export function lookedAt(value: unknown, timeMs = 0, id = 'e'): Looked {
  return { value, event: { id, stream: 's', timeMs, receivedMs: timeMs, type: 't', data: {} } };
}

/** Event times are the places in the list. */
export function lookedAtAll(values: readonly unknown[]): Looked[] {
  return values.map((value, i) => lookedAt(value, i, `e${i}`));
}

export function stateOf(aggregator: AnyAggregator, looked: readonly Looked[]): unknown {
  const state = usedState(aggregator, looked);
  for (const { value, event } of looked) aggregator.add(state, value, event);
  return state;
}

/** An empty state, which has held the events before where states can be cleared: nothing of them may be left. */
function usedState(aggregator: AnyAggregator, looked: readonly Looked[]): unknown {
  const state = aggregator.create();
  if (aggregator.clear === undefined) return state;
  for (const { value, event } of looked) aggregator.add(state, value, event);
  aggregator.clear(state);
  return state;
}

/** As stored and read back. Throws for what JSON would change: NaN, ∞, undefined. */
export function stored(aggregator: AnyAggregator, state: unknown): unknown {
  return aggregator.decode(throughJson(aggregator.encode(state)));
}

export function throughJson(json: JsonValue): JsonValue {
  const text = JSON.stringify(json, (_, value: unknown) => {
    if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError('not a number of JSON');
    return value;
  });
  return JSON.parse(text) as JsonValue;
}

/** How parts come together. */
export type Tree =
  { readonly leaf: readonly Looked[] } | { readonly parts: readonly Tree[]; readonly isStored: boolean };

/** Cut in two at each of the numbers, put together again in either order, with or without being stored between. */
export function treeOf(all: readonly Looked[], cuts: readonly number[]): Tree {
  const [cut, ...others] = cuts;
  if (cut === undefined || all.length < 2) return { leaf: all };
  const at = cut % all.length;
  const parts = [treeOf(all.slice(0, at), others), treeOf(all.slice(at), others.slice(1))];
  return { parts: cut % 3 === 0 ? parts.reverse() : parts, isStored: cut % 2 === 0 };
}

export function mergedState(aggregator: AnyAggregator, tree: Tree): unknown {
  if ('leaf' in tree) return storedMidway(aggregator, tree.leaf);
  const state = aggregator.create();
  for (const part of tree.parts) aggregator.merge(state, mergedState(aggregator, part));
  return tree.isStored ? stored(aggregator, state) : state;
}

/** Stored and read back in the middle, then gone on with. */
function storedMidway(aggregator: AnyAggregator, looked: readonly Looked[]): unknown {
  const middle = looked.length >>> 1;
  const state = stored(aggregator, stateOf(aggregator, looked.slice(0, middle)));
  for (const { value: each, event } of looked.slice(middle)) aggregator.add(state, each, event);
  return state;
}

export function encodedBytes(aggregator: AnyAggregator, looked: readonly Looked[]): number {
  return Buffer.byteLength(JSON.stringify(aggregator.encode(stateOf(aggregator, looked))));
}

/** Random whole numbers that are the same in every run: mulberry32, from 0 to 2^32 − 1. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}
