import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { WindowResult } from '../global/window-result.js';
import type { SeriesDefinition } from '../series.js';
import { phaseOf } from '../time/phase.js';
import { session, type SessionWindow } from '../time/window.js';
import { type Accepted, eventIds, identityText, Simulation } from '../two-stages-fixture.js';
import { runSteps } from '../two-stages-steps-fixture.js';
import { isOneSession, joinSpans, type SessionSpan, windowOfSpan } from './session-span.js';
import { settlingMs } from './settling.js';

const ids = [{ name: 'ids', aggregator: eventIds }];
const SERIES: readonly SeriesDefinition[] = [
  { name: 'visits', window: session(12), allowedLatenessMs: 25, by: ['visitor'], measures: ids },
  { name: 'cut', window: session(25, { maxLength: 60 }), allowedLatenessMs: 0, by: [], measures: ids },
];
const definitionOf = (name: string): SessionWindow =>
  SERIES.find((each) => each.name === name)!.window as SessionWindow;

interface OracleSession {
  span: SessionSpan;
  readonly events: Accepted[];
}

const spanOf = ({ event, closedUntilMs }: Accepted): SessionSpan => ({
  firstMs: event.timeMs,
  lastMs: event.timeMs,
  ...(closedUntilMs === undefined ? {} : { fromMs: closedUntilMs + 1 }),
});

/** The slow, obvious answer: the accepted events of each key, sorted, and cut where the next one is too far. */
function sessionsOf(accepted: readonly Accepted[]): Map<string, OracleSession[]> {
  const keys = new Map<string, OracleSession[]>();
  for (const each of accepted.toSorted((a, b) => a.event.timeMs - b.event.timeMs)) {
    const { gapMs, maxLengthMs = Infinity } = definitionOf(each.series);
    const { timeMs, stream, data: fields } = each.event;
    const key = JSON.stringify([each.series, stream, each.series === 'cut' ? '' : fields['visitor']]);
    const sessions = keys.get(key) ?? [];
    keys.set(key, sessions);
    const last = sessions.at(-1);
    const isNear = last !== undefined && timeMs - last.span.lastMs < gapMs;
    const stretch = (ms: number): number => Math.floor(ms / maxLengthMs);
    if (isNear && stretch(last.span.firstMs) === stretch(timeMs)) {
      last.events.push(each);
      last.span = joinSpans(last.span, spanOf(each));
    } else sessions.push({ span: spanOf(each), events: [each] });
  }
  return keys;
}

const idsOf = (row: WindowResult): string[] => row.measures['ids'] as string[];

function told(simulation: Simulation, stream: string): { watermarkMs?: number; closedUntilMs?: number } {
  const { watermarkMs, closed } = simulation.global.progress[stream] ?? {};
  return {
    ...(watermarkMs === undefined ? {} : { watermarkMs }),
    ...(closed === undefined ? {} : { closedUntilMs: closed.untilMs }),
  };
}

/** Nobody who saw a row as final sees another for it, and what is taken back was there. */
function checkRow(row: WindowResult, before: WindowResult | undefined, simulation: Simulation): void {
  const series = SERIES.find(({ name }) => name === row.series)!;
  const plain = { windowStartMs: row.windowStartMs, windowEndMs: row.windowEndMs, provisional: false };
  expect(phaseOf(plain, told(simulation, row.stream), settlingMs(series))).toBe('complete');
  expect(before?.retracted).toBeUndefined();
  if (row.retracted) expect(before).toBeDefined();
}

function standing(simulation: Simulation): WindowResult[] {
  return [...simulation.global.rows.values()].filter(({ retracted }) => !retracted);
}

function isComplete(
  simulation: Simulation,
  stream: string,
  window: { startMs: number; endMs: number },
): boolean {
  const { watermarkMs = -Infinity, closedUntilMs = -Infinity } = told(simulation, stream);
  return watermarkMs >= window.endMs || closedUntilMs >= window.startMs;
}

