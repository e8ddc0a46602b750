import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type AlertEvent, alertEvent } from './alert-event.js';
import { type AlertPolicy, DEFAULT_POLICY } from './alert-policy.js';
import type { AlertRule } from './alert-rule.js';
import {
  type AlertObservation,
  type AlertState,
  type AlertTransition,
  decideTransitions,
} from './alert-state.js';
import { inhibitorsOf } from './noise/inhibition.js';
import { matchesAll, parseMatcher } from './noise/matcher.js';
import type { Silence } from './noise/silence.js';
import { NotificationGroups } from './notify/notification-groups.js';

// The table "Beside Prometheus and Alertmanager" of docs/alerts.md, row by row, by the number in its first column. What the two say
// is in their documentation of alerting rules (prometheus.io/docs/prometheus/latest/configuration/alerting_rules) and of the
// configuration (prometheus.io/docs/alerting/latest/configuration).

const MINUTE_MS = 60_000;

function rule(changes: Partial<AlertRule> = {}): AlertRule {
  return {
    ...{ name: 'r', severity: 'warning', summary: 's', series: 'x', forMs: 0 },
    condition: { kind: 'threshold', expression: 'v', value: () => 0, direction: 'above', limit: 10 },
    ...{ noDataAfterMs: 5 * MINUTE_MS, notifyWithinMs: 60 * MINUTE_MS },
    ...changes,
  };
}

/** A row a minute: `x` breaches, `.` is clear, space: there is none. The watermark follows. */
function timeline(rows: string, judged: AlertRule): readonly string[] {
  let state: AlertState | undefined;
  const all = [...rows].flatMap((mark, i): AlertObservation[] => {
    const windowEndMs = (i + 1) * MINUTE_MS;
    const window = { windowStartMs: windowEndMs - MINUTE_MS, windowEndMs, value: mark === 'x' ? 11 : 5 };
    const row: AlertObservation[] = mark === ' ' ? [] : [{ kind: 'sample', ...window }];
    return [...row, { kind: 'watermark', watermarkMs: windowEndMs }];
  });
  return all.flatMap((observation) => {
    const decision = decideTransitions(judged, state, observation);
    state = decision.state;
    return decision.transitions.map(({ to, atMs }) => `${atMs / MINUTE_MS}m ${to}`);
  });
}

function event(name: string, status: AlertEvent['status'], changes: Partial<AlertEvent> = {}): AlertEvent {
  const transition: AlertTransition = {
    ...{ from: 'inactive', to: status, reason: 'breach', atMs: 0, value: 1, sequence: 0 },
    episode: { startMs: 0, breachedSinceMs: 0, firedMs: 0, transitions: 1 },
  };
  const told = alertEvent({ pipeline: 'web', rule: rule(), labels: { stream: name } }, transition, 0);
  return { ...told, fingerprint: name, ...changes };
}

const POLICY: AlertPolicy = {
  ...DEFAULT_POLICY,
  notifications: { groupBy: ['rule'], groupWaitMs: 3_000, groupIntervalMs: 10_000, repeatIntervalMs: 25_000 },
};

/** What is told when: events by second. */
function told(
  events: Readonly<Record<number, readonly AlertEvent[]>>,
  silences: readonly Silence[] = [],
): readonly string[] {
  const groups = new NotificationGroups('web', POLICY);
  return Array.from({ length: 40 }, (_, second) => {
    for (const each of events[second] ?? []) groups.take(each, second * 1_000);
    return groups
      .flush(second * 1_000, silences)
      .map(
        ({ alerts }) =>
          `${second}s ${alerts.map(({ fingerprint, status }) => `${fingerprint} ${status}`).join(', ')}`,
      );
  }).flat();
}

const SILENCED: Silence = {
  ...{ id: 's', matchers: [{ name: 'stream', value: 'a' }], startsAtMs: 5_000, endsAtMs: 20_000 },
  ...{ createdBy: 'me', comment: 'known' },
};
const INHIBIT = {
  source: [{ name: 'severity', value: 'critical' }],
  target: [{ name: 'severity', value: 'warning|critical', isRegex: true }],
  equal: ['zone'],
};
const of = (severity: AlertEvent['severity'], labels = {}): AlertEvent =>
  event(`${severity}${JSON.stringify(labels)}`, 'firing', { severity, labels });

