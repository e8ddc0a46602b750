import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { WindowResult } from '../global/window-result.js';
import { GlobalAggregation } from '../global/global-aggregation.js';
import type { Partial } from '../partial.js';
import type { SeriesDefinition } from '../series.js';
import { globalCount } from '../time/window.js';
import { eventIds, Simulation } from '../two-stages-fixture.js';
import { runSteps } from '../two-stages-steps-fixture.js';

const SERIES: readonly SeriesDefinition[] = [
  {
    name: 'threes',
    window: globalCount(3),
    allowedLatenessMs: 0,
    by: ['visitor'],
    measures: [{ name: 'ids', aggregator: eventIds }],
  },
];

const event = (timeMs: number): Partial => ({
  series: 'threes',
  stream: 'web',
  key: { visitor: 'v' },
  startMs: timeMs,
  endMs: timeMs + 1,
  measures: {},
  oldestReceivedMs: 0,
  events: 1,
  part: { kind: 'events', events: [{ timeMs, receivedMs: 0, measures: { ids: [`@${timeMs}`] } }] },
});

const textOf = ({ windowStartMs, windowEndMs, key, measures }: WindowResult): string =>
  `${String(key['ordinal'])}: [${windowStartMs}, ${windowEndMs}) ${(measures['ids'] as string[]).join(' ')}`;

const number = fc.nat({ max: 999 });
const codes = fc.array(
  fc.record({ kind: number, task: number, size: number, stream: number, visitor: number }),
  { maxLength: 120, size: 'max' },
);

describe('a global window with a count', () => {
  //  merged   5  1  9 │ 2  2  7 │ 3
  //  rows        0    │    1    │ open
  it('gives a row every so many events, in the order in which they are merged', () => {
    const global = new GlobalAggregation(SERIES, 1);
    for (const timeMs of [5, 1, 9, 2, 2, 7, 3]) global.merge(event(timeMs));
    expect(global.emit(9).rows.map(textOf)).toEqual(['1: [2, 8) @2 @2 @7', '0: [1, 10) @1 @5 @9']);
    expect(global.changedOpen().rows.map(textOf)).toEqual(['2: [3, 4) @3']);
  });

  it('takes an event however late, and closed', () => {
    const global = new GlobalAggregation(SERIES, 1);
    global.advance(0, 'web', { watermarkMs: 1_000, closed: { closeId: 'c', untilMs: 1_000 } });
    for (const timeMs of [5, 1, 9]) expect(global.merge(event(timeMs))).toEqual({ kind: 'merged' });
    expect(global.emit(9).rows.map(textOf)).toEqual(['0: [1, 10) @1 @5 @9']);
  });

  it('shows an open row in one place only', () => {
    const global = new GlobalAggregation(SERIES, 1);
    global.merge(event(5));
    expect(global.changedOpen()).toMatchObject({ gone: [] });
    global.merge(event(7));
    expect(global.changedOpen().gone).toMatchObject([{ windowStartMs: 5, windowEndMs: 6 }]);
    global.merge(event(9));
    expect(global.changedOpen().gone).toMatchObject([{ windowStartMs: 5, windowEndMs: 8 }]);
  });

  it('begins anew with another count', () => {
    const before = new GlobalAggregation(SERIES, 1);
    before.merge(event(5));
    const after = new GlobalAggregation([{ ...SERIES[0]!, window: globalCount(4) }], 1);
    after.restore(new Map(before.cells()));
    expect([...after.changes()]).toContainEqual(['["threes","web",3,0,"v"]', undefined]);
  });

  it('holds every event once, numbered without a gap, with commits, crashes and closes at any step', () => {
    fc.assert(
      fc.property(codes, (steps) => {
        const simulation = new Simulation(SERIES);
        runSteps(simulation, steps, 'any');
        check(simulation);
      }),
    );
  });
});

const groupOf = (stream: string, visitor: unknown): string => JSON.stringify([stream, visitor]);

function rowsByKey(rows: Iterable<WindowResult>): Map<string, WindowResult[]> {
  const groups = new Map<string, WindowResult[]>();
  for (const row of rows) {
    const group = groupOf(row.stream, row.key['visitor']);
    groups.set(group, [...(groups.get(group) ?? []), row]);
  }
  for (const rowsOf of groups.values())
    rowsOf.sort((a, b) => Number(a.key['ordinal']) - Number(b.key['ordinal']));
  return groups;
}

function check({ accepted, global }: Simulation): void {
  const events = new Map(accepted.map(({ event: of }) => [of.id, of]));
  const groups = rowsByKey(global.rows.values());
  const seen: string[] = [];
  for (const rows of groups.values()) {
    expect(rows.map(({ key }) => key['ordinal'])).toEqual(rows.map((_, i) => i));
    for (const { measures, windowStartMs, windowEndMs } of rows) {
      const ids = measures['ids'] as string[];
      const times = ids.map((id) => events.get(id)!.timeMs);
      expect(ids).toHaveLength(3);
      expect([windowStartMs, windowEndMs]).toEqual([Math.min(...times), Math.max(...times) + 1]);
      seen.push(...ids);
    }
  }
  expect(new Set(seen).size).toBe(seen.length);
  const counts = Map.groupBy(events.values(), (of) => groupOf(of.stream, of.data['visitor']));
  for (const [group, of] of counts) expect(groups.get(group)?.length ?? 0).toBe(Math.floor(of.length / 3));
}
