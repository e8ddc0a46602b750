import { describe, expect, it } from '@jest/globals';
import type { JsonValue } from '#libs/kernel';
import { count } from '../aggregators/count.js';
import type { Partial } from '../partial.js';
import type { SeriesDefinition } from '../series.js';
import { tumbling } from '../time/window.js';
import { GlobalAggregation } from './global-aggregation.js';

const requests = (name: string, size: string, allowedLatenessMs = 20): SeriesDefinition => ({
  name,
  window: tumbling(size),
  allowedLatenessMs,
  by: [],
  measures: [{ name: 'requests', aggregator: count() }],
});
const SHORT = requests('short', '10ms');
const LONG = requests('long', '40ms');

function delta(startMs: number, events: number, series = SHORT): Partial {
  return {
    series: series.name,
    stream: 'web',
    key: {},
    startMs,
    endMs: startMs + (series === SHORT ? 10 : 40),
    measures: { requests: events },
    oldestReceivedMs: 1_000 + startMs,
    events,
  };
}

/** `series [start, end) × requests #revision` */
function emitted(global: GlobalAggregation, budget = 100): string[] {
  return global
    .emit(budget)
    .rows.map(
      (row) =>
        `${row.series} [${row.windowStartMs}, ${row.windowEndMs}) × ${String(row.measures['requests'])} #${row.revision}`,
    );
}

describe('a window', () => {
  //  task 0   ●[0,10)       wm 10
  //  task 1            ●[0,10)       wm 9   wm 10
  //  here                                   complete
  it('is complete when the last of all tasks has passed its end', () => {
    const global = new GlobalAggregation([SHORT], 2);
    global.merge(delta(0, 3));
    global.advance(0, 'web', { watermarkMs: 10 });
    expect(emitted(global)).toEqual([]);
    global.merge(delta(0, 4));
    global.advance(1, 'web', { watermarkMs: 9 });
    expect(emitted(global)).toEqual([]);
    global.advance(1, 'web', { watermarkMs: 10 });
    expect(global.isUrgent).toBe(true);
    expect(emitted(global)).toEqual(['short [0, 10) × 7 #0']);
    expect(emitted(global)).toEqual([]);
  });

  it('is corrected once an emission until it is final, and then forgotten', () => {
    const global = new GlobalAggregation([SHORT], 1);
    global.merge(delta(0, 1));
    global.advance(0, 'web', { watermarkMs: 29 });
    expect(emitted(global)).toEqual(['short [0, 10) × 1 #0']);
    global.merge(delta(0, 1));
    global.merge(delta(0, 1));
    expect(emitted(global)).toEqual(['short [0, 10) × 3 #1']);
    global.advance(0, 'web', { watermarkMs: 30 });
    expect(emitted(global)).toEqual([]);
    expect([...global.cells()].map(([name]) => name)).toEqual(['progress/web']);
  });

  it('that begins with a late event has its first row at once', () => {
    const global = new GlobalAggregation([SHORT], 1);
    global.advance(0, 'web', { watermarkMs: 15 });
    global.merge(delta(0, 1));
    expect(emitted(global)).toEqual(['short [0, 10) × 1 #0']);
  });

  it('comes before those that end later, whatever the series', () => {
    const global = new GlobalAggregation([LONG, SHORT], 1);
    for (const part of [delta(0, 1, LONG), delta(-40, 1, LONG), delta(50, 1), delta(20, 1), delta(-10, 1)])
      global.merge(part);
    global.advance(0, 'web', { watermarkMs: 55 });
    expect(emitted(global)).toEqual([
      'long [-40, 0) × 1 #0',
      'short [-10, 0) × 1 #0',
      'short [20, 30) × 1 #0',
      'long [0, 40) × 1 #0',
    ]);
  });

  it('refuses a delta once it is final, and counts it, instead of beginning anew', () => {
    const global = new GlobalAggregation([SHORT], 1);
    global.advance(0, 'web', { watermarkMs: 30 });
    expect(global.merge(delta(0, 5))).toEqual({ kind: 'too-late' });
    expect(global.merge({ ...delta(0, 2), series: 'gone' })).toEqual({ kind: 'unknown-series' });
    expect(global.refused).toBe(7);
    expect(emitted(global)).toEqual([]);
  });
});

describe('a close', () => {
  //  until 25:  [20,30) starts before, so it is final; [30,40) goes on, and so does the watermark
  it('makes final what starts at or before it, once all tasks have told it', () => {
    const global = new GlobalAggregation([SHORT], 2);
    for (const startMs of [10, 20, 30]) global.merge(delta(startMs, 1));
    global.advance(0, 'web', { closed: { closeId: 'c', untilMs: 20 } });
    expect(global.isUrgent).toBe(false);
    global.advance(1, 'web', { closed: { closeId: 'c', untilMs: 20 } });
    expect(emitted(global)).toEqual(['short [10, 20) × 1 #0', 'short [20, 30) × 1 #0']);
    expect(global.takeProgress()).toEqual({
      web: { closed: { closeId: 'c', untilMs: 20 } },
    });
    expect(global.merge(delta(20, 1))).toEqual({ kind: 'too-late' });
    expect(global.merge(delta(30, 1))).toEqual({ kind: 'merged' });
  });
});

