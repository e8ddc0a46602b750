import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonValue } from '#libs/kernel';
import type { AlertEvent } from '../alert-event.js';
import { type AlertPolicy, DEFAULT_POLICY } from '../alert-policy.js';
import type { Silence } from '../noise/silence.js';
import type { Notification } from './notification.js';
import { NotificationGroups } from './notification-groups.js';
import { webhookBody, postedAlert } from './webhook-body.js';

const SECOND_MS = 1_000;
const POLICY: AlertPolicy = {
  ...DEFAULT_POLICY,
  notifications: { groupBy: ['rule'], groupWaitMs: 3_000, groupIntervalMs: 10_000, repeatIntervalMs: 60_000 },
};

function event(name: string, status: AlertEvent['status'], more: Partial<AlertEvent> = {}): AlertEvent {
  const at = '2026-01-01T00:00:00.000Z';
  return {
    ...{
      fingerprint: name,
      episode: `${name}-1`,
      sequence: 0,
      pipeline: 'web',
      rule: 'r',
      severity: 'critical',
    },
    ...{ summary: 's', labels: { stream: name }, from: 'inactive', status, reason: 'breach', since: at },
    ...{
      startedAt: at,
      firedAt: at,
      value: 1,
      condition: { kind: 'threshold', series: 'x', value: 'n', above: 1 },
    },
    ...more,
  } as AlertEvent;
}

function silence(stream: string, toSecond: number): Silence {
  const times = { startsAtMs: 0, endsAtMs: toSecond * SECOND_MS };
  return { id: 's', matchers: [{ name: 'stream', value: stream }], ...times, createdBy: 'a', comment: 'c' };
}

/** Tells events at seconds, looks every second, and starts anew from what is stored after each look. */
function run(
  told: Readonly<Record<number, readonly AlertEvent[]>>,
  {
    until,
    policy = POLICY,
    silences = [],
  }: { until: number; policy?: AlertPolicy; silences?: readonly Silence[] },
): readonly Notification[] {
  const found: Notification[] = [];
  let stored = new Map<string, JsonValue>();
  for (let second = 0; second <= until; second++) {
    const groups = new NotificationGroups('web', policy);
    for (const [key, value] of stored) groups.load(key, value);
    for (const each of told[second] ?? []) groups.take(each, second * SECOND_MS);
    found.push(...groups.flush(second * SECOND_MS, silences));
    stored = new Map(JSON.parse(JSON.stringify([...groups.cells()])) as [string, JsonValue][]);
  }
  return found;
}

/** `3s firing: a firing, b resolved` */
function words(found: readonly Notification[]): readonly string[] {
  return found.map(({ at, status, reason, alerts }) => {
    const each = alerts.map(
      ({ fingerprint, status: is, flapping }) => `${fingerprint} ${flapping ? 'flapping' : is}`,
    );
    return `${Date.parse(at) / SECOND_MS}s ${status}${reason === 'repeat' ? ' again' : ''}: ${each.join(', ')}`;
  });
}

//  groupWait 3s, groupInterval 10s, repeatInterval 60s
describe('a group', () => {
  it.each<[string, Record<number, AlertEvent[]>, number, readonly string[]]>([
    [
      'waits for others',
      { 0: [event('a', 'firing')], 2: [event('b', 'firing')] },
      9,
      ['3s firing: a firing, b firing'],
    ],
    [
      'tells what is new, then what has ended, at its pace',
      {
        0: [event('a', 'firing')],
        5: [event('b', 'firing')],
        20: [event('a', 'resolved')],
        30: [event('b', 'resolved')],
      },
      60,
      [
        '3s firing: a firing',
        '13s firing: a firing, b firing',
        '23s firing: b firing, a resolved',
        '33s resolved: b resolved',
      ],
    ],
    [
      'says nothing of what ended in time',
      { 0: [event('a', 'firing')], 2: [event('a', 'resolved')] },
      60,
      [],
    ],
    [
      'repeats what still fires',
      { 0: [event('a', 'firing')] },
      70,
      ['3s firing: a firing', '63s firing again: a firing'],
    ],
    [
      'takes recovering for firing',
      { 0: [event('a', 'firing')], 5: [event('a', 'recovering')] },
      40,
      ['3s firing: a firing'],
    ],
    [
      'tells of flapping once',
      {
        0: [event('a', 'firing')],
        5: [event('a', 'firing', { flapping: true })],
        30: [event('a', 'resolved')],
      },
      60,
      ['3s firing: a firing', '13s firing: a flapping', '33s resolved: a resolved'],
    ],
    ['does not tell of pending', { 0: [event('a', 'pending')], 5: [event('a', 'inactive')] }, 60, []],
    [
      'takes a firing that was taken back for ended',
      { 0: [event('a', 'firing')], 5: [event('a', 'pending')] },
      60,
      ['3s firing: a firing', '13s resolved: a resolved'],
    ],
    [
      'does not tell of old data',
      { 0: [event('a', 'firing', { historical: true })], 5: [event('a', 'resolved', { historical: true })] },
      60,
      [],
    ],
    [
      'tells the end of what was told, old or not',
      { 0: [event('a', 'firing')], 5: [event('a', 'resolved', { historical: true })] },
      60,
      ['3s firing: a firing', '13s resolved: a resolved'],
    ],
  ])('%s', (_, told, until, expected) => {
    expect(words(run(told, { until }))).toEqual(expected);
  });

  it('is one for each of what it is grouped by', () => {
    const told = { 0: [event('a', 'firing'), event('b', 'firing', { rule: 'q' })] };
    const found = run(told, { until: 5 });
    expect(words(found)).toEqual(['3s firing: a firing', '3s firing: b firing']);
    expect(found.map(({ groupKey }) => groupKey)).toEqual(['rule="r"', 'rule="q"']);
  });

  it('keeps silent of who is silenced, until it is over', () => {
    const told = { 0: [event('a', 'firing'), event('b', 'firing')] };
    expect(words(run(told, { until: 30, silences: [silence('a', 20)] }))).toEqual([
      '3s firing: b firing',
      '23s firing: a firing, b firing',
    ]);
  });

  it('tells the end of what was silenced after it was told', () => {
    const told = { 0: [event('a', 'firing')], 8: [event('a', 'resolved')] };
    const late = { ...silence('a', 99), startsAtMs: 5_000 };
    expect(words(run(told, { until: 30, silences: [late] }))).toEqual([
      '3s firing: a firing',
      '13s resolved: a resolved',
    ]);
  });

  it('keeps silent of what another alert explains', () => {
    const inhibit = [
      {
        source: [{ name: 'rule', value: 'root' }],
        target: [{ name: 'severity', value: 'warning' }],
        equal: ['stream'],
      },
    ];
    const root = event('root', 'firing', { rule: 'root', labels: { stream: 'a' } });
    const told = {
      0: [root, event('a', 'firing', { severity: 'warning' }), event('b', 'firing', { severity: 'warning' })],
      8: [{ ...root, status: 'resolved' as const }],
    };
    expect(words(run(told, { until: 20, policy: { ...POLICY, inhibit } }))).toEqual([
      '3s firing: root firing',
      '3s firing: b firing',
      '13s resolved: root resolved',
      '13s firing: a firing, b firing',
    ]);
  });
});

