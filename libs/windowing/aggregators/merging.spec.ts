import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { AnyAggregator } from './aggregator.js';
import {
  type Looked,
  lookedAt,
  lookedAtAll,
  mergedState,
  stateOf,
  throughJson,
  treeOf,
} from './aggregator-fixture.js';
import { collect } from './collect.js';
import { count } from './count.js';
import { custom } from './custom.js';
import { distinct } from './distinct.js';
import { duration } from './duration.js';
import { max, min } from './extremes.js';
import { first, last } from './first-and-last.js';
import { histogram } from './histogram.js';
import { mean } from './mean.js';
import { quantiles } from './quantiles.js';
import { rate } from './rate.js';
import { sum } from './sum.js';
import { topK } from './top-k.js';
import { stddev, variance } from './variance.js';

// Every aggregator against an oracle that keeps all events and recomputes: in any order, split into parts anyhow,
// merged as any tree, stored and read back anywhere.

const WINDOW = { startMs: -10_000, endMs: 50_000 };

const junk = fc.constantFrom<unknown>(
  null,
  undefined,
  NaN,
  Infinity,
  -Infinity,
  {},
  [1],
  () => 1,
  Symbol.iterator,
);
const number = fc.oneof(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -(2 ** 40), max: 2 ** 40 }));
const scalar = fc.oneof(fc.constantFrom('', 'a', 'b', '1', 'x'.repeat(300), true, false, 0, -0, 1), number);
const value: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: number },
  { weight: 4, arbitrary: scalar },
  { weight: 1, arbitrary: junk },
);

/** Events with their own ids, equal times among them. */
const events: fc.Arbitrary<Looked[]> = fc
  .array(fc.tuple(value, fc.integer({ min: -3, max: 12 })), { maxLength: 60 })
  .map((pairs) => pairs.map(([each, timeMs], i) => lookedAt(each, timeMs, `id-${(i * 7) % 61}`)));

const shuffled = events.chain((all) => fc.shuffledSubarray(all, { minLength: all.length }));

const numbersOf = (all: readonly Looked[]): number[] =>
  all
    .map((each) => each.value)
    .filter((each) => typeof each === 'number' && Number.isFinite(each)) as number[];
const isScalar = (each: unknown): boolean =>
  ['string', 'boolean'].includes(typeof each) || (typeof each === 'number' && Number.isFinite(each));
const inOrder = (all: readonly Looked[]): unknown[] =>
  all
    .filter((each) => isScalar(each.value))
    .sort((a, b) => a.event.timeMs - b.event.timeMs || (a.event.id < b.event.id ? -1 : 1))
    .map((each) => shown(each.value));
/** −0 as 0; a long text as it is cut. */
const shown = (each: unknown): unknown => {
  if (typeof each === 'number') return each + 0;
  return each === 'x'.repeat(300) ? expect.stringMatching(/^x{247}…[0-9a-f]+$/) : each;
};
const total = (numbers: readonly number[]): number => numbers.reduce((sumOf, each) => sumOf + each, 0);
const bounds = [-10, 0, 1, 10.5, 1000];
const timesOf = (all: readonly Looked[]): number[] => all.map((each) => each.event.timeMs);

const CASES: readonly [string, AnyAggregator, (all: readonly Looked[]) => unknown][] = [
  ['count', count(), (all) => all.length],
  ['min', min(), (all) => (numbersOf(all).length === 0 ? null : Math.min(...numbersOf(all)) + 0)],
  ['max', max(), (all) => (numbersOf(all).length === 0 ? null : Math.max(...numbersOf(all)) + 0)],
  ['sum', sum(), (all) => total(numbersOf(all))],
  ['rate', rate(), (all) => all.length / 60],
  ['rate of a sum', rate('sum'), (all) => total(numbersOf(all)) / 60],
  [
    'mean',
    mean(),
    (all) => (numbersOf(all).length === 0 ? null : total(numbersOf(all)) / numbersOf(all).length),
  ],
  ['first', first(), (all) => inOrder(all)[0] ?? null],
  ['last', last(), (all) => inOrder(all).at(-1) ?? null],
  [
    'duration',
    duration(),
    (all) => (all.length === 0 ? null : Math.max(...timesOf(all)) - Math.min(...timesOf(all))),
  ],
  [
    'collect',
    collect({ limit: 5 }),
    (all) => ({ values: inOrder(all).slice(0, 5), omitted: Math.max(0, inOrder(all).length - 5) }),
  ],
  [
    'histogram',
    histogram(bounds),
    (all) => ({
      bounds,
      counts: [0, 1, 2, 3].map(
        (i) => numbersOf(all).filter((each) => each >= bounds[i]! && each < bounds[i + 1]!).length,
      ),
      under: numbersOf(all).filter((each) => each < -10).length,
      over: numbersOf(all).filter((each) => each >= 1000).length,
      total: numbersOf(all).length,
    }),
  ],
  [
    'top, with as many counters as values',
    topK(3, { capacity: 200 }),
    (all) => ({ entries: exactTop(all).slice(0, 3), maxError: 0 }),
  ],
  [
    'custom',
    custom<{ longest: number; events: number }>({
      zero: () => ({ longest: 0, events: 0 }),
      add: ({ longest, events: n }, each) => ({
        longest: Math.max(longest, typeof each === 'string' ? each.length : 0),
        events: n + 1,
      }),
      merge: (a, b) => ({ longest: Math.max(a.longest, b.longest), events: a.events + b.events }),
      result: (state) => state,
    }),
    (all) => ({
      longest: Math.max(0, ...all.map((each) => (typeof each.value === 'string' ? each.value.length : 0))),
      events: all.length,
    }),
  ],
];

