import { describe, expect, it } from '@jest/globals';
import type { AlertRule } from './alert-rule.js';
import { minuteRule, MINUTE_MS, START_MS } from './engine/engine-fixture.js';
import type { JudgedRow } from './engine/judged-row.js';
import { explainAlert } from './explain-alert.js';

function rows(...values: readonly number[]): readonly JudgedRow[] {
  return values.map((n, i) => {
    const windowEndMs = START_MS + (i + 1) * MINUTE_MS;
    const window = { windowStartMs: windowEndMs - MINUTE_MS, windowEndMs };
    return { series: 'x', stream: 'a', key: {}, ...window, measures: { n }, revision: 0, task: 0 };
  });
}

function reason(rule: AlertRule, ...values: readonly number[]): string {
  const { status, reason: why } = explainAlert({ rule, rows: rows(...values) });
  return `${status}: ${why}`.replaceAll(/2026-01-01T00:|:00.000Z/g, '');
}

describe('an explanation', () => {
  it.each<[Partial<AlertRule>, readonly number[], string]>([
    [{}, [1, 5], 'inactive: n was 5 in the row until 02, which is not above 10'],
    [{}, [1, 12], 'firing: n was 12 in the row until 02, which is above 10'],
    [
      { forMs: 2 * MINUTE_MS },
      [1, 12],
      'pending: n was 12 in the row until 02, which is above 10; it fires when that has held for 2m, at the earliest at 04',
    ],
    [
      { keepFiringForMs: 5 * MINUTE_MS },
      [12, 1],
      'recovering: n was 1 in the row until 02, which is not above 10; it is resolved when that has held for 5m, at 07',
    ],
    [
      { minSamples: { measure: 'n', atLeast: 20 } },
      [12],
      'inactive: the row until 01 says nothing: n is 12, and at least 20 are needed',
    ],
    [
      { windows: { breaching: 2, of: 3 } },
      [12],
      'inactive: n was 12 in the row until 01, which is above 10; it needs 2 of 3 rows to be so',
    ],
    [{}, [], 'inactive: no complete row of x with these labels is stored'],
  ])('of %j with %j', (changes, values, words) => {
    expect(reason(minuteRule({}, changes), ...values)).toBe(words);
  });

  it('names both values of a change, and what a spike is measured by', () => {
    const change = minuteRule({ kind: 'change', againstMs: 2 * MINUTE_MS, unit: 'percent', limit: 50 });
    expect(reason(change, 10, 10, 20)).toBe(
      'firing: the change of n was 100% (now 20, earlier 10) in the row until 03, which is above 50%',
    );
    expect(reason(change, 10)).toContain('there are not enough earlier windows to compare with');
    const spike = minuteRule({ kind: 'spike', overWindows: 2, leastWindows: 2, towards: 'up', limit: 3 });
    expect(reason(spike, 10, 10, 20)).toContain('(now 20, mean 10, deviation 0.1, windows 2)');
  });

  it('shows the newest rows first', () => {
    const { rows: shown } = explainAlert({ rule: minuteRule({}), rows: rows(1, 12) });
    expect(shown.map(({ value, verdict }) => [value, verdict])).toEqual([
      [12, 'breach'],
      [1, 'clear'],
    ]);
  });
});
