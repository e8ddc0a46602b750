import { describe, expect, it } from '@jest/globals';
import type { AnyAggregator } from './aggregator.js';
import { lookedAt, lookedAtAll, stateOf } from './aggregator-fixture.js';
import { collect } from './collect.js';
import { custom } from './custom.js';
import { distinct } from './distinct.js';
import { duration } from './duration.js';
import { max, min } from './extremes.js';
import { first, last } from './first-and-last.js';
import { histogram } from './histogram.js';
import { rate } from './rate.js';

const resultOf = (aggregator: AnyAggregator, values: readonly unknown[]): unknown =>
  aggregator.result(stateOf(aggregator, lookedAtAll(values)));

describe('first and last', () => {
  it('take event time, then event id, whatever comes first', () => {
    // time  1      2
    // ids   b  c   a  d
    const looked = [
      lookedAt('d', 2, 'd'),
      lookedAt('c', 1, 'c'),
      lookedAt('b', 1, 'b'),
      lookedAt('a', 2, 'a'),
    ];
    expect(first().result(stateOf(first(), looked) as never)).toBe('b');
    expect(last().result(stateOf(last(), looked) as never)).toBe('d');
  });

  it('skip events without the value', () => {
    expect(resultOf(first(), [undefined, null, NaN, {}, 'x', 'y'])).toBe('x');
    expect(resultOf(last(), ['x', false, [], null])).toBe(false);
    expect(resultOf(last(), [null])).toBeNull();
  });

  it('cut a long text without breaking a character, and read it back as it is', () => {
    const text = resultOf(first(), ['x'.repeat(246) + '😀'.repeat(100)]) as string;
    expect(text).toMatch(/^x{246}…[0-9a-f]{1,8}$/);
    expect(resultOf(first(), [text])).toBe(text);
    expect(resultOf(first(), ['x'.repeat(256)])).toHaveLength(256);
  });
});

describe('min and max', () => {
  it('know one 0, as JSON does', () => {
    expect(Object.is(resultOf(min(), [-0]), 0)).toBe(true);
    expect(Object.is(resultOf(max(), [-0]), 0)).toBe(true);
  });
});

describe('duration', () => {
  it('is 0 of one event, null of none, and counts events before the epoch', () => {
    expect(resultOf(duration(), ['one'])).toBe(0);
    expect(resultOf(duration(), [])).toBeNull();
    expect(duration().result(stateOf(duration(), [lookedAt(0, 5), lookedAt(0, -7)]) as never)).toBe(12);
  });
});

describe('rate', () => {
  it('is by the length of the window', () => {
    const state = stateOf(rate('sum'), lookedAtAll([10, 20, 'x'])) as never;
    expect(rate('sum').result(state, { startMs: 0, endMs: 60_000 })).toBe(0.5);
    expect(rate('sum').result(state, { startMs: -500, endMs: 0 })).toBe(60);
  });

  it.each([undefined, { startMs: 0, endMs: 0 }, { startMs: -Infinity, endMs: Infinity }])(
    'is null where the window is %p',
    (window) => {
      expect(rate().result({ count: 3 }, window)).toBeNull();
    },
  );
});

describe('histogram', () => {
  it('is half-open: a number on a bound counts above it', () => {
    expect(resultOf(histogram([0, 10, 20]), [-1, -0, 9.99, 10, 19, 20, 21, 'x'])).toEqual({
      bounds: [0, 10, 20],
      counts: [2, 2],
      under: 1,
      over: 2,
      total: 7,
    });
  });

  it('keeps its counts when its bounds are changed', () => {
    const former = histogram([0, 10, 20, 30]);
    const encoded = former.encode(stateOf(former, lookedAtAll([-5, 5, 15, 25, 35])) as never);
    const next = histogram([10, 30]);
    expect(next.result(next.decode(encoded))).toMatchObject({ counts: [2], under: 2, over: 1 });
  });

  it.each([
    [[]],
    [[1]],
    [[1, 1]],
    [[2, 1]],
    [[0, Infinity]],
    [[NaN, 1]],
    [Array.from({ length: 201 }, (_, i) => i)],
  ])('refuses the bounds %p', (bounds) => {
    expect(() => histogram(bounds)).toThrow(RangeError);
  });
});

describe('collect', () => {
  it('keeps the earliest, and says how many it left out', () => {
    const looked = [lookedAt('c', 3), lookedAt('a', 1), lookedAt(null, 0), lookedAt('b', 2)];
    const aggregator = collect({ limit: 2 });
    expect(aggregator.result(stateOf(aggregator, looked) as never)).toEqual({
      values: ['a', 'b'],
      omitted: 1,
    });
  });

  it.each([0, 501, 1.5, NaN])('refuses the limit %p', (limit) => {
    expect(() => collect({ limit })).toThrow(RangeError);
  });
});

describe('distinct', () => {
  it.each([-1, 10_001, 1.5, NaN])('refuses to be exact up to %p', (exactUpTo) => {
    expect(() => distinct({ exactUpTo })).toThrow(RangeError);
  });
});

describe('custom', () => {
  const letters = custom<Set<string>, string>({
    name: 'letters',
    zero: () => new Set(),
    add: (state, value) => state.add(String(value)),
    merge: (a, b) => new Set([...a, ...b]),
    result: (state) => [...state].sort().join(''),
    encode: (state) => [...state],
    decode: (json) => new Set(json as string[]),
    maxEncodedChars: 9,
  });

  it('takes a state that is no JSON with its codec', () => {
    const state = letters.decode(letters.encode(stateOf(letters, lookedAtAll(['b', 'a'])) as never));
    letters.merge(state, stateOf(letters, lookedAtAll(['a'])) as never);
    expect(letters.result(state)).toBe('ab');
  });

  it('names an encoded state that is larger than was agreed', () => {
    expect(() => letters.encode(stateOf(letters, lookedAtAll(['b', 'a', 'c'])) as never)).toThrow(
      expect.objectContaining({
        code: 'CUSTOM_STATE_TOO_LARGE',
        context: { aggregator: 'letters', encodedChars: 13, maxEncodedChars: 9 },
      }),
    );
  });

  it('may change its state in place, after it was encoded too', () => {
    const list = custom<number[], number>({
      zero: () => [],
      add: (state, value) => {
        state.push(Number(value));
        return state;
      },
      merge: (a, b) => [...a, ...b],
      result: (state) => state.length,
    });
    const state = stateOf(list, lookedAtAll([1]));
    const encoded = list.encode(state as never);
    list.add(state as never, 2, lookedAt(2).event);
    expect(encoded).toEqual([1]);
  });

  it('writes null for numbers that JSON does not have', () => {
    const ratio = custom<number, number | null>({
      zero: () => 0,
      add: (state) => state,
      merge: (a) => a,
      result: () => 0 / 0,
    });
    expect(resultOf(ratio, [1])).toBeNull();
  });

  it.each([0, 262_145, 1.5, NaN])('refuses the bound %p', (maxEncodedChars) => {
    const { zero, add, merge, result } = { zero: () => 0, add: () => 0, merge: () => 0, result: () => 0 };
    expect(() => custom({ zero, add, merge, result, maxEncodedChars })).toThrow(RangeError);
  });
});
