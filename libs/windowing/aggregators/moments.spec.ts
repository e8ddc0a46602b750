import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { AnyAggregator } from './aggregator.js';
import { lookedAtAll, mergedState, stateOf, treeOf } from './aggregator-fixture.js';
import { mean } from './mean.js';
import { stddev, variance } from './variance.js';

const cuts = fc.array(fc.nat({ max: 1_000 }), { maxLength: 8 });

const resultOf = (aggregator: AnyAggregator, values: readonly unknown[]): number | null =>
  aggregator.result(stateOf(aggregator, lookedAtAll(values))) as number | null;

/** Of whole numbers, in whole numbers. */
function exactVariance(values: readonly number[], lessOne: number): number | null {
  const n = BigInt(values.length);
  if (values.length <= lessOne) return null;
  const sum = values.reduce((all, each) => all + BigInt(each), 0n);
  const squares = values.reduce((all, each) => all + BigInt(each) ** 2n, 0n);
  const digits = 10n ** 30n;
  return Number(((n * squares - sum * sum) * digits) / (n * (n - BigInt(lessOne)))) / 1e30;
}

const whole = fc.oneof(
  fc.integer({ min: -100, max: 100 }),
  fc.integer({ min: -(2 ** 52), max: 2 ** 52 }),
  // Far from 0, close to each other: where the textbook formula in doubles has no digit left.
  fc.integer({ min: 2 ** 40, max: 2 ** 40 + 10 }),
);

describe.each([
  ['population', 0],
  ['sample', 1],
] as const)('variance of a %s', (of, lessOne) => {
  it('is within 1e-9 of the exact one, in any split, merge and storage', () => {
    fc.assert(
      fc.property(fc.array(whole, { maxLength: 50 }), cuts, (values, at) => {
        const found = variance({ of }).result(
          mergedState(variance({ of }), treeOf(lookedAtAll(values), at)) as never,
        );
        const exact = exactVariance(values, lessOne);
        if (exact === null || found === null) expect(found).toBe(exact);
        else expect(Math.abs(found - exact)).toBeLessThanOrEqual(1e-9 * exact);
      }),
    );
  });
});

describe('variance', () => {
  it('is within 1e-9 where the deviation is 1e-10 of the mean, of few values', () => {
    // 2^33 ± 1, a thousand times over: a little added so that no value is whole.
    const values = Array.from({ length: 2_000 }, (_, i) => 2 ** 33 + (i % 2 === 0 ? 1 : -1) + 2 ** -18);
    expect(Math.abs(resultOf(variance(), values)! - 1)).toBeLessThan(1e-9);
  });

  it.each([0.1, 1 / 3, 1e-7, 123_456.789, 1e100, -1e-100])('of 20,000 times %p is 0', (value) => {
    const values = new Array<number>(20_000).fill(value);
    expect(resultOf(variance(), values)).toBe(0);
    expect(resultOf(stddev(), values)).toBe(0);
    expect(resultOf(mean(), values)).toBe(value);
  });

  it('of no number is null, of one 0, of a sample of one null', () => {
    expect(resultOf(variance(), ['1', null])).toBeNull();
    expect(resultOf(variance(), [5])).toBe(0);
    expect(resultOf(variance({ of: 'sample' }), [5])).toBeNull();
    expect(resultOf(stddev({ of: 'sample' }), [5])).toBeNull();
  });

  it('has the unit of its numbers squared, the deviation theirs', () => {
    expect(resultOf(variance(), [2, 4, 4, 4, 5, 5, 7, 9])).toBe(4);
    expect(resultOf(stddev(), [2, 4, 4, 4, 5, 5, 7, 9])).toBe(2);
    expect(resultOf(variance({ of: 'sample' }), [1, 2, 3, 4])).toBeCloseTo(5 / 3, 15);
  });

  it('stays within the range of doubles at its ends', () => {
    expect(resultOf(variance(), [1e300, -1e300])).toBeCloseTo(1e280, -270);
    expect(resultOf(mean(), [Number.MAX_VALUE, Number.MAX_VALUE])).toBe(1e140);
    expect(resultOf(variance(), [5e-324, -5e-324])).toBe(0);
    expect(resultOf(mean(), [1e-140])).toBe(1e-140);
    expect(resultOf(mean(), [9e-141])).toBe(0);
  });
});

describe('mean', () => {
  it('keeps what a plain sum loses', () => {
    expect(resultOf(mean(), [1, 1e25, 3, -1e25])).toBe(1);
    const state = stateOf(mean(), lookedAtAll([1, 1e25]));
    mean().merge(state as never, stateOf(mean(), lookedAtAll([3, -1e25])) as never);
    expect(mean().result(state as never)).toBe(1);
  });

  it('of floats is within 1e-15 of the mean magnitude, in any split, merge and storage', () => {
    // Multiples of 2^-20 below 2^32: their exact sum fits a BigInt of that unit.
    const value = fc.integer({ min: -(2 ** 52), max: 2 ** 52 });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1 }), cuts, (units, at) => {
        const values = units.map((each) => each / 2 ** 20);
        const sum = units.reduce((total, each) => total + BigInt(each), 0n);
        const exact = Number((sum * 2n ** 60n) / BigInt(units.length)) / 2 ** 80;
        const magnitude = values.reduce((total, each) => total + Math.abs(each), 0) / values.length;
        const found = mean().result(mergedState(mean(), treeOf(lookedAtAll(values), at)) as never)!;
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(1e-15 * magnitude);
      }),
    );
  });
});
