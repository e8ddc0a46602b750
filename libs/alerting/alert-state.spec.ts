import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { AlertRule } from './alert-rule.js';
import {
  type AlertObservation,
  type AlertState,
  type AlertTransition,
  decideTransitions,
} from './alert-state.js';

const MINUTE_MS = 60_000;

function rule(
  changes: Partial<Pick<AlertRule, 'forMs' | 'noDataAfterMs'>> = {},
  direction: 'above' | 'below' = 'above',
): AlertRule {
  return {
    name: 'r',
    severity: 'warning',
    summary: 's',
    series: 'x',
    condition: { kind: 'threshold', expression: 'v', value: () => 0, direction, limit: 10 },
    forMs: MINUTE_MS,
    noDataAfterMs: 5 * MINUTE_MS,
    notifyWithinMs: 60 * MINUTE_MS,
    ...changes,
  };
}

/** The row of the minute that ends at `minute`. */
function row(minute: number, value: number): AlertObservation {
  const windowEndMs = minute * MINUTE_MS;
  return { kind: 'sample', windowStartMs: windowEndMs - MINUTE_MS, windowEndMs, value };
}

function watermark(minute: number): AlertObservation {
  return { kind: 'watermark', watermarkMs: minute * MINUTE_MS };
}

function replay(judged: AlertRule, observations: readonly AlertObservation[]): readonly AlertTransition[] {
  let state: AlertState | undefined;
  return observations.flatMap((observation) => {
    const decision = decideTransitions(judged, state, observation);
    state = decision.state;
    return decision.transitions;
  });
}

/** `2m pending (breach)` */
function inWords({ to, reason, atMs }: AlertTransition): string {
  return `${atMs / MINUTE_MS}m ${to} (${reason})`;
}

/** One character a minute from 1m on: `x` breaches, `.` does not, space: no row. Ends with the watermark at `untilMinute`. */
function timeline(rows: string, judged = rule(), untilMinute = rows.length): readonly string[] {
  const observations = [...rows].flatMap((mark, i) => {
    const passed = watermark(i + 1);
    return mark === ' ' ? [passed] : [row(i + 1, mark === 'x' ? 11 : 10), passed];
  });
  return replay(judged, [...observations, watermark(untilMinute)]).map(inWords);
}

describe('an alert', () => {
  //  for: 1m
  it.each<[string, string, readonly string[]]>([
    ['stays inactive', '......', []],
    ['goes back when it recovers in time', '.x....', ['2m pending (breach)', '3m inactive (recovered)']],
    [
      'fires when it has held',
      '.xx...',
      ['2m pending (breach)', '3m firing (held)', '4m resolved (recovered)'],
    ],
    ['fires once', '.xxxx.', ['2m pending (breach)', '3m firing (held)', '6m resolved (recovered)']],
    ['bridges a gap', '.x  x.', ['2m pending (breach)', '5m firing (held)', '6m resolved (recovered)']],
    [
      'begins anew',
      '.x.xx.',
      [
        '2m pending (breach)',
        '3m inactive (recovered)',
        '4m pending (breach)',
        '5m firing (held)',
        '6m resolved (recovered)',
      ],
    ],
  ])('%s: %s', (_, rows, transitions) => {
    expect(timeline(rows)).toEqual(transitions);
  });

  //  for: 0s
  it('fires at the first row where nothing has to hold', () => {
    expect(timeline('.x.x', rule({ forMs: 0 }))).toEqual([
      '2m firing (breach)',
      '3m resolved (recovered)',
      '4m firing (breach)',
    ]);
  });

  it('has to hold for all of the time', () => {
    const slow = rule({ forMs: 90_000 });
    expect(timeline('.xx.', slow)).toEqual(['2m pending (breach)', '4m inactive (recovered)']);
    expect(timeline('.xxx', slow)).toEqual(['2m pending (breach)', '4m firing (held)']);
  });

  it('does not breach at the limit itself', () => {
    const at = (value: number, direction: 'above' | 'below'): number =>
      replay(rule({}, direction), [row(1, value)]).length;
    expect([at(10, 'above'), at(10.1, 'above'), at(10, 'below'), at(9.9, 'below')]).toEqual([0, 1, 0, 1]);
  });

  //  noDataAfter: 5m
  it.each<[string, string, number, readonly string[]]>([
    ['goes on below it', '.xx', 7, ['2m pending (breach)', '3m firing (held)']],
    ['ends at it', '.xx', 8, ['2m pending (breach)', '3m firing (held)', '8m resolved (no-data)']],
    ['ends once', '.xx', 20, ['2m pending (breach)', '3m firing (held)', '8m resolved (no-data)']],
    ['goes back if it never fired', '.x', 20, ['2m pending (breach)', '7m inactive (no-data)']],
    ['goes on with a row at it', '.xx    x', 8, ['2m pending (breach)', '3m firing (held)']],
    [
      'ends before a row behind it',
      '.xx     x',
      9,
      ['2m pending (breach)', '3m firing (held)', '8m resolved (no-data)', '9m pending (breach)'],
    ],
  ])('in silence %s: %s until %im', (_, rows, until, transitions) => {
    expect(timeline(rows, rule(), until)).toEqual(transitions);
  });

  // A1
  it('judges no window twice, and none before one that is judged', () => {
    expect(replay(rule(), [row(3, 10), row(2, 11), row(3, 11)])).toEqual([]);
    expect(replay(rule(), [row(2, 11), watermark(7), row(6, 11)]).map(inWords)).toEqual([
      '2m pending (breach)',
      '7m inactive (no-data)',
    ]);
  });

  // A3
  it('numbers what happens within an episode, which has its own start', () => {
    const numbered = replay(rule(), [row(2, 11), row(3, 11), row(4, 1), row(6, 11)]);
    expect(numbered.map(({ episode, sequence }) => [episode.startMs / MINUTE_MS, sequence])).toEqual([
      [1, 0],
      [1, 1],
      [1, 2],
      [5, 0],
    ]);
    expect(numbered.map(({ from }) => from)).toEqual(['inactive', 'pending', 'firing', 'inactive']);
    expect(numbered[2]?.episode.firedMs).toBe(3 * MINUTE_MS);
  });
});

