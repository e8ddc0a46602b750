import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonValue, StreamEvent } from '#libs/kernel';
import type { Fields } from '../aggregators/aggregator.js';
import { count } from '../aggregators/count.js';
import type { SeriesDefinition } from '../series.js';
import { hopping, tumbling } from '../time/window.js';
import { keyHash } from './key-hash.js';
import { LocalAggregation } from './local-aggregation.js';

const TIME = { maxOutOfOrdernessMs: 0, maxFutureSkewMs: 1_000_000, idleAfterMs: 10 };
const BY_PATH: SeriesDefinition = {
  name: 'by_path',
  window: tumbling(100),
  allowedLatenessMs: 0,
  by: ['path', 'status'],
  maxKeys: 2,
  measures: [{ name: 'n', aggregator: count() }],
};

const at = (timeMs: number, path: string, stream = 'web'): StreamEvent<Fields> => ({
  id: 'e',
  stream,
  timeMs,
  receivedMs: 0,
  type: 't',
  data: { path, status: 200 },
});

const local = (series = BY_PATH): LocalAggregation => new LocalAggregation([series], TIME, 1);

/** `start path × events` */
function drained(aggregation: LocalAggregation): string[] {
  return aggregation
    .drain()
    .map(({ startMs, key, events }) => `${startMs} ${String(key['path'])} × ${events}`);
}

function restarted(stored: Map<string, JsonValue>, series = BY_PATH): LocalAggregation {
  const after = local(series);
  after.restore(stored);
  return after;
}

function store(into: Map<string, JsonValue>, aggregation: LocalAggregation): void {
  for (const [name, value] of aggregation.changes()) {
    if (value === undefined) into.delete(name);
    else into.set(name, value);
  }
}

describe('the hash of a key', () => {
  it('tells values, their types and their places apart', () => {
    const keys = [
      ['a', 'b'],
      ['ab', ''],
      ['', 'ab'],
      ['b', 'a'],
      [1],
      ['1'],
      [true],
      ['true'],
      [null],
      ['null'],
      [],
    ];
    expect(new Set(keys.map(keyHash)).size).toBe(keys.length);
  });
});

describe('the cap on keys', () => {
  //   keys     a  b  c  d  a       c            cap 2
  //   window  [0 ────────────── 100)[100 ──
  //   counted  a  b  ?  ?  a        c           ?: __other__
  it('puts what comes beyond it in one key, and counts it', () => {
    const aggregation = local();
    for (const path of ['a', 'b', 'c', 'd', 'a']) aggregation.add(at(50, path));
    aggregation.add(at(100, 'c'));
    const partials = aggregation.drain();
    expect(partials.map(({ startMs, key, events }) => [startMs, key, events])).toEqual([
      [0, { path: 'a', status: 200 }, 2],
      [0, { path: 'b', status: 200 }, 1],
      [0, { path: '__other__', status: '__other__' }, 2],
      [100, { path: 'c', status: 200 }, 1],
    ]);
    expect(aggregation.takeOtherKeyEvents()).toEqual(new Map([['by_path', 2]]));
    expect(aggregation.takeOtherKeyEvents()).toEqual(new Map());
  });

  it('holds over drains and restarts, until the window is final', () => {
    const stored = new Map<string, JsonValue>();
    const before = local();
    for (const path of ['a', 'b', 'c']) before.add(at(50, path));
    before.drain();
    store(stored, before);
    const after = restarted(stored);
    for (const path of ['c', 'b', 'a']) after.add(at(60, path));
    expect(drained(after)).toEqual(['0 b × 1', '0 a × 1', '0 __other__ × 1']);
    after.add(at(100, 'x'));
    after.drain();
    store(stored, after);
    expect([...stored.keys()].filter((name) => name.startsWith('keys/'))).toEqual([
      'keys/["by_path","web",100,200,0]',
    ]);
  });

  it('is of each stream', () => {
    const aggregation = local();
    for (const stream of ['web', 'shop'])
      for (const path of ['a', 'b']) aggregation.add(at(50, path, stream));
    expect(drained(aggregation)).toHaveLength(4);
  });

  it('of hopping windows holds a key in every window of a stretch', () => {
    const aggregation = local({ ...BY_PATH, window: hopping(100, 50), maxKeys: 1 });
    for (const [timeMs, path] of [
      [10, 'a'],
      [20, 'b'],
      [60, 'b'],
      [70, 'a'],
      [110, 'b'],
    ] as const)
      aggregation.add(at(timeMs, path));
    expect(drained(aggregation)).toEqual([
      '0 a × 1',
      '0 __other__ × 1',
      '50 a × 1',
      '50 __other__ × 1',
      '100 b × 1',
    ]);
  });

  it('is 10,000 where the series says nothing, and costs a commit what is new', () => {
    const { name, window, allowedLatenessMs, by, measures } = BY_PATH;
    const uncapped = { name, window, allowedLatenessMs, by, measures };
    const aggregation = local(uncapped);
    for (let i = 0; i < 10_005; i++) aggregation.add(at(50, `/${i}`));
    aggregation.drain();
    expect(aggregation.takeOtherKeyEvents().get('by_path')).toBe(5);
    expect([...aggregation.changes()].filter(([name]) => name.startsWith('keys/'))).toHaveLength(40);
    aggregation.add(at(50, '/1'));
    aggregation.drain();
    expect([...aggregation.changes()].filter(([name]) => name.startsWith('keys/'))).toHaveLength(0);
  });

  it('admits the first keys of each window, whatever the commits and restarts', () => {
    const event = fc.record({ timeMs: fc.integer({ min: 0, max: 199 }), path: fc.constantFrom(...'abcdef') });
    const step = fc.oneof(event, fc.constant('commit' as const), fc.constant('crash' as const));
    const series = { ...BY_PATH, allowedLatenessMs: 1_000, maxKeys: 3 };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const stored = new Map<string, JsonValue>();
        const admitted = new Map<number, Set<string>>();
        const expected = new Map<string, number>();
        const found = new Map<string, number>();
        const add = (counts: Map<string, number>, name: string, by: number): void =>
          void counts.set(name, (counts.get(name) ?? 0) + by);
        let aggregation = local(series);
        const commit = (): void => {
          for (const { startMs, key, events } of aggregation.drain())
            add(found, `${startMs} ${String(key['path'])}`, events);
          store(stored, aggregation);
          expect(new Map(aggregation.cells())).toEqual(stored);
        };
        for (const each of steps) {
          if (each === 'commit') commit();
          else if (each === 'crash') {
            commit();
            aggregation = restarted(stored, series);
          } else {
            const startMs = Math.floor(each.timeMs / 100) * 100;
            const keys = admitted.get(startMs) ?? new Set();
            admitted.set(startMs, keys);
            if (keys.size < 3) keys.add(each.path);
            add(expected, `${startMs} ${keys.has(each.path) ? each.path : '__other__'}`, 1);
            aggregation.add(at(each.timeMs, each.path));
          }
        }
        commit();
        expect(found).toEqual(expected);
      }),
    );
  });
});
