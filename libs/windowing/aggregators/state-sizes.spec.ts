import { describe, expect, it } from '@jest/globals';
import type { AnyAggregator } from './aggregator.js';
import { encodedBytes, type Looked, lookedAt } from './aggregator-fixture.js';
import { collect } from './collect.js';
import { count } from './count.js';
import { distinct } from './distinct.js';
import { duration } from './duration.js';
import { max } from './extremes.js';
import { first, last } from './first-and-last.js';
import { histogram } from './histogram.js';
import { mean } from './mean.js';
import { quantiles } from './quantiles.js';
import { rate } from './rate.js';
import { sum } from './sum.js';
import { topK } from './top-k.js';
import { variance } from './variance.js';

const START_MS = Date.UTC(2026, 0, 1);
const eventsOf = (values: readonly unknown[]): Looked[] =>
  values.map((value, i) =>
    lookedAt(value, START_MS + i, `0192f3a1-7b2c-7def-8123-${String(i).padStart(12, '0')}`),
  );

const bounds = Array.from({ length: 20 }, (_, i) => 2 ** i);
const durations = [12, 250, 13];
const paths = ['/', '/shop', '/'];

describe('a delta costs what changed: three values', () => {
  it.each<[string, AnyAggregator, readonly unknown[], number]>([
    ['count', count(), durations, 1],
    ['sum', sum(), durations, 3],
    ['max', max(), durations, 3],
    ['mean', mean(), durations, 7],
    ['variance', variance(), durations, 13],
    ['first', first(), paths, 60],
    ['last', last(), paths, 60],
    ['duration', duration(), paths, 17],
    ['rate', rate(), paths, 1],
    ['distinct: three hashes', distinct(), [1, 2, 3], 40],
    ['distinct beyond its limit: three registers', distinct({ exactUpTo: 0 }), [1, 2, 3], 20],
    ['quantiles: the bins that are touched', quantiles([0.5]), durations, 20],
    ['top: the values that occurred', topK(100), paths, 30],
    ['histogram: the buckets that are touched', histogram(bounds), durations, 12],
    ['collect', collect(), paths, 3 * 65 + 14],
  ])('%s', (_, aggregator, values, bytes) => {
    expect(encodedBytes(aggregator, eventsOf(values))).toBeLessThanOrEqual(bytes);
  });
});

describe('a state is bounded: 5,000 different values', () => {
  const texts = Array.from({ length: 5_000 }, (_, i) => `${i}`.padStart(6, '0') + 'x'.repeat(300));
  const numbers = texts.map((_, i) => (i % 2 === 0 ? 1 : -1) * 10 ** (i / 12 - 200) * (1 + i / 7));

  it.each<[string, AnyAggregator, readonly unknown[], number]>([
    ['count', count(), numbers, 40],
    ['sum', sum(), numbers, 50],
    ['max', max(), numbers, 40],
    ['mean', mean(), numbers, 70],
    ['variance', variance(), numbers, 120],
    ['first', first(), texts, 1_000],
    ['last', last(), texts, 1_000],
    ['duration', duration(), texts, 40],
    ['distinct', distinct(), texts, 5_600],
    ['quantiles', quantiles([0.5]), numbers, 20_000],
    ['top', topK(10), texts, 200 * 300],
    ['histogram', histogram(bounds), numbers, 21 * 40],
    ['collect', collect({ limit: 100 }), texts, 100 * 800],
  ])('%s', (_, aggregator, values, bytes) => {
    expect(encodedBytes(aggregator, eventsOf(values))).toBeLessThanOrEqual(bytes);
  });

  it('and distinct just before it turns to registers, and just after', () => {
    expect(encodedBytes(distinct(), eventsOf(texts.slice(0, 1_000)))).toBeLessThanOrEqual(11_000);
    expect(encodedBytes(distinct(), eventsOf(texts.slice(0, 1_001)))).toBeLessThanOrEqual(2_600);
  });
});