interface Row {
  readonly minute: number;
  readonly value: number;
}

/**
 * The transitions by the words of the documentation, from the whole series at once: cut it where it does not breach
 * and where it is silent; each stretch of breaching rows is an episode.
 */
function oracle(rows: readonly Row[], judged: AlertRule, untilMinute: number): readonly string[] {
  const silenceMinutes = judged.noDataAfterMs / MINUTE_MS;
  return rows.flatMap((_, first) => {
    if (rows[first]!.value <= 10 || isContinued(rows, first, silenceMinutes)) return [];
    const after = rows.findIndex((_row, i) => i > first && !isContinued(rows, i, silenceMinutes));
    const episode = rows.slice(first, after < 0 ? undefined : after);
    const begun = beginning(episode, judged.forMs / MINUTE_MS);
    const ended = begun.some((words) => words.includes('firing')) ? 'resolved' : 'inactive';
    const silentAt = episode.at(-1)!.minute + silenceMinutes;
    const next = rows[first + episode.length]?.minute ?? Infinity;
    if (next <= silentAt) return [...begun, `${next}m ${ended} (recovered)`];
    return silentAt <= untilMinute ? [...begun, `${silentAt}m ${ended} (no-data)`] : begun;
  });
}

function beginning(episode: readonly Row[], forMinutes: number): readonly string[] {
  const start = episode[0]!.minute;
  if (forMinutes === 0) return [`${start}m firing (breach)`];
  const held = episode.find(({ minute }) => minute - start >= forMinutes);
  return [`${start}m pending (breach)`, ...(held === undefined ? [] : [`${held.minute}m firing (held)`])];
}

/** Does the row go on with the breach of the row before it. */
function isContinued(rows: readonly Row[], index: number, silenceMinutes: number): boolean {
  const [before, here] = [rows[index - 1], rows[index]!];
  if (before === undefined || before.value <= 10 || here.value <= 10) return false;
  return here.minute <= before.minute + silenceMinutes;
}

const series = fc
  .array(fc.record({ step: fc.integer({ min: 1, max: 7 }), value: fc.constantFrom(1, 10, 11, 99) }), {
    maxLength: 30,
  })
  .map((steps) => {
    let minute = 0;
    return steps.map(({ step, value }): Row => ({ minute: (minute += step), value }));
  });
const settings = fc.record({
  forMs: fc.integer({ min: 0, max: 6 }).map((minutes) => minutes * MINUTE_MS),
  noDataAfterMs: fc.integer({ min: 1, max: 6 }).map((minutes) => minutes * MINUTE_MS),
});

describe('the transitions of an alert', () => {
  // A2: `told` says after which rows the watermark was told; it makes no difference.
  it('are what the whole series says, however often the watermark is told', () => {
    fc.assert(
      fc.property(
        series,
        settings,
        fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }),
        fc.nat(9),
        (rows, changes, told, rest) => {
          const judged = rule(changes);
          const untilMinute = (rows.at(-1)?.minute ?? 0) + rest;
          const observations = rows.flatMap(({ minute, value }, i) => [
            row(minute, value),
            ...(told[i] ? [watermark(minute)] : []),
          ]);
          const found = replay(judged, [...observations, watermark(untilMinute)]);
          expect(found.map(inWords)).toEqual(oracle(rows, judged, untilMinute));
          const ids = found.map(({ episode, sequence }) => `${episode.startMs}/${sequence}`);
          expect(new Set(ids).size).toBe(ids.length);
        },
      ),
    );
  });
});
