import { describe, expect, it } from '@jest/globals';
import type { JsonValue } from '#libs/kernel';
import { count } from '../aggregators/count.js';
import { GlobalAggregation } from '../global/global-aggregation.js';
import type { WindowResult } from '../global/window-result.js';
import type { Partial } from '../partial.js';
import type { SeriesDefinition } from '../series.js';
import { session, type SessionWindow } from '../time/window.js';
import { type SessionSpan, windowOfSpan } from './session-span.js';

// Pictures: ● event, ) end of a session: the gap of 10 after its last event, W watermark.

const series = (definition: SessionWindow, allowedLatenessMs = 20): SeriesDefinition => ({
  name: 'visits',
  window: definition,
  allowedLatenessMs,
  by: ['visitor'],
  measures: [{ name: 'requests', aggregator: count() }],
});
const VISITS = series(session(10));
const CUT = series(session(10, { maxLength: 50 }));

function delta(span: SessionSpan, events = 1, of = VISITS): Partial {
  return {
    series: of.name,
    stream: 'web',
    key: { visitor: 'v' },
    ...windowOfSpan(of.window as SessionWindow, span),
    measures: { requests: events },
    oldestReceivedMs: 1_000 + span.firstMs,
    events,
    part: {
      kind: 'session',
      lastMs: span.lastMs,
      ...(span.fromMs === undefined ? {} : { fromMs: span.fromMs }),
    },
  };
}
const at = (firstMs: number, lastMs = firstMs, of = VISITS): Partial => delta({ firstMs, lastMs }, 1, of);

const textOf = ({ windowStartMs, windowEndMs, measures, revision, retracted }: WindowResult): string =>
  `[${windowStartMs}, ${windowEndMs}) ${retracted ? 'retracted' : `× ${String(measures['requests'])}`} #${revision}`;

const emitted = (global: GlobalAggregation, budget = 100): string[] => global.emit(budget).rows.map(textOf);

function visits(partials: readonly Partial[], watermarkMs?: number, of = VISITS): GlobalAggregation {
  const global = new GlobalAggregation([of], 1);
  for (const partial of partials) expect(global.merge(partial)).toEqual({ kind: 'merged' });
  if (watermarkMs !== undefined) global.advance(0, 'web', { watermarkMs });
  return global;
}

function restarted(global: GlobalAggregation, of = VISITS): GlobalAggregation {
  const after = new GlobalAggregation([of], 1);
  after.restore(new Map(global.cells()));
  return after;
}