/** Walks over what was told of one alert. */
function isLeftOpen(found: readonly Notification[], name: string): boolean {
  const told = found.flatMap(({ alerts }) => alerts.filter(({ fingerprint }) => fingerprint === name));
  return told.reduce((isOpen, { status }) => {
    if (status === 'resolved') expect(isOpen).toBe(true);
    return status !== 'resolved';
  }, false);
}

function isFiringAtLast(told: Readonly<Record<number, readonly AlertEvent[]>>, name: string): boolean {
  const last = Object.values(told)
    .flat()
    .findLast(({ fingerprint }) => fingerprint === name);
  return last?.status === 'firing' || last?.status === 'recovering';
}

describe('notifications', () => {
  const steps = fc.array(
    fc.record({
      at: fc.integer({ min: 0, max: 120 }),
      name: fc.constantFrom('a', 'b', 'c'),
      status: fc.constantFrom<AlertEvent['status']>(
        'firing',
        'resolved',
        'pending',
        'recovering',
        'inactive',
      ),
      flapping: fc.boolean(),
    }),
    { maxLength: 25 },
  );

  // The oracle looks at one alert at a time, at all that was told of it: firing begins, an end follows, each once.
  it('tell an end once, and only of what was told as firing; nothing is left untold', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const told: Record<number, AlertEvent[]> = {};
        for (const { at, name, status, flapping } of [...all].sort((a, b) => a.at - b.at))
          (told[at] ??= []).push(
            event(name, status, flapping && status === 'firing' ? { flapping: true } : {}),
          );
        const found = run(told, { until: 160 });
        const ids = found.map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        for (const name of ['a', 'b', 'c']) expect(isLeftOpen(found, name)).toBe(isFiringAtLast(told, name));
      }),
    );
  });
});

describe('a webhook', () => {
  const [notification] = run(
    { 0: [event('a', 'firing'), event('b', 'firing', { severity: 'info' })] },
    { until: 5 },
  );

  it('is told as Alertmanager tells it', () => {
    expect(webhookBody(notification!, { name: 'pager', matchers: [], sendResolved: true })).toEqual({
      ...{
        version: '4',
        groupKey: '{}:{alertname="r"}',
        truncatedAlerts: 0,
        status: 'firing',
        receiver: 'pager',
      },
      ...{
        groupLabels: { alertname: 'r' },
        commonLabels: { alertname: 'r', pipeline: 'web' },
        externalURL: '',
      },
      commonAnnotations: { summary: 's', value: '1' },
      alerts: ['a', 'b'].map((name) => ({
        status: 'firing',
        labels: {
          stream: name,
          alertname: 'r',
          severity: name === 'a' ? 'critical' : 'info',
          pipeline: 'web',
        },
        annotations: { summary: 's', value: '1' },
        startsAt: '2026-01-01T00:00:00.000Z',
        endsAt: '0001-01-01T00:00:00Z',
        ...{ generatorURL: '', fingerprint: name },
      })),
    });
  });

  it('is told only of what it asks for', () => {
    const wanted = (value: string): number | undefined =>
      webhookBody(notification!, { name: 'p', matchers: [{ name: 'severity', value }], sendResolved: true })
        ?.alerts.length;
    expect([wanted('info'), wanted('warning')]).toEqual([1, undefined]);
  });

  it('pushes to an Alertmanager say until when they hold', () => {
    expect(postedAlert(event('a', 'firing'), 0).endsAt).toBe('1970-01-01T00:00:00.000Z');
    expect(postedAlert(event('a', 'resolved', { resolvedAt: '2026-01-01T00:09:00.000Z' }), 0).endsAt).toBe(
      '2026-01-01T00:09:00.000Z',
    );
  });
});
