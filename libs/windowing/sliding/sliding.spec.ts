import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { GlobalAggregation } from '../global/global-aggregation.js';
import type { WindowResult } from '../global/window-result.js';
import type { Partial } from '../partial.js';
import type { SeriesDefinition } from '../series.js';
import { classifyArrival } from '../time/arrival.js';
import { phaseOf } from '../time/phase.js';
import { sliding } from '../time/window.js';
import { type Accepted, eventIds, Simulation } from '../two-stages-fixture.js';
import { runSteps } from '../two-stages-steps-fixture.js';
import { classifySliding, slidingFrom } from './sliding-window.js';

const ids = [{ name: 'ids', aggregator: eventIds }];
const SERIES: readonly SeriesDefinition[] = [
  { name: 'late', window: sliding(15), allowedLatenessMs: 25, by: ['visitor'], measures: ids },
  { name: 'strict', window: sliding(6), allowedLatenessMs: 0, by: [], measures: ids },
];
const SIZE: Readonly<Record<string, number>> = { late: 15, strict: 6, spans: 5_000 };

const SPANS: SeriesDefinition = {
  name: 'spans',
  window: sliding(5_000),
  allowedLatenessMs: 10_000,
  by: [],
  measures: ids,
};
const event = (timeMs: number, id: string, fromMs?: number): Partial => ({
  series: 'spans',
  stream: 'web',
  key: {},
  startMs: timeMs,
  endMs: timeMs + 1,
  measures: { ids: [id] },
  oldestReceivedMs: 0,
  events: 1,
  ...(fromMs === undefined ? {} : { part: { kind: 'pane', fromWindowStartMs: fromMs } }),
});
const textOf = ({ windowStartMs, windowEndMs, measures, revision }: WindowResult): string =>
  `[${windowStartMs}, ${windowEndMs}) ${(measures['ids'] as string[]).join('')} #${revision}`;
const emitted = (global: GlobalAggregation): string[] => global.emit(100).rows.map(textOf);

const number = fc.nat({ max: 999 });
const codes = fc.array(
  fc.record({ kind: number, task: number, size: number, stream: number, visitor: number }),
  { maxLength: 120, size: 'max' },
);

describe('sliding windows', () => {
  // The example in the documentation of Kafka Streams, whose windows hold both ends: [3000; 8000] is [3000, 8001) here.
  //
  //     3000      8000 9200  12400
  //     ├──────────A)                  A
  //       ├────────A──B)               AB
  //                A──B───────C)       ABC    7400
  //                 ├─B───────C─)      BC     8001: follows A
  //                     ├─────C───)    C      9201: follows B
  it('are one for each distinct set of events within the size', () => {
    const global = new GlobalAggregation([SPANS], 1);
    for (const [timeMs, id] of [
      [8_000, 'A'],
      [9_200, 'B'],
      [12_400, 'C'],
    ] as const)
      global.merge(event(timeMs, id));
    expect(global.changedOpen().rows.map(textOf)).toEqual(['[7400, 12401) ABC #0']);
    global.advance(0, 'web', { watermarkMs: 14_201 });
    expect(emitted(global)).toEqual([
      '[3000, 8001) A #0',
      '[4200, 9201) AB #0',
      '[7400, 12401) ABC #0',
      '[8001, 13002) BC #0',
    ]);
    global.advance(0, 'web', { watermarkMs: 14_202 });
    expect(emitted(global)).toEqual(['[9201, 14202) C #0']);
  });

  //  two events exactly the size apart share a window, one millisecond more and they do not
  it.each([
    [5_000, ['[-5000, 1) A #0', '[0, 5001) AB #0', '[1, 5002) B #0']],
    [5_001, ['[-5000, 1) A #0', '[1, 5002) B #0']],
  ])('of events %i ms apart, with a size of 5000 ms', (apartMs, rows) => {
    const global = new GlobalAggregation([SPANS], 1);
    global.merge(event(0, 'A'));
    global.merge(event(apartMs, 'B'));
    global.advance(0, 'web', { watermarkMs: 10_000 });
    expect(emitted(global)).toEqual(rows);
  });

  it('that are complete are corrected, and made, by a late event', () => {
    const global = new GlobalAggregation([SPANS], 1);
    global.merge(event(0, 'A'));
    global.merge(event(3_000, 'B'));
    global.advance(0, 'web', { watermarkMs: 9_000 });
    expect(emitted(global)).toEqual(['[-5000, 1) A #0', '[-2000, 3001) AB #0', '[1, 5002) B #0']);
    global.merge(event(1_000, 'C'));
    expect(emitted(global)).toEqual([
      '[-4000, 1001) AC #0',
      '[-2000, 3001) ABC #1',
      '[1, 5002) BC #1',
      '[1001, 6002) B #0',
    ]);
    global.merge(event(2_000, 'D', 0));
    expect(emitted(global)).toEqual(['[1, 5002) BCD #2', '[1001, 6002) BD #1', '[2001, 7002) B #0']);
  });

  it('take a late event from the first that is not final on', () => {
    const limits = { watermarkMs: 130, closedUntilMs: undefined, allowedLatenessMs: 20 };
    expect(classifySliding(110, 10, limits)).toEqual({ kind: 'taken' });
    expect(classifySliding(109, 10, limits)).toEqual({ kind: 'taken', fromMs: 100 });
    expect(classifySliding(100, 10, limits)).toEqual({ kind: 'taken', fromMs: 100 });
    expect(classifySliding(99, 10, limits)).toEqual({
      kind: 'refused',
      window: { startMs: 99, endMs: 110 },
      lateByMs: 20,
    });
    const closed = { watermarkMs: -Infinity, closedUntilMs: 95, allowedLatenessMs: 20 };
    expect(classifySliding(100, 10, closed)).toEqual({ kind: 'taken', fromMs: 96 });
    expect(classifySliding(95, 10, closed)).toMatchObject({ kind: 'refused' });
  });
});