describe('a session', () => {
  //  0        9 10       20
  //  ●────────●─────────)          9: one session
  //  ●─────────)●────────)         10, on the edge of the gap: two
  it('takes an event before the end of the gap, not one on its edge', () => {
    expect(emitted(visits([at(0), at(9)], 19))).toEqual(['[0, 19) × 2 #0']);
    expect(emitted(visits([at(0), at(10)], 20))).toEqual(['[0, 10) × 1 #0', '[10, 20) × 1 #0']);
    expect(emitted(visits([at(0), at(-10)], 20))).toEqual(['[-10, 0) × 1 #0', '[0, 10) × 1 #0']);
  });

  //  ●──●──)        ●)                 0–5, 24
  //            ●─)        ●──)         14, 33
  //         ●──────────●               9–29 bridges all
  it('is one with all that a delta bridges', () => {
    const global = visits([at(0, 5), at(24), at(14, 15), at(33), at(9, 29)]);
    expect(global.changedOpen().rows.map(textOf)).toEqual(['[0, 43) × 5 #0']);
    global.advance(0, 'web', { watermarkMs: 42 });
    expect(emitted(global)).toEqual([]);
    global.advance(0, 'web', { watermarkMs: 43 });
    expect(emitted(global)).toEqual(['[0, 43) × 5 #0']);
  });

  //            50        100
  //  ●●●●●●●●●●│●●●●●●●●●●│●          an event each 9 ms, cut each 50 ms
  it('at its maximum length ends, and the next begins with the next event', () => {
    const events = Array.from({ length: 12 }, (_, i) => at(i * 9, i * 9, CUT));
    expect(emitted(visits(events, 200, CUT))).toEqual(['[0, 50) × 6 #0', '[54, 100) × 6 #0']);
    expect(emitted(visits([at(49, 49, CUT), at(50, 50, CUT)], 200, CUT))).toEqual([
      '[49, 50) × 1 #0',
      '[50, 60) × 1 #0',
    ]);
  });

  //  ●─────────)                       0
  //                  ●─────────)       18
  //                              W 28  both complete, rows out
  //           ●                        9, late: reaches the end of one and the start of the other
  it('that a late event bridges takes the rows of both back', () => {
    const global = visits([at(0), at(18)], 28);
    expect(emitted(global)).toEqual(['[0, 10) × 1 #0', '[18, 28) × 1 #0']);
    expect(global.merge(at(9))).toEqual({ kind: 'merged' });
    expect(emitted(global)).toEqual(['[0, 10) retracted #1', '[18, 28) retracted #1', '[0, 28) × 3 #0']);
    expect(emitted(global)).toEqual([]);
  });

  it('that merges but keeps both results: only one stands', () => {
    const global = visits([at(0), at(18)], 28);
    const rows = new Map<string, WindowResult>();
    const deliver = (): void => {
      for (const row of global.emit(1).rows) rows.set(`${row.windowStartMs}-${row.windowEndMs}`, row);
    };
    for (let i = 0; i < 3; i++) deliver();
    global.merge(at(9));
    for (let i = 0; i < 5; i++) deliver();
    const standing = [...rows.values()].filter(({ retracted }) => !retracted);
    expect(standing.map(textOf)).toEqual(['[0, 28) × 3 #0']);
    expect(rows.size).toBe(3);
  });

  //  ●─────────)      W 12, row out
  //       ●─────────)        5, late: open again until 15
  it('that a late event makes longer than the watermark is open again', () => {
    const global = visits([at(0)], 12);
    expect(emitted(global)).toEqual(['[0, 10) × 1 #0']);
    global.merge(at(5));
    expect(emitted(global)).toEqual(['[0, 10) retracted #1']);
    expect(global.changedOpen().rows.map(textOf)).toEqual(['[0, 15) × 2 #0']);
    global.advance(0, 'web', { watermarkMs: 15 });
    expect(emitted(global)).toEqual(['[0, 15) × 2 #0']);
  });

  it('is corrected where a late event leaves its window as it is', () => {
    const global = visits([at(0, 5)], 16);
    expect(emitted(global)).toEqual(['[0, 15) × 1 #0']);
    global.merge(at(3));
    expect(emitted(global)).toEqual(['[0, 15) × 2 #1']);
  });

  it('that was due, and is open again before its row, has none', () => {
    const global = visits([at(0)], 12);
    global.merge(at(5));
    expect(global.isUrgent).toBe(false);
    expect(global.emit(10)).toMatchObject({ rows: [], more: false });
  });

  it('of other windows, or grouped by something else, is removed after a restart', () => {
    const before = visits([at(0)]);
    const [name] = [...before.cells()].map(([each]) => each).filter((each) => each.startsWith('['));
    for (const other of [
      series(session(11)),
      CUT,
      { ...VISITS, by: [] },
      { ...VISITS, by: ['visitor', 'x'] },
    ])
      expect([...restarted(before, other).changes()]).toContainEqual([name, undefined]);
    expect([...restarted(before).changes()].filter(([each]) => each === name)).toEqual([]);
    expect(visits([]).merge(at(0, 0, series(session(11))))).toEqual({ kind: 'unknown-series' });
  });
});