function exactTop(all: readonly Looked[]): { value: unknown; count: number; error: 0 }[] {
  const counts = new Map<unknown, number>();
  for (const { value: each } of all.filter((one) => isScalar(one.value))) {
    counts.set(each, (counts.get(each) ?? 0) + 1);
  }
  const isBefore = (a: unknown, b: unknown): boolean =>
    typeof a === typeof b ? (a as number) < (b as number) : typeof a < typeof b;
  return [...counts]
    .sort(([a, n], [b, m]) => m - n || (isBefore(a, b) ? -1 : 1))
    .map(([each, n]) => ({ value: shown(each), count: n, error: 0 }));
}

const cuts = fc.array(fc.nat({ max: 1_000 }), { maxLength: 8 });

describe.each(CASES)('%s', (_, aggregator, oracle) => {
  it('comes to what a recount of all events gives, in any order, split, merge and storage', () => {
    fc.assert(
      fc.property(shuffled, cuts, (all, at) => {
        const result = aggregator.result(mergedState(aggregator, treeOf(all, at)), WINDOW);
        expect(throughJson(result)).toEqual(oracle(all));
      }),
    );
  });
});

describe.each<[string, AnyAggregator]>([
  ['distinct', distinct()],
  ['distinct beyond its limit', distinct({ exactUpTo: 3 })],
  ['quantiles', quantiles([0, 0.5, 1])],
])('%s', (_, aggregator) => {
  it('comes to the same in one stage and in any order, split, merge and storage', () => {
    fc.assert(
      fc.property(shuffled, cuts, (all, at) => {
        const result = aggregator.result(mergedState(aggregator, treeOf(all, at)));
        expect(throughJson(result)).toEqual(aggregator.result(mergedState(aggregator, { leaf: all })));
      }),
    );
  });
});

const ALL: readonly [string, AnyAggregator][] = [
  ...CASES.map(([name, aggregator]): [string, AnyAggregator] => [name, aggregator]),
  ['variance', variance()],
  ['deviation of a sample', stddev({ of: 'sample' })],
  ['distinct', distinct()],
  ['distinct beyond its limit', distinct({ exactUpTo: 3 })],
  ['quantiles', quantiles([0, 0.5, 1])],
  ['top beyond its counters', topK(2, { capacity: 3 })],
];

describe.each(ALL)('%s', (_, aggregator) => {
  it('writes and says nothing that JSON does not have, over the whole range of doubles', () => {
    const any = fc.oneof(fc.double(), fc.constantFrom(1e308, -1e308, 5e-324), junk, fc.string());
    fc.assert(
      fc.property(fc.array(any), cuts, (values, at) => {
        const state = mergedState(aggregator, treeOf(lookedAtAll(values), at));
        throughJson(aggregator.encode(state));
        throughJson(aggregator.result(state, WINDOW));
      }),
    );
  });

  it('gives an encoded state that later changes do not show in', () => {
    const state = stateOf(aggregator, lookedAtAll([1, 2, 'a']));
    const encoded = aggregator.encode(state);
    const text = JSON.stringify(encoded);
    for (const { value: each, event } of lookedAtAll([3, 'a', 'b', 5, -1]))
      aggregator.add(state, each, event);
    expect(JSON.stringify(encoded)).toBe(text);
  });
});
