import { describe, expect, it } from '@jest/globals';
import type { AlertRule } from '../alert-rule.js';
import {
  type AlertObservation,
  type AlertState,
  type AlertTransition,
  decideTransitions,
} from '../alert-state.js';

// One character a minute from 1m on: `x` breaches (above 10), `-` is neither a breach nor clear (6 to 10), `.` is clear,
// space: no row. The watermark follows each minute, and at the end goes on to `until`.

const MINUTE_MS = 60_000;
const VALUES: Readonly<Record<string, number>> = { x: 11, '-': 8, '.': 5 };

function rule(changes: Partial<AlertRule> = {}, clearLimit?: number): AlertRule {
  const limits = {
    direction: 'above',
    limit: 10,
    ...(clearLimit === undefined ? {} : { clearLimit }),
  } as const;
  return {
    ...{ name: 'r', severity: 'warning', summary: 's', series: 'x' },
    condition: { kind: 'threshold', expression: 'v', value: () => 0, ...limits },
    ...{ forMs: 0, noDataAfterMs: 5 * MINUTE_MS, notifyWithinMs: 60 * MINUTE_MS },
    ...changes,
  };
}

function row(minute: number, value: number): AlertObservation {
  const windowEndMs = minute * MINUTE_MS;
  return { kind: 'sample', windowStartMs: windowEndMs - MINUTE_MS, windowEndMs, value };
}

function correction(minute: number, value?: number): AlertObservation {
  const windowEndMs = minute * MINUTE_MS;
  const window = { windowStartMs: windowEndMs - MINUTE_MS, windowEndMs };
  return { kind: 'correction', ...window, ...(value === undefined ? {} : { value }) };
}

function watermark(minute: number): AlertObservation {
  return { kind: 'watermark', watermarkMs: minute * MINUTE_MS };
}

function observations(rows: string, until = rows.length): readonly AlertObservation[] {
  const told = [...rows].flatMap((mark, i) => [
    ...(mark === ' ' ? [] : [row(i + 1, VALUES[mark]!)]),
    watermark(i + 1),
  ]);
  return [...told, watermark(until)];
}

function replay(judged: AlertRule, all: readonly AlertObservation[]): readonly AlertTransition[] {
  let state: AlertState | undefined;
  return all.flatMap((observation) => {
    const decision = decideTransitions(judged, state, observation);
    state = JSON.parse(JSON.stringify(decision.state)) as AlertState;
    return decision.transitions;
  });
}

function inWords({ to, reason, atMs }: AlertTransition): string {
  return `${atMs / MINUTE_MS}m ${to} (${reason})`;
}

function timeline(rows: string, judged: AlertRule, until?: number): readonly string[] {
  return replay(judged, observations(rows, until)).map(inWords);
}

describe('an alert that keeps firing', () => {
  const kept = rule({ keepFiringForMs: 3 * MINUTE_MS });
  it.each<[string, string, readonly string[]]>([
    [
      'recovers, and is resolved',
      '.x....',
      ['2m firing (breach)', '3m recovering (recovered)', '6m resolved (recovered)'],
    ],
    [
      'relapses',
      '.x..x.....',
      [
        '2m firing (breach)',
        '3m recovering (recovered)',
        '5m firing (relapsed)',
        '6m recovering (recovered)',
        '9m resolved (recovered)',
      ],
    ],
    [
      'relapses at the last moment',
      '.x...x',
      ['2m firing (breach)', '3m recovering (recovered)', '6m firing (relapsed)'],
    ],
    [
      'is resolved in silence, too',
      '.x.   ',
      ['2m firing (breach)', '3m recovering (recovered)', '6m resolved (recovered)'],
    ],
  ])('%s: %s', (_, rows, transitions) => {
    expect(timeline(rows, kept)).toEqual(transitions);
  });
});

describe('an alert with a clear condition of its own', () => {
  it.each<[string, string, readonly string[]]>([
    ['fires on between the two', '.x--.', ['2m firing (breach)', '5m resolved (recovered)']],
    ['does not begin between them', '.--.', []],
    ['goes on above', '.x-x-.', ['2m firing (breach)', '6m resolved (recovered)']],
  ])('%s: %s', (_, rows, transitions) => {
    expect(timeline(rows, rule({}, 5))).toEqual(transitions);
  });

  it('is not pending between them', () => {
    expect(timeline('.x-x', rule({ forMs: MINUTE_MS }, 5))).toEqual([
      '2m pending (breach)',
      '3m inactive (recovered)',
      '4m pending (breach)',
    ]);
  });
});

describe('an alert of M of N windows', () => {
  const judged = rule({ windows: { breaching: 2, of: 3 } });
  it.each<[string, string, readonly string[]]>([
    ['needs M', '.x..x..', []],
    ['need not have them side by side', '.x.x..', ['4m firing (breach)', '5m resolved (recovered)']],
    ['ends when there are fewer', '.xx...', ['3m firing (breach)', '5m resolved (recovered)']],
    ['forgets them in silence', 'x      x', []],
  ])('%s: %s', (_, rows, transitions) => {
    expect(timeline(rows, judged)).toEqual(transitions);
  });
});