describe('a session is final', () => {
  //  ●─────────)                    0: complete at 10
  //           ●─────────)           9, the last that reaches it: taken until the watermark reaches 19 + 20
  it('when nothing that is still taken reaches it, not before', () => {
    const global = visits([at(0)], 38);
    expect(emitted(global)).toEqual(['[0, 10) × 1 #0']);
    expect(global.merge(at(9))).toEqual({ kind: 'merged' });
    expect(emitted(global)).toEqual(['[0, 10) retracted #1', '[0, 19) × 2 #0']);

    const later = visits([at(0)], 39);
    emitted(later);
    expect([...later.cells()].map(([name]) => name)).toEqual(['progress/web']);
    expect(later.merge(at(9))).toEqual({ kind: 'too-late' });
    expect(later.refused).toBe(1);
  });

  //  closed until 20: what starts before it is final; 25 goes on, 27 joins it
  //  ●─────────)       ●─────────)
  //               ●──)      ● ●
  it('by a close that it starts at or before', () => {
    const global = visits([at(0), at(12, 20), at(32)]);
    global.advance(0, 'web', { closed: { closeId: 'c', untilMs: 20 } });
    expect(emitted(global)).toEqual(['[0, 10) × 1 #0', '[12, 30) × 1 #0']);
    expect([...global.cells()].filter(([name]) => name.startsWith('['))).toHaveLength(1);
    global.merge(delta({ firstMs: 25, lastMs: 25, fromMs: 21 }));
    expect(global.changedOpen().rows.map(textOf)).toEqual(['[25, 42) × 2 #0']);
    expect(global.merge(at(20))).toEqual({ kind: 'too-late' });
  });

  it('and forgotten once its row is out', () => {
    const global = visits([at(0), at(40)], 100);
    expect(emitted(global, 1)).toEqual(['[0, 10) × 1 #0']);
    expect(emitted(restarted(global), 1)).toEqual(['[40, 50) × 1 #0']);
    expect(emitted(global, 1)).toEqual(['[40, 50) × 1 #0']);
    expect([...global.cells()].map(([name]) => name)).toEqual(['progress/web']);
  });
});

describe('a restart', () => {
  it('keeps rows to take back, and those that replace them', () => {
    const before = visits([at(0), at(18)], 28);
    emitted(before);
    before.merge(at(9));
    const stored = new Map<string, JsonValue | undefined>(before.changes());
    expect(emitted(before, 1)).toEqual(['[0, 10) retracted #1']);
    for (const [name, value] of before.changes()) stored.set(name, value);
    const cells = new Map([...stored].filter(([, value]) => value !== undefined)) as Map<string, JsonValue>;
    const after = new GlobalAggregation([VISITS], 1);
    after.restore(cells);
    expect(emitted(after)).toEqual(['[18, 28) retracted #1', '[0, 28) × 3 #0']);
  });
});

describe('an open session that is shown', () => {
  it('is gone when it grows, merges, or is due no more', () => {
    const global = visits([at(0), at(18)]);
    expect(global.changedOpen().gone).toEqual([]);
    global.merge(at(5));
    const grown = global.changedOpen();
    expect(grown.gone).toEqual([
      { series: 'visits', stream: 'web', key: { visitor: 'v' }, windowStartMs: 0, windowEndMs: 10 },
    ]);
    expect(grown.rows.map(textOf)).toEqual(['[0, 15) × 2 #0']);
    global.merge(at(11));
    const merged = global.changedOpen();
    expect(merged.gone.map(({ windowStartMs }) => windowStartMs)).toEqual([0, 18]);
    expect(merged.rows.map(textOf)).toEqual(['[0, 28) × 4 #0']);
    global.merge(at(20, 21));
    global.advance(0, 'web', { watermarkMs: 31 });
    expect(global.changedOpen()).toMatchObject({ rows: [] });
    global.merge(at(30));
    expect(global.changedOpen().rows.map(textOf)).toEqual(['[0, 40) × 6 #0']);
  });
});
