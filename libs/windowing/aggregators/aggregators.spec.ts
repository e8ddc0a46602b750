import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonValue, StreamEvent } from '#libs/kernel';
import type { AnyAggregator, Fields } from './aggregator.js';
import { count } from './count.js';
import { distinct } from './distinct.js';
import { addHash, emptyRegisters, estimate } from './hyperloglog.js';
import { quantiles } from './quantiles.js';
import { sum } from './sum.js';

const EVENT: StreamEvent<Fields> = { id: 'e', stream: 's', timeMs: 0, receivedMs: 0, type: 't', data: {} };
const NOT_A_NUMBER = [null, undefined, 'x', true, NaN, Infinity, {}];

function stateOf(aggregator: AnyAggregator, values: readonly unknown[]): unknown {
  const state = aggregator.create();
  for (const value of values) aggregator.add(state, value, EVENT);
  return state;
}

function throughJson(json: JsonValue): JsonValue {
  return JSON.parse(JSON.stringify(json)) as JsonValue;
}

/** Parts gathered apart, stored and read back, merged in order, stored and read back now and then. */
function mergedResult(aggregator: AnyAggregator, parts: readonly (readonly unknown[])[]): JsonValue {
  let merged = aggregator.create();
  for (const part of parts) {
    aggregator.merge(merged, aggregator.decode(throughJson(aggregator.encode(stateOf(aggregator, part)))));
    merged = aggregator.decode(throughJson(aggregator.encode(merged)));
  }
  return aggregator.result(merged);
}

const oneStage = (aggregator: AnyAggregator, values: readonly unknown[]): JsonValue =>
  aggregator.result(stateOf(aggregator, values));

describe.each<[string, AnyAggregator, fc.Arbitrary<unknown>]>([
  ['count', count(), fc.anything()],
  ['sum of whole numbers', sum(), fc.oneof(fc.integer(), fc.constantFrom(...NOT_A_NUMBER))],
  ['distinct', distinct(), fc.oneof(fc.string(), fc.integer(), fc.constantFrom(...NOT_A_NUMBER))],
  ['distinct beyond its limit', distinct({ exactUpTo: 5 }), fc.integer({ min: 0, max: 40 })],
  [
    'quantiles',
    quantiles([0, 0.5, 0.99, 1]),
    fc.oneof(fc.double(), fc.constantFrom(0, -0, 1, -1, ...NOT_A_NUMBER)),
  ],
])('%s', (_, aggregator, value) => {
  it('comes to the same in one stage and merged from any split', () => {
    fc.assert(
      fc.property(fc.array(fc.array(value)), (parts) => {
        expect(mergedResult(aggregator, parts)).toEqual(oneStage(aggregator, parts.flat()));
      }),
    );
  });
});

describe('sum', () => {
  it('of floats is within 1e-9 of the exact sum, merged from any split', () => {
    // Multiples of 2^-20 below 2^32: their exact sum fits a BigInt of that unit.
    const value = fc.integer({ min: -(2 ** 52), max: 2 ** 52 }).map((units) => units / 2 ** 20);
    fc.assert(
      fc.property(fc.array(fc.array(value)), (parts) => {
        const units = parts.flat().reduce((total, each) => total + BigInt(each * 2 ** 20), 0n);
        const exact = Number(units) / 2 ** 20;
        expect(Math.abs((mergedResult(sum(), parts) as number) - exact)).toBeLessThanOrEqual(
          1e-9 * Math.abs(exact),
        );
      }),
    );
  });

  it('keeps what a plain sum loses', () => {
    expect(oneStage(sum(), [1, 1e100, 1, -1e100])).toBe(2);
    expect(
      mergedResult(sum(), [
        [1, 1e100],
        [1, -1e100],
      ]),
    ).toBe(2);
  });

  it('stays at the end of the range of doubles', () => {
    expect(oneStage(sum(), [Number.MAX_VALUE, Number.MAX_VALUE])).toBe(Number.MAX_VALUE);
    expect(oneStage(sum(), [Number.MAX_VALUE, 2 ** 969, 2 ** 969])).toBe(Number.MAX_VALUE);
  });
});