/** By the definition: which windows take an event, asked one by one. */
function fromOf({ series, event: { timeMs }, watermarkMs, closedUntilMs }: Accepted): number {
  const { allowedLatenessMs } = SERIES.find(({ name }) => name === series)!;
  for (let startMs = timeMs - SIZE[series]!; startMs <= timeMs; startMs++) {
    const window = slidingFrom(startMs, SIZE[series]!);
    const { kind } = classifyArrival(window, watermarkMs, closedUntilMs, allowedLatenessMs);
    if (kind !== 'late-rejected') return startMs;
  }
  throw new Error('accepted by none');
}

interface Counted {
  readonly timeMs: number;
  readonly fromMs: number;
  readonly id: string;
}

/** The windows of one key by the definition, as the text of their rows. */
function windowsOf(events: readonly Counted[], sizeMs: number): Map<number, string[]> {
  const held = (startMs: number): string[] =>
    events
      .filter(({ timeMs, fromMs }) => timeMs >= startMs && timeMs <= startMs + sizeMs && fromMs <= startMs)
      .map(({ id }) => id)
      .toSorted();
  const windows = new Map<number, string[]>();
  for (const { timeMs, fromMs } of events) {
    if (fromMs <= timeMs - sizeMs) windows.set(timeMs - sizeMs, held(timeMs - sizeMs));
    if (held(timeMs + 1).length > 0) windows.set(timeMs + 1, held(timeMs + 1));
  }
  return windows;
}

const told = (simulation: Simulation, stream: string): { watermarkMs?: number; closedUntilMs?: number } => {
  const { watermarkMs, closed } = simulation.global.progress[stream] ?? {};
  return {
    ...(watermarkMs === undefined ? {} : { watermarkMs }),
    ...(closed === undefined ? {} : { closedUntilMs: closed.untilMs }),
  };
};

function checkRow(row: WindowResult, _: WindowResult | undefined, simulation: Simulation): void {
  const { allowedLatenessMs } = SERIES.find(({ name }) => name === row.series)!;
  const plain = { windowStartMs: row.windowStartMs, windowEndMs: row.windowEndMs, provisional: false };
  expect(phaseOf(plain, told(simulation, row.stream), allowedLatenessMs)).toBe('complete');
}

function check(simulation: Simulation): void {
  const groups = new Map<string, Counted[]>();
  for (const each of simulation.accepted) {
    const { id, timeMs, stream, data } = each.event;
    const key = each.series === 'strict' ? {} : { visitor: data['visitor'] };
    const group = JSON.stringify([each.series, stream, key]);
    groups.set(group, [...(groups.get(group) ?? []), { id, timeMs, fromMs: fromOf(each) }]);
  }
  const expected: string[] = [];
  for (const [group, events] of groups) {
    const [series, stream] = JSON.parse(group) as [string, string];
    const { watermarkMs = -Infinity, closedUntilMs = -Infinity } = told(simulation, stream);
    for (const [startMs, held] of windowsOf(events, SIZE[series]!)) {
      const isComplete = watermarkMs >= startMs + SIZE[series]! + 1 || closedUntilMs >= startMs;
      if (isComplete) expected.push(JSON.stringify([group, startMs, held]));
    }
  }
  const rows = [...simulation.global.rows.values()].map(({ series, stream, key, windowStartMs, measures }) =>
    JSON.stringify([JSON.stringify([series, stream, key]), windowStartMs, measures['ids']]),
  );
  expect(rows.toSorted()).toEqual(expected.toSorted());
}

describe('sliding windows in two stages', () => {
  it.each([
    ['for any order, interleaving, commits and crashes', 'order'],
    ['with idleness and closes at any step', 'any'],
  ] as const)('are those of the definition, %s', (_, which) => {
    fc.assert(
      fc.property(codes, (each) => {
        const simulation = new Simulation(SERIES, checkRow);
        runSteps(simulation, each, which);
        check(simulation);
      }),
    );
  });

  it('leave nothing behind when they are final', () => {
    const simulation = new Simulation(SERIES, checkRow);
    for (let i = 0; i < 400; i++) simulation.event(i % 2, (i * 7) % 30, { visitor: String(i % 3) });
    for (const task of [0, 1]) simulation.event(task, 0, { visitor: 'a' });
    simulation.close();
    simulation.settle();
    check(simulation);
    simulation.eventMs += 200;
    for (const task of [0, 1]) simulation.event(task, 0, { visitor: 'z' });
    simulation.settle();
    expect(
      [...simulation.global.cells.keys()].filter((name) => /\["(late|strict)".*"[012]"\]/.test(name)),
    ).toEqual([]);
    expect([...simulation.global.cells.keys()].length).toBeLessThan(10);
  });
});