/** By the number of the row: what is done here, and what comes of it. */
const ROWS: Readonly<Record<string, readonly (readonly [found: () => unknown, expected: unknown])[]>> = {
  P1: [
    [() => timeline('.xxx', rule({ forMs: 2 * MINUTE_MS })), ['2m pending', '4m firing']],
    [() => timeline('.x', rule()), ['2m firing']],
  ],
  P2: [[() => timeline('.x.x', rule({ forMs: 2 * MINUTE_MS })), ['2m pending', '3m inactive', '4m pending']]],
  P3: [[() => timeline('.x x', rule({ forMs: 2 * MINUTE_MS })), ['2m pending', '4m firing']]],
  P4: [
    [
      () => timeline('.x....', rule({ keepFiringForMs: 3 * MINUTE_MS })),
      ['2m firing', '3m recovering', '6m resolved'],
    ],
    [
      () => timeline('.x..x', rule({ keepFiringForMs: 3 * MINUTE_MS })),
      ['2m firing', '3m recovering', '5m firing'],
    ],
  ],
  P5: [
    [() => timeline('.x      ', rule()), ['2m firing', '7m resolved']],
    [() => timeline('.x      ', rule({ noData: 'nodata' })), ['2m firing', '7m nodata']],
    [() => timeline('.x      ', rule({ noData: 'keep' })), ['2m firing']],
  ],
  P6: [
    [() => told({ 0: [event('a', 'firing')], 2: [event('b', 'firing')] })[0], '3s a firing, b firing'],
    [() => told({ 0: [event('a', 'firing')], 2: [event('a', 'resolved')] }), []],
  ],
  P7: [
    [
      () => told({ 0: [event('a', 'firing')], 4: [event('b', 'firing')] }).slice(0, 2),
      ['3s a firing', '13s a firing, b firing'],
    ],
  ],
  P8: [[() => told({ 0: [event('a', 'firing')] }), ['3s a firing', '33s a firing']]],
  P9: [
    [
      () => told({ 0: [event('a', 'firing')], 5: [event('a', 'resolved')] }),
      ['3s a firing', '13s a resolved'],
    ],
    [() => told({ 0: [event('a', 'resolved')] }), []],
  ],
  P10: [
    [() => told({ 4: [event('a', 'firing')] }, [SILENCED]).slice(0, 1), ['27s a firing']],
    [() => matchesAll([parseMatcher('stream=~we')!], event('web', 'firing')), false],
    [() => matchesAll([parseMatcher('gone=')!, parseMatcher('stream=~w.*')!], event('web', 'firing')), true],
  ],
  P11: [
    [
      () => told({ 0: [event('a', 'firing')], 6: [event('a', 'resolved')] }, [SILENCED]),
      ['3s a firing', '13s a resolved'],
    ],
  ],
  P12: [
    [() => inhibitorsOf([INHIBIT], of('warning'), [of('critical')]).length, 1],
    [() => inhibitorsOf([INHIBIT], of('warning', { zone: 'a' }), [of('critical', { zone: 'b' })]).length, 0],
    [() => inhibitorsOf([INHIBIT], of('critical', { n: 1 }), [of('critical', { n: 2 })]).length, 0],
  ],
};

/** Rows whose test stands elsewhere: the table names the file. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  P13: 'libs/alerting/noise/noise.spec.ts',
  P14: 'libs/alerting/notify/alertmanager.spec.ts',
  P15: 'test/e2e/alert-crashes.e2e-spec.ts',
  P16: 'libs/platform/alert-rule-files.spec.ts',
};

describe('beside Prometheus and Alertmanager, row', () => {
  it.each(Object.entries(ROWS))('%s', (_, cases) => {
    for (const [found, expected] of cases) expect(found()).toEqual(expected);
  });

  it('by row, the table and these tests are the same', () => {
    const lines = readFileSync(join('docs', 'alerts.md'), 'utf8').split('\n');
    const rows = lines.flatMap((line) => /^\| (P\d+) \|/.exec(line)?.[1] ?? []);
    expect(rows).toEqual([...Object.keys(ROWS), ...Object.keys(ELSEWHERE)]);
    for (const [row, file] of Object.entries(ELSEWHERE))
      expect(lines.find((line) => line.startsWith(`| ${row} |`))).toContain(file);
  });
});