describe('distinct', () => {
  const numbers = (n: number, from = 0): string[] => Array.from({ length: n }, (_, i) => `user-${from + i}`);

  it('is exact up to its limit, and says so', () => {
    const values = [...numbers(1_000), ...numbers(1_000)];
    expect(oneStage(distinct(), values)).toEqual({ estimate: 1_000, standardError: 0 });
  });

  it.each([1_001, 5_000, 50_000, 500_000])('of %i values is within 4 standard errors', (n) => {
    const { estimate: found, standardError } = oneStage(distinct(), numbers(n)) as {
      estimate: number;
      standardError: number;
    };
    expect(standardError).toBeCloseTo(0.01625);
    expect(Math.abs(found - n) / n).toBeLessThan(4 * standardError);
  });

  it('tells a number from its text', () => {
    expect(oneStage(distinct(), [1, '1', true, 'true'])).toMatchObject({ estimate: 4 });
  });

  it('has a bounded state', () => {
    const sizeOf = (n: number): number =>
      JSON.stringify(distinct().encode(stateOf(distinct(), numbers(n)) as never)).length;
    expect(sizeOf(1_000)).toBeLessThan(11_000);
    expect(sizeOf(100_000)).toBeLessThan(6_000);
  });
});

describe('HyperLogLog', () => {
  it('takes 0 of nothing, and puts the ends of the range of hashes where they belong', () => {
    const registers = emptyRegisters();
    expect(estimate(registers)).toBe(0);
    addHash(registers, 0, 0);
    expect(registers[0]).toBe(53);
    addHash(registers, 0xffff_ffff, 0xffff_ffff);
    expect(registers[4095]).toBe(1);
    addHash(registers, 0x0010_0000, 1);
    expect(registers[1]).toBe(52);
    expect(estimate(registers)).toBeGreaterThan(2.9);
  });
});

describe('HyperLogLog near the end of its range', () => {
  it('estimates by the published formula', () => {
    // Half of the registers full, half one below: z = m·τ(½), then (z + C)/2 for ranks 52 to 1.
    const registers = emptyRegisters().fill(53).fill(52, 2_048);
    const terms = Array.from({ length: 60 }, (_, i) => (1 - 0.5 ** (2 ** -(i + 1))) ** 2 * 2 ** -(i + 1));
    const tau = (1 - 0.5 - terms.reduce((sum, term) => sum + term)) / 3;
    const z = ((4_096 * tau + 2_048) / 2) * 2 ** -51;
    expect(estimate(registers) / (4_096 ** 2 / (2 * Math.LN2 * z))).toBeCloseTo(1, 9);
  });
});

describe('quantiles', () => {
  it('are within 1 % of the value of that rank', () => {
    const value = fc.oneof(
      fc.double({ min: 1e-6, max: 1e12, noNaN: true }),
      fc.double({ min: -1e12, max: -1e-6, noNaN: true }),
      fc.constant(0),
    );
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 300 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, rank) => {
          const sorted = [...values].sort((a, b) => a - b);
          const at = rank * (values.length - 1);
          const found = Object.values(oneStage(quantiles([rank]), values) as object)[0] as number;
          const isNear = (exact: number): boolean => Math.abs(found - exact) <= 0.010001 * Math.abs(exact);
          expect(isNear(sorted[Math.floor(at)]!) || isNear(sorted[Math.ceil(at)]!)).toBe(true);
        },
      ),
    );
  });

  it('are named by their percentage', () => {
    const values = Array.from({ length: 1_000 }, (_, i) => i + 1);
    const result = oneStage(quantiles([0.5, 0.57, 0.95, 0.999]), values) as object;
    expect(Object.keys(result)).toEqual(['p50', 'p57', 'p95', 'p99_9', 'relativeError']);
  });

  it('are null where there was no number', () => {
    expect(oneStage(quantiles([0.5]), NOT_A_NUMBER)).toBeNull();
  });

  it('have a bounded state over all numbers', () => {
    const values = Array.from({ length: 40_000 }, (_, i) => (i % 2 === 0 ? 1 : -1) * 10 ** (i / 66 - 300));
    expect(
      JSON.stringify(quantiles([0.5]).encode(stateOf(quantiles([0.5]), values) as never)).length,
    ).toBeLessThan(20_000);
  });

  it('keep the bin of the value 1 when merged into a sketch of smaller values', () => {
    expect(mergedResult(quantiles([1]), [[0.5], [0.2, 1]])).toMatchObject({ p100: expect.closeTo(1, 1) });
  });

  it.each([[[]], [[1.5]], [[-0.1]], [[NaN]]])('refuse the ranks %p', (ranks) => {
    expect(() => quantiles(ranks)).toThrow(RangeError);
  });
});