describe('progress', () => {
  it('of a task does not go back', () => {
    const global = new GlobalAggregation([SHORT], 2);
    global.advance(0, 'web', { watermarkMs: 50 });
    global.advance(0, 'web', { watermarkMs: 40 });
    global.advance(1, 'web', { watermarkMs: 60 });
    expect(global.takeProgress()).toEqual({ web: { watermarkMs: 50 } });
  });

  it('is the minimum over all tasks, and told once', () => {
    const global = new GlobalAggregation([SHORT], 2);
    global.advance(0, 'web', {});
    expect(global.takeProgress()).toEqual({ web: {} });
    global.advance(0, 'web', { watermarkMs: 50 });
    expect(global.takeProgress()).toEqual({});
    global.advance(1, 'web', { watermarkMs: 40 });
    expect(global.takeProgress()).toEqual({ web: { watermarkMs: 40 } });
    global.advance(0, 'web', { watermarkMs: 35 });
    global.advance(1, 'web', { watermarkMs: 39 });
    expect(global.takeProgress()).toEqual({});
    expect(global.streamProgress()).toEqual({ web: { watermarkMs: 40 } });
  });

  it('of a task that does not exist is refused', () => {
    expect(() => new GlobalAggregation([SHORT], 2).advance(2, 'web', {})).toThrow(RangeError);
  });
});

describe('an emission in slices', () => {
  it('goes on after a restart where it stood, and costs what changed', () => {
    const before = new GlobalAggregation([SHORT], 1);
    for (let i = 0; i < 5; i++) before.merge(delta(i * 10, 1));
    const stored = new Map<string, JsonValue | undefined>(before.changes());
    before.advance(0, 'web', { watermarkMs: 100 });
    expect(before.emit(2)).toMatchObject({ more: true, oldestReceivedMs: 1_000 });
    const changed = [...before.changes()];
    expect(changed).toHaveLength(3);
    for (const [name, value] of changed) stored.set(name, value);

    const after = new GlobalAggregation([SHORT], 1);
    after.restore(stored as ReadonlyMap<string, JsonValue>);
    expect(emitted(after)).toEqual([
      'short [20, 30) × 1 #0',
      'short [30, 40) × 1 #0',
      'short [40, 50) × 1 #0',
    ]);
    expect(after.takeProgress()).toEqual({ web: { watermarkMs: 100 } });
  });

  it('keeps a correction that is due', () => {
    const before = new GlobalAggregation([SHORT], 1);
    before.merge(delta(0, 1));
    before.advance(0, 'web', { watermarkMs: 15 });
    expect(emitted(before)).toEqual(['short [0, 10) × 1 #0']);
    before.merge(delta(0, 1));
    const after = new GlobalAggregation([SHORT], 1);
    after.restore(new Map(before.cells()));
    expect(emitted(after)).toEqual(['short [0, 10) × 2 #1']);
    expect(emitted(after)).toEqual([]);
  });

  it('of a pipeline without the series, or with other windows, removes its cells', () => {
    const before = new GlobalAggregation([SHORT, LONG], 1);
    before.merge(delta(0, 1, LONG));
    for (const series of [SHORT, { ...LONG, window: tumbling(20) }]) {
      const after = new GlobalAggregation([series], 1);
      after.restore(new Map(before.cells()));
      expect([...after.changes()]).toContainEqual(['["long","web",0,40]', undefined]);
      expect(after.merge(delta(0, 1, LONG))).toEqual({ kind: 'unknown-series' });
    }
  });
});

describe('open windows', () => {
  it('are shown when they have changed, the newest where there are too many', () => {
    const global = new GlobalAggregation([SHORT], 1);
    for (let i = 0; i < 5; i++) global.merge(delta(i * 10, 1));
    const { rows, oldestReceivedMs } = global.changedOpen(2);
    expect(rows.map(({ windowStartMs, revision }) => [windowStartMs, revision])).toEqual([
      [40, 0],
      [30, 0],
    ]);
    expect(oldestReceivedMs).toBe(1_030);
    expect(global.changedOpen()).toEqual({ rows: [], gone: [] });
    global.merge(delta(0, 1));
    expect(global.changedOpen().rows).toMatchObject([{ windowStartMs: 0, measures: { requests: 2 } }]);
  });

  it('are shown no more once they are due', () => {
    const global = new GlobalAggregation([SHORT], 1);
    global.merge(delta(0, 1));
    global.advance(0, 'web', { watermarkMs: 10 });
    expect(global.changedOpen().rows).toEqual([]);
  });
});
