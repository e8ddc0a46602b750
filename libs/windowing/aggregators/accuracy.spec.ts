import { describe, expect, it } from '@jest/globals';
import { lookedAt, mergedState, seededRandom, treeOf } from './aggregator-fixture.js';
import type { AnyAggregator } from './aggregator.js';
import { distinct, type DistinctResult } from './distinct.js';
import { addHash, emptyRegisters, estimate, STANDARD_ERROR } from './hyperloglog.js';
import { quantiles } from './quantiles.js';

// What the results say of their own error, held against 100 distributions each, always the same ones.

const SEEDS = Array.from({ length: 100 }, (_, i) => i + 1);

/** Gathered in four parts, two of them stored in between. */
function resultOf(aggregator: AnyAggregator, values: readonly unknown[]): unknown {
  const looked = values.map((value) => lookedAt(value));
  const half = looked.length >>> 1;
  return aggregator.result(mergedState(aggregator, treeOf(looked, [half, half >>> 1, half >>> 1])));
}

/** What visitors, addresses and paths look like: a number, padded or not, in something that all share. */
const SHAPES: readonly ((n: number) => unknown)[] = [
  (n) => n,
  (n) => `user-${n}`,
  (n) => `10.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`,
  (n) => n * 1_000,
  (n) => `/shop/product/${String(n).padStart(8, '0')}?ref=mail`,
  (n) => n / 7,
  (n) => Math.imul(n, 0x9e3779b1).toString(16),
  (n) => ({ id: n, kind: 'device' }),
];

function different(seed: number, count: number): unknown[] {
  const shape = SHAPES[seed % SHAPES.length]!;
  const start = seededRandom(seed)() >>> 8;
  return Array.from({ length: count }, (_, i) => shape(start + i));
}

/** From 1 to 15,000, closer together around 1,000 where the exact count ends. */
function sizeOf(seed: number): number {
  return seed <= 40 ? 980 + seed : Math.round(15_000 ** ((seed - 40) / 60));
}

describe('distinct', () => {
  it('of 100 distributions is within three standard errors', () => {
    for (const seed of SEEDS) {
      const count = sizeOf(seed);
      const values = different(seed, count);
      const { estimate: found, standardError } = resultOf(distinct(), [
        ...values,
        ...values.slice(0, 500),
      ]) as DistinctResult;
      expect(standardError === 0).toBe(count <= 1_000);
      expect(Math.abs(found - count)).toBeLessThanOrEqual(3 * standardError * count);
    }
  });

  it.each([6, 100, 1_001, 4_096])('of %i values is off as much as it says, and to no side', (count) => {
    const found = SEEDS.map(
      (seed) => resultOf(distinct({ exactUpTo: 5 }), different(seed, count)) as DistinctResult,
    );
    expectUnbiased(
      found.map(({ estimate }) => estimate),
      count,
    );
  });
});

describe('HyperLogLog', () => {
  it.each([1_001, 10_000, 20_000, 40_000])(
    'of %i random hashes is off as much as it says, and to no side',
    (count) => {
      const found = SEEDS.slice(0, 50).map((seed) => {
        const random = seededRandom(seed);
        const registers = emptyRegisters();
        for (let i = 0; i < count; i++) addHash(registers, random(), random());
        return estimate(registers);
      });
      expectUnbiased(found, count);
    },
  );
});

/** The deviation of 50 draws is itself known to 10 %, their mean to a seventh of it. */
function expectUnbiased(found: readonly number[], count: number): void {
  const errors = found.map((each) => (each - count) / count);
  const meanError = errors.reduce((total, error) => total + error, 0) / errors.length;
  const deviation = Math.sqrt(errors.reduce((total, error) => total + error ** 2, 0) / errors.length);
  expect(deviation).toBeLessThan(1.3 * STANDARD_ERROR);
  expect(Math.abs(meanError)).toBeLessThan(0.45 * STANDARD_ERROR);
}

/** Normal enough: the sum of 12 even ones. */
const bell = (random: () => number): number =>
  Array.from({ length: 12 }, () => random() / 2 ** 32).reduce((total, each) => total + each, -6);
const even = (random: () => number): number => random() / 2 ** 32;

const DISTRIBUTIONS: readonly ((random: () => number) => number)[] = [
  (random) => even(random) * 1_000,
  (random) => -Math.log(1 - even(random)) * 50,
  (random) => Math.exp(2 * bell(random)),
  (random) => (1 - even(random)) ** -1.5,
  (random) => bell(random) * 100,
  (random) => Math.round(even(random) * 20),
  (random) => (even(random) < 0.9 ? 5 + even(random) : 5_000 + even(random)),
  (random) => 10 ** (even(random) * 20 - 8),
  (random) => -(10 ** (even(random) * 10)),
  (random) => (even(random) < 0.5 ? 0 : bell(random)),
];

describe('quantiles', () => {
  it('of 100 distributions are each within the stated error of the value of that rank', () => {
    const ranks = [0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1];
    for (const seed of SEEDS) {
      const random = seededRandom(seed);
      const draw = DISTRIBUTIONS[seed % DISTRIBUTIONS.length]!;
      const values = Array.from({ length: 1 + (seed % 50) * 60 }, () => draw(random));
      const { relativeError, ...found } = resultOf(quantiles(ranks), values) as Record<string, number>;
      const sorted = [...values].sort((a, b) => a - b);
      expect(relativeError).toBe(0.01);
      Object.values(found).forEach((value, i) => {
        const exact = sorted[Math.floor(ranks[i]! * (values.length - 1))]!;
        expect(Math.abs(value - exact)).toBeLessThanOrEqual((0.01 + 1e-9) * Math.abs(exact));
      });
    }
  });
});
