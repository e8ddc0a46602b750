import { describe, expect, it } from '@jest/globals';
import type { JsonScalar, JsonValue, StreamEvent } from '#libs/kernel';
import { count } from '../aggregators/count.js';
import type { Fields } from '../aggregators/aggregator.js';
import { GlobalAggregation } from '../global/global-aggregation.js';
import { LocalAggregation } from '../local/local-aggregation.js';
import type { Partial } from '../partial.js';
import type { SeriesDefinition } from '../series.js';
import { GatheredRows } from '../global/gathered-rows.js';
import { hopping, type HoppingWindow } from '../time/window.js';
import { gridOf, paneAt } from '../time/window-grid.js';
import { GlobalHopping } from './global-hopping.js';

const TIME = { maxOutOfOrdernessMs: 0, maxFutureSkewMs: 1_000_000, idleAfterMs: 10 };

const series = (window: HoppingWindow, allowedLatenessMs = 0, by: string[] = []): SeriesDefinition => ({
  name: 'hops',
  window,
  allowedLatenessMs,
  by,
  measures: [{ name: 'n', aggregator: count() }],
});

const at = (timeMs: number, data: Fields = {}): StreamEvent<Fields> => ({
  id: 'e',
  stream: 'web',
  timeMs,
  receivedMs: 0,
  type: 't',
  data,
});

/** `[start, end) × events`, and from which window on */
const panesOf = (partials: readonly Partial[]): string[] =>
  partials.map(({ startMs, endMs, events, part }) => {
    const from = part?.kind === 'pane' ? ` from ${part.fromWindowStartMs}` : '';
    return `[${startMs}, ${endMs}) × ${events}${from}`;
  });

function emitted(global: GlobalAggregation): string[] {
  return global
    .emit(100)
    .rows.map(
      (row) => `[${row.windowStartMs}, ${row.windowEndMs}) × ${Number(row.measures['n'])} #${row.revision}`,
    );
}

describe('panes', () => {
  //   windows    [──────────────)                    size 5, every 3
  //                       [──────────────)
  //   panes      [  2  )[1][  2  )[1][  2  )[1]      starts 0 3 6, ends 5 8 11
  it.each([
    [hopping(5, 3), [0, 2, 3, 5, 6, 8, 9]],
    [hopping(6, 3), [0, 3, 6, 9, 12, 15, 18]],
    [hopping(4, 4), [0, 4, 8, 12, 16, 20, 24]],
    [hopping(7, 3, { offset: 2 }), [-1, 0, 2, 3, 5, 6, 8]],
  ])('of %p begin where a window does or ends', (definition, starts) => {
    const found: number[] = [];
    for (let timeMs = starts[0]!; found.length < starts.length;) {
      const pane = paneAt(gridOf(definition), timeMs);
      found.push(pane.startMs);
      timeMs = pane.endMs;
    }
    expect(found).toEqual(starts);
  });

  it('are one for an event, however many windows hold it', () => {
    const local = new LocalAggregation([series(hopping(1_440, 1))], TIME, 1);
    for (let i = 0; i < 10; i++) local.add(at(5));
    expect(panesOf(local.drain())).toEqual(['[5, 6) × 10']);
  });
});

describe('an event', () => {
  //   watermark                 10
  //   windows   [0 ──────── 10)│final
  //                   [5 ──────│─── 15)
  //   event              ● 7               late for the first, on time for the second
  it('is counted in the windows that still take it, wherever the other tasks are', () => {
    const local = new LocalAggregation([series(hopping(10, 5))], TIME, 1);
    const global = new GlobalAggregation([series(hopping(10, 5))], 2);
    for (const timeMs of [6, 10, 7]) local.add(at(timeMs));
    const partials = local.drain();
    expect(panesOf(partials)).toEqual(['[5, 10) × 1', '[5, 10) × 1 from 5', '[10, 15) × 1']);
    for (const partial of partials) global.merge(partial);
    global.advance(0, 'web', { watermarkMs: 10 });
    expect(emitted(global)).toEqual([]);
    global.advance(1, 'web', { watermarkMs: 15 });
    global.advance(0, 'web', { watermarkMs: 15 });
    expect(emitted(global)).toEqual(['[0, 10) × 1 #0', '[5, 15) × 3 #0']);
  });

  it('is refused with its newest window when all are final', () => {
    const local = new LocalAggregation([series(hopping(10, 5))], TIME, 1);
    local.add(at(20));
    expect(local.add(at(7))).toEqual({
      kind: 'assigned',
      counted: 0,
      late: [{ series: 'hops', window: { startMs: 5, endMs: 15 }, lateByMs: 5 }],
    });
  });

  //   watermark                       15
  //   windows   [0 ── 10) ─ lateness ─ 30│ complete
  //                   [5 ── 15) ────────── complete
  //                        [10 ── 20)      open
  //   event            ● 7                 corrects the first two
  it('that is late but allowed corrects the windows that are complete, and no other', () => {
    const definition = series(hopping(10, 5), 20);
    const local = new LocalAggregation([definition], TIME, 1);
    const global = new GlobalAggregation([definition], 1);
    const settle = (watermarkMs: number): string[] => {
      for (const partial of local.drain()) expect(global.merge(partial)).toEqual({ kind: 'merged' });
      global.advance(0, 'web', { watermarkMs });
      return emitted(global);
    };
    for (const timeMs of [7, 12, 15]) local.add(at(timeMs));
    expect(settle(15)).toEqual(['[0, 10) × 1 #0', '[5, 15) × 2 #0']);
    local.add(at(7));
    expect(settle(15)).toEqual(['[0, 10) × 2 #1', '[5, 15) × 3 #1']);
    expect(settle(20)).toEqual(['[10, 20) × 2 #0']);
  });
});