//  noDataAfter: 5m
describe('silence', () => {
  const means = (noData: NonNullable<AlertRule['noData']>, changes: Partial<AlertRule> = {}): AlertRule =>
    rule({ noData, ...changes });
  it.each<[string, AlertRule, string, number, readonly string[]]>([
    ['is ok', means('ok'), '.x', 20, ['2m firing (breach)', '7m resolved (no-data)']],
    ['is ok: nothing comes of nothing', means('ok'), '..', 20, []],
    ['keeps', means('keep'), '.x', 20, ['2m firing (breach)']],
    [
      'keeps until the next row',
      means('keep'),
      '.x        .',
      11,
      ['2m firing (breach)', '11m resolved (recovered)'],
    ],
    ['is told', means('nodata'), '.x', 20, ['2m firing (breach)', '7m nodata (no-data)']],
    ['is told of what was fine, too', means('nodata'), '..', 20, ['7m nodata (no-data)']],
    [
      'is over with a row',
      means('nodata'),
      '..       .',
      20,
      ['7m nodata (no-data)', '10m resolved (recovered)', '15m nodata (no-data)'],
    ],
    [
      'goes on as a breach',
      means('nodata'),
      '..       x',
      10,
      ['7m nodata (no-data)', '10m firing (breach)'],
    ],
    ['is a breach', means('breach'), '..', 20, ['7m firing (no-data)']],
    [
      'is a breach that has to hold',
      means('breach', { forMs: 2 * MINUTE_MS }),
      '..',
      20,
      ['7m pending (no-data)', '9m firing (held)'],
    ],
    ['is a breach that goes on', means('breach'), '.x', 20, ['2m firing (breach)']],
    [
      'is a breach until a row',
      means('breach'),
      '..       .',
      10,
      ['7m firing (no-data)', '10m resolved (recovered)'],
    ],
  ])('%s', (_, judged, rows, until, transitions) => {
    expect(timeline(rows, judged, until)).toEqual(transitions);
  });
});

describe('an alert that flaps', () => {
  const judged = rule({ flapping: { changes: 4, withinMs: 10 * MINUTE_MS } });
  it('is told as such once, and resolved once when it is steady', () => {
    expect(timeline('x.x.x.x.x.x.x.', rule(judged), 30)).toEqual([
      '1m firing (breach)',
      '2m resolved (recovered)',
      '3m firing (breach)',
      '4m firing (flapping)',
      '19m resolved (no-data)',
    ]);
    expect(timeline(`x.x.x.x.x.x.x.${'.'.repeat(16)}`, judged)).toEqual([
      '1m firing (breach)',
      '2m resolved (recovered)',
      '3m firing (breach)',
      '4m firing (flapping)',
      '24m resolved (settled)',
    ]);
  });

  it('fires on if that is what it has come to', () => {
    expect(timeline(`x.x.x.${'x'.repeat(14)}`, judged).slice(3)).toEqual([
      '4m firing (flapping)',
      '17m firing (settled)',
    ]);
  });

  it('does not where the changes are far apart', () => {
    expect(
      timeline('x.........x.........x.........x', judged).some((words) => words.includes('flapping')),
    ).toBe(false);
  });

  // The task's own picture: across the threshold every second for ten minutes.
  it('every second for ten minutes is one firing, one mark and one resolved', () => {
    const seconds = Array.from({ length: 600 }, (_, i): AlertObservation => {
      const windowEndMs = (i + 1) * 1_000;
      return { kind: 'sample', windowStartMs: windowEndMs - 1_000, windowEndMs, value: i % 2 === 0 ? 11 : 5 };
    });
    const kept = rule({ keepFiringForMs: 10_000, flapping: { changes: 3, withinMs: MINUTE_MS } });
    const found = replay(kept, [...seconds, watermark(20)]);
    expect(found.map(({ to, reason }) => `${to} (${reason})`)).toEqual([
      'firing (breach)',
      'recovering (recovered)',
      'firing (flapping)',
      'resolved (settled)',
    ]);
    expect(found.at(-1)!.atMs).toBe(600_000 + MINUTE_MS);
  });
});

describe('a correction', () => {
  const judged = rule({ forMs: MINUTE_MS, correctableMs: 3 * MINUTE_MS });
  const after = (rows: string, ...more: readonly AlertObservation[]): readonly string[] =>
    replay(judged, [...observations(rows), ...more]).map(inWords);

  it('takes a firing back', () => {
    expect(after('.xx', correction(3, 5)).at(-1)).toBe('3m resolved (updated)');
    expect(after('.xx', correction(3)).at(-1)).toBe('3m pending (updated)');
    expect(after('.xx', correction(2, 5)).at(-1)).toBe('3m pending (updated)');
  });

  it('takes back what is over already', () => {
    expect(after('.xx.', correction(2, 5))).toEqual([
      '2m pending (breach)',
      '3m firing (held)',
      '4m resolved (recovered)',
      '4m resolved (updated)',
    ]);
  });

  it('takes a pending one back', () => {
    expect(after('.x', correction(2, 5)).at(-1)).toBe('2m inactive (updated)');
  });

  it('that leaves a breach a breach changes nothing', () => {
    expect(after('.xx', correction(2, 99))).toHaveLength(2);
    expect(after('.xxx', correction(4, 5), correction(2, 12))).toHaveLength(2);
  });

  it('that leaves what is pending pending is not told', () => {
    const slow = rule({ forMs: 9 * MINUTE_MS, correctableMs: 9 * MINUTE_MS });
    expect(replay(slow, [...observations('.xx'), correction(3, 99)]).map(inWords)).toEqual([
      '2m pending (breach)',
    ]);
  });

  it('makes no breach of what was none', () => {
    expect(after('...', correction(2, 99))).toEqual([]);
  });

  it('of what is settled changes nothing', () => {
    expect(after('.xxxxxx', correction(2, 5), correction(3, 5))).toHaveLength(2);
  });

  it('is told once', () => {
    expect(
      after('.xx', correction(3, 5), correction(3, 4)).filter((words) => words.includes('updated')),
    ).toHaveLength(1);
  });
});
