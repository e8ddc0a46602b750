import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { WindowResult } from '../global/window-result.js';
import type { SeriesDefinition } from '../series.js';
import { classifyArrival } from '../time/arrival.js';
import { type AlignedWindow, hopping, type TimeWindow, tumbling } from '../time/window.js';
import { gridOf, windowsAt } from '../time/window-grid.js';
import { phaseOf } from '../time/phase.js';
import { type Accepted, eventIds, identityText, Simulation } from '../two-stages-fixture.js';
import { runSteps, type StepCode } from '../two-stages-steps-fixture.js';

// Windows whose places are known, through local tasks and one global task, against an oracle that keeps every event
// with the time at which the local task took it, and recomputes.

const measures = [{ name: 'ids', aggregator: eventIds }];
const code = fc.integer({ min: 0, max: 999 });
const steps = fc.array(fc.record({ kind: code, task: code, size: code, stream: code, visitor: code }), {
  maxLength: 120,
  size: 'max',
});

function series(
  name: string,
  window: AlignedWindow,
  allowedLatenessMs: number,
  by: string[],
): SeriesDefinition {
  return { name, window, allowedLatenessMs, by, measures };
}

const HOPPING = [
  series('divides', hopping(40, 10), 0, []),
  series('does_not_divide', hopping(50, 15, { offset: 7 }), 30, ['visitor']),
  series('hardly_overlaps', hopping(25, 24, { offset: 1 }), 5, ['visitor']),
  series('side_by_side', hopping(30, 30), 30, []),
];

// Sizes that divide a day, but not the hour and the half hour by which the clock is changed.
const zoned = (timeZone: string): SeriesDefinition[] => [
  series('zoned', tumbling(27, { timeZone, offset: 3 }), 0, ['visitor']),
  series('zoned_hopping', hopping(512, 128, { timeZone }), 40, []),
  series('zoned_pairs', hopping(54, 27, { timeZone }), 30, ['visitor']),
];

/** Every window of the accepted events that still took them then. */
function recompute(
  all: readonly SeriesDefinition[],
  accepted: readonly Accepted[],
): Map<string, { window: TimeWindow; stream: string; ids: string[] }> {
  const rows = new Map<string, { window: TimeWindow; stream: string; ids: string[] }>();
  for (const { series: name, event, watermarkMs, closedUntilMs } of accepted) {
    const { window: definition, allowedLatenessMs, by } = all.find((each) => each.name === name)!;
    for (const window of windowsAt(gridOf(definition as AlignedWindow), event.timeMs)) {
      const { kind } = classifyArrival(window, watermarkMs, closedUntilMs, allowedLatenessMs);
      if (kind === 'late-rejected') continue;
      const key = Object.fromEntries(by.map((field) => [field, String(event.data[field])]));
      const place = { windowStartMs: window.startMs, windowEndMs: window.endMs, key };
      const id = identityText({ series: name, stream: event.stream, ...place });
      const row = rows.get(id) ?? { window, stream: event.stream, ids: [] };
      rows.set(id, row);
      row.ids.push(event.id);
    }
  }
  return rows;
}

function told(simulation: Simulation, stream: string): { watermarkMs?: number; closedUntilMs?: number } {
  const { watermarkMs, closed } = simulation.global.progress[stream] ?? {};
  return {
    ...(watermarkMs === undefined ? {} : { watermarkMs }),
    ...(closed === undefined ? {} : { closedUntilMs: closed.untilMs }),
  };
}

function check(all: readonly SeriesDefinition[], simulation: Simulation): void {
  const expected = recompute(all, simulation.accepted);
  const { rows, shown } = simulation.global;
  for (const [id, { window, stream, ids }] of expected) {
    const { watermarkMs = -Infinity, closedUntilMs } = told(simulation, stream);
    const isComplete = classifyArrival(window, watermarkMs, closedUntilMs, 0).kind !== 'on-time';
    expect(rows.get(id)?.measures['ids']).toEqual(isComplete ? ids.toSorted() : undefined);
    // Where more changed than was looked at, an older value stays.
    for (const seen of (shown.get(id)?.measures['ids'] ?? []) as string[]) expect(ids).toContain(seen);
  }
  for (const id of [...rows.keys(), ...shown.keys()]) expect(expected.has(id)).toBe(true);
}

/** No row is emitted for a window that somebody may have seen as final. */
const checkRow =
  (all: readonly SeriesDefinition[]) =>
  (row: WindowResult, _: unknown, simulation: Simulation): void => {
    const { allowedLatenessMs } = all.find(({ name }) => name === row.series)!;
    const phase = phaseOf({ ...row, provisional: false }, told(simulation, row.stream), allowedLatenessMs);
    expect(phase).toBe('complete');
  };

function run(all: readonly SeriesDefinition[], codes: readonly StepCode[], eventMs = -100): void {
  const simulation = new Simulation(all, checkRow(all));
  simulation.eventMs = eventMs;
  runSteps(simulation, codes, 'any');
  check(all, simulation);
}

describe('hopping windows in two stages', () => {
  it('hold exactly the events that the local tasks took for each of them', () => {
    fc.assert(fc.property(steps, (codes) => run(HOPPING, codes)));
  });

  it('leave nothing behind when they are final', () => {
    const simulation = new Simulation(HOPPING, checkRow(HOPPING));
    for (let i = 0; i < 2_000; i++) {
      simulation.event(i % 2, (i * 7) % 30, { visitor: 'ab'[(i >> 1) % 2] });
      if (i % 100 === 0) simulation.flush(i % 2);
    }
    simulation.close();
    simulation.settle();
    check(HOPPING, simulation);
    expect([...simulation.global.cells.keys()].filter((name) => name.startsWith('['))).toEqual([]);
  });
});

describe('windows in a time zone', () => {
  const change = fc.constantFrom(
    ['Europe/Prague', '2026-03-29T01:00Z'],
    ['Europe/Prague', '2026-10-25T01:00Z'],
    ['Australia/Lord_Howe', '2026-10-03T15:30Z'],
    ['Australia/Lord_Howe', '2026-04-04T15:00Z'],
  );

  it('hold exactly the events that were taken for them while the clock is changed', () => {
    fc.assert(
      fc.property(change, steps, ([timeZone, at], codes) =>
        run(zoned(timeZone!), codes, Date.parse(at!) - 60),
      ),
    );
  });
});