describe('a delta', () => {
  it('is refused where its pane, or its first window, is none of the definition', () => {
    const global = new GlobalAggregation([series(hopping(10, 5))], 1);
    const delta = {
      series: 'hops',
      stream: 'web',
      key: {},
      measures: { n: 1 },
      oldestReceivedMs: 0,
      events: 1,
    };
    expect(global.merge({ ...delta, startMs: 0, endMs: 10 }).kind).toBe('unknown-series');
    const part = { kind: 'pane', fromWindowStartMs: 3 } as const;
    expect(global.merge({ ...delta, startMs: 0, endMs: 5, part }).kind).toBe('unknown-series');
    expect(global.merge({ ...delta, startMs: 0, endMs: 5 }).kind).toBe('merged');
    global.advance(0, 'web', { watermarkMs: 10 });
    expect(global.merge({ ...delta, startMs: 0, endMs: 5 }).kind).toBe('too-late');
    expect(global.refused).toBe(3);
  });
});

describe('open windows', () => {
  it('are shown newest first, of the keys that changed', () => {
    const global = new GlobalAggregation([series(hopping(10, 5), 0, ['path'])], 1);
    const local = new LocalAggregation([series(hopping(10, 5), 0, ['path'])], TIME, 1);
    for (const path of ['/a', '/b', '/a']) local.add(at(7, { path }));
    for (const partial of local.drain()) global.merge(partial);
    const rows = global
      .changedOpen()
      .rows.map((row) => [row.windowStartMs, row.key['path'], row.measures['n']]);
    expect(rows).toEqual([
      [5, '/a', 2],
      [5, '/b', 1],
      [0, '/a', 2],
      [0, '/b', 1],
    ]);
    expect(global.changedOpen().rows).toEqual([]);
  });

  it('cost the state of their panes alone', () => {
    const global = new GlobalAggregation([series(hopping(1_000, 1))], 1);
    const local = new LocalAggregation([series(hopping(1_000, 1))], TIME, 1);
    for (let timeMs = 0; timeMs < 10; timeMs++) local.add(at(timeMs));
    for (const partial of local.drain()) global.merge(partial);
    expect([...global.cells()]).toHaveLength(11);
  });
});

describe('rows that are out', () => {
  //   windows   [0 ── 10)  final: its rows are out, one of two is forgotten already
  //                  [5 ── 15)  open: so the pane [5, 10) is still there
  it('do not come again after a restart in the middle of forgetting', () => {
    const window = hopping(10, 5);
    const context = { series: series(window, 0, ['path']), stream: 'web' };
    const limits = { watermarkMs: -Infinity, closedUntilMs: undefined };
    const before = new GlobalHopping({ ...context, limits }, window);
    for (const path of ['/a', '/b']) {
      const delta = { series: 'hops', stream: 'web', key: { path }, measures: { n: 1 }, events: 1 };
      before.merge({ ...delta, startMs: 5, endMs: 10, oldestReceivedMs: 0 });
    }
    limits.watermarkMs = 10;
    before.advance();
    expect(before.emit(Infinity, 10, new GatheredRows())).toBe(2);
    const stored = new Map<string, JsonValue>();
    const store = (changes: Iterable<readonly [string, JsonValue | undefined]>): void => {
      for (const [name, value] of changes) {
        if (value === undefined) stored.delete(name);
        else stored.set(name, value);
      }
    };
    store(before.changes());
    expect(before.forgetFinal(1)).toBe(1);
    store(before.changes());
    expect([...stored.keys()]).toEqual([
      '["hops","web","pane",5,10,"/a"]',
      '["hops","web","pane",5,10,"/b"]',
      '["hops","web","row",0,10,"/b"]',
      '["hops","web","settled"]',
    ]);
    const after = new GlobalHopping({ ...context, limits }, window);
    for (const [name, value] of stored) {
      const [, , ...rest] = JSON.parse(name) as JsonScalar[];
      expect(after.restore(rest, value)).toBe(true);
    }
    after.restored();
    expect(after.nextDueMs).toBeUndefined();
    expect(after.forgetFinal(10)).toBe(1);
  });
});