/** The rows that stand, and the open sessions that are shown, are the sessions of the accepted events. */
function checkExactly(simulation: Simulation): void {
  const expected: string[] = [];
  const open: string[] = [];
  for (const [key, sessions] of sessionsOf(simulation.accepted)) {
    const [series, stream] = JSON.parse(key) as [string, string];
    for (const { span, events } of sessions) {
      const window = windowOfSpan(definitionOf(series), span);
      const of = events.map(({ event }) => event.id).toSorted();
      const text = JSON.stringify([series, stream, window.startMs, window.endMs, of]);
      (isComplete(simulation, stream, window) ? expected : open).push(text);
    }
  }
  const textOf = (row: WindowResult): string =>
    JSON.stringify([row.series, row.stream, row.windowStartMs, row.windowEndMs, idsOf(row)]);
  expect(standing(simulation).map(textOf).toSorted()).toEqual(expected.toSorted());
  for (const row of simulation.global.shown.values()) expect(open).toContain(textOf(row));
}

/**
 * With closes the order may decide where an event goes while one is under way. What holds all the same: every event is
 * in one session; a session is an unbroken run; no two are left that could be one; the window is that of the events.
 */
function checkValid(simulation: Simulation): void {
  const accepted = new Map(simulation.accepted.map((each) => [`${each.series} ${each.event.id}`, each]));
  const rows = standing(simulation);
  const sessions = rows.map((row) => ({
    row,
    events: idsOf(row).map((id) => accepted.get(`${row.series} ${id}`)!),
  }));
  const inRows = sessions.flatMap(({ events }) => events);
  expect(new Set(inRows).size).toBe(inRows.length);
  const spans = sessions.map(({ row, events }) => {
    const rule = definitionOf(row.series);
    const [first, ...rest] = events.map(spanOf).toSorted((a, b) => a.firstMs - b.firstMs);
    const span = rest.reduce((so, next) => {
      expect(next.firstMs - so.lastMs).toBeLessThan(rule.gapMs);
      return joinSpans(so, next);
    }, first!);
    expect(windowOfSpan(rule, span)).toEqual({ startMs: row.windowStartMs, endMs: row.windowEndMs });
    return { row, rule, span };
  });
  const groupOf = ({ series, stream, key }: WindowResult): string => JSON.stringify([series, stream, key]);
  const unjoined = spans.filter((a) =>
    spans.some((b) => a !== b && groupOf(a.row) === groupOf(b.row) && isOneSession(a.rule, a.span, b.span)),
  );
  expect(unjoined).toEqual([]);
  for (const [key, open] of sessionsOf([...accepted.values()].filter((each) => !inRows.includes(each)))) {
    const [series, stream] = JSON.parse(key) as [string, string];
    for (const { span } of open)
      expect(isComplete(simulation, stream, windowOfSpan(definitionOf(series), span))).toBe(false);
  }
}

const number = fc.nat({ max: 999 });
const codes = fc.array(
  fc.record({ kind: number, task: number, size: number, stream: number, visitor: number }),
  { maxLength: 120, size: 'max' },
);

describe('sessions in two stages', () => {
  it('are those of all accepted events, for any order, interleaving, commits and crashes', () => {
    let retractions = 0;
    fc.assert(
      fc.property(codes, (steps) => {
        const simulation = new Simulation(SERIES, checkRow);
        runSteps(simulation, steps, 'order');
        checkExactly(simulation);
        retractions += simulation.retractions;
      }),
    );
    expect(retractions).toBeGreaterThan(10);
  });

  it('hold every event once, and change no final row, with idleness and closes at any step', () => {
    fc.assert(
      fc.property(codes, (steps) => {
        const simulation = new Simulation(SERIES, checkRow);
        runSteps(simulation, steps, 'any');
        checkValid(simulation);
        for (const { accepted } of simulation.locals)
          if (accepted.some(({ closedUntilMs }) => closedUntilMs !== undefined)) return;
        checkExactly(simulation);
      }),
    );
  });

  it('leave nothing behind when they are final', () => {
    const simulation = new Simulation(SERIES, checkRow);
    for (let i = 0; i < 2_000; i++) simulation.event(i % 2, (i * 7) % 30, { visitor: String(i % 7) });
    simulation.close();
    simulation.settle();
    checkValid(simulation);
    expect([...simulation.global.cells.keys()].filter((name) => name.startsWith('['))).toEqual([]);
    expect(standing(simulation).map(identityText)).not.toHaveLength(0);
  });
});
