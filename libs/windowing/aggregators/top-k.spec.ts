import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { lookedAtAll, mergedState, seededRandom, stateOf, stored, treeOf } from './aggregator-fixture.js';
import type { SpaceSaving } from './space-saving.js';
import { topK, type TopResult } from './top-k.js';

const cuts = fc.array(fc.nat({ max: 1_000 }), { maxLength: 8 });

function trueCounts(values: readonly unknown[]): Map<unknown, number> {
  const counts = new Map<unknown, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** Every sentence that a result says, held against a recount. */
function expectTrue(result: TopResult, values: readonly unknown[], k: number, capacity: number): void {
  const counts = trueCounts(values);
  const listed = new Set<unknown>(result.entries.map(({ value }) => value));
  for (const { value, count, error } of result.entries) {
    const exact = counts.get(value) ?? 0;
    expect(exact).toBeLessThanOrEqual(count);
    expect(exact).toBeGreaterThanOrEqual(count - error);
    expect(error).toBeLessThanOrEqual(result.maxError);
  }
  const bound = result.entries.length < k ? result.maxError : result.entries.at(-1)!.count;
  const unlisted = [...counts].filter(([value]) => !listed.has(value)).map(([, exact]) => exact);
  expect(Math.max(0, ...unlisted)).toBeLessThanOrEqual(bound);
  expect(result.maxError).toBeLessThanOrEqual(values.length / capacity);
  if (counts.size <= capacity) expect(result.maxError).toBe(0);
}

describe('topK', () => {
  it('claims nothing false beyond its counters, in any order, split, merge and storage', () => {
    const values = fc.array(fc.oneof(fc.nat({ max: 4 }), fc.nat({ max: 30 })), { maxLength: 200 });
    fc.assert(
      fc.property(values, cuts, fc.integer({ min: 3, max: 8 }), (all, at, capacity) => {
        const aggregator = topK(3, { capacity });
        const state = mergedState(aggregator, treeOf(lookedAtAll(all), at)) as SpaceSaving;
        expect(state.counters.size).toBeLessThanOrEqual(capacity);
        expectTrue(aggregator.result(state), all, 3, capacity);
      }),
    );
  });

  it('goes on after being stored, at every step, as if it had not been', () => {
    const values = fc.array(fc.nat({ max: 12 }), { maxLength: 100 });
    fc.assert(
      fc.property(values, (all) => {
        const aggregator = topK(2, { capacity: 4 });
        let state: unknown = aggregator.create();
        for (const { value, event } of lookedAtAll(all)) {
          aggregator.add(state as SpaceSaving, value, event);
          state = stored(aggregator, state);
        }
        const unstored = stateOf(aggregator, lookedAtAll(all));
        expect(aggregator.encode(state as SpaceSaving)).toEqual(aggregator.encode(unstored as SpaceSaving));
      }),
    );
  });

  it('finds the most frequent of 100 skewed distributions, in 8 parts, and claims nothing false', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const values = skewedValues(seed, 2_000);
      const aggregator = topK(10, { capacity: 100 });
      const state = mergedState(aggregator, treeOf(lookedAtAll(values), [2_001, 1_000, 1_000, 500]));
      expectTrue(aggregator.result(state as SpaceSaving), values, 10, 100);
    }
  });

  it('takes the values that come after a merge on top of what may have gone uncounted', () => {
    const aggregator = topK(1, { capacity: 1 });
    const state = stateOf(aggregator, lookedAtAll(['a', 'b', 'a'])) as SpaceSaving;
    expect(aggregator.result(state)).toEqual({ entries: [{ value: 'a', count: 3, error: 2 }], maxError: 2 });
  });

  it.each([
    [0, 10],
    [101, 200],
    [1.5, 10],
    [10, 9],
    [10, 2_001],
    [10, NaN],
  ])('refuses %p places with %p counters', (k, capacity) => {
    expect(() => topK(k, { capacity })).toThrow(RangeError);
  });
});

/** Steeper and flatter ones, from 30 to 3,000 values. */
function skewedValues(seed: number, n: number): string[] {
  const random = seededRandom(seed);
  const steepness = 1 + (seed % 10) / 2;
  const range = 30 * (1 + (seed % 7) * 16);
  return Array.from({ length: n }, () => `/path/${Math.floor(range * (random() / 2 ** 32) ** steepness)}`);
}
