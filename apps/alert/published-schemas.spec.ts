import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { PatternMatch } from '#libs/alerting';
import type { JsonObject } from '#libs/kernel';
import { Telemetry } from '#libs/observability';
import { parsePipeline } from '#libs/pipeline';
import {
  type DescribedNoun,
  PUBLIC_JSON_SCHEMAS,
  publicEventProblem,
  publicMessageProblems,
  shippedSchemas,
} from '#libs/schema';
import type { ResultRow } from '#libs/storage';
import { ManualClock } from '#libs/testing';
import { ALERT_EVENT_TYPE } from './alert.publisher.js';
import { AlertTaskLogic } from './alert-task.js';
import { judgedInput, outputsTo } from './alert-task-fixture.js';
import { NOTIFICATION_EVENT_TYPE } from './notification.publisher.js';

// Every kind of rule, every status and every mark that an alert can carry goes by the published schemas.

const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2026, 0, 1);
const NOUNS: readonly DescribedNoun[] = ['alerts', 'notifications'];
const TYPES = { alerts: ALERT_EVENT_TYPE, notifications: NOTIFICATION_EVENT_TYPE };

const PIPELINE = parsePipeline(
  {
    file: 'web.yaml',
    include: () => undefined,
    text: `
apiVersion: millrace/v1
kind: Pipeline
metadata: {name: web}
spec:
  event: web-request@1
  aggregate:
    - {name: r, window: {tumbling: 1m, allowedLateness: 5m}, by: [stream, path], measures: {n: count, bad: {count: status >= 500}}}
  alerts:
    rules:
      - {name: above, severity: critical, summary: '{{ value }}', for: 1m, keepFiringFor: 1m, clear: {below: 5}, noData: nodata, noDataAfter: 2m,
         labels: {team: shop}, annotations: {runbook: 'see {{ rule }}'}, threshold: {series: r, value: n, above: 10}}
      - {name: below, severity: info, summary: Few, maxActive: 1, threshold: {series: r, value: n, below: 3}}
      - {name: share, severity: warning, summary: Many fail, flapping: {changes: 2, within: 10m}, ratio: {series: r, part: bad, whole: n, above: 0.2}}
      - {name: jump, severity: info, summary: It jumps, change: {series: r, value: n, against: 1m, above: 50%}}
      - {name: far, severity: info, summary: Far, spike: {series: r, value: n, over: 4, leastWindows: 2}}
      - {name: gone, severity: info, summary: Gone, absence: {series: r, after: 2m}}
      - {name: seen, severity: info, summary: Seen, pattern: {where: status == 500, by: [path]}}
    notifications: {groupBy: [rule], groupWait: 0s, groupInterval: 1s, repeatInterval: 2s}
    pipelineStalled: {after: 2m}
`,
  },
  { schemas: shippedSchemas() },
);

interface Published {
  readonly noun: DescribedNoun;
  readonly data: JsonObject;
}

const published: Published[] = [];
const clock = new ManualClock(START_MS);

function row(path: string, minute: number, measures: JsonObject, revision = 0): ResultRow {
  const [windowStartMs, windowEndMs] = [START_MS + (minute - 1) * MINUTE_MS, START_MS + minute * MINUTE_MS];
  const window = { key: { path }, windowStartMs, windowEndMs };
  return { ...{ pipeline: 'web', series: 'r', stream: 'demo', task: 0 }, ...window, measures, revision };
}

function match(minute: number): PatternMatch {
  const timeMs = START_MS + minute * MINUTE_MS;
  const when = { firstMs: timeMs, lastMs: timeMs, count: 1 };
  return { match: 'seen', stream: 'demo', labels: { path: '/a' }, ...when, eventId: 'e1' };
}

/** Values of `n` by minute, of two paths; `_`: no row. Every other row has failures. */
const A = '12 12 12 12 1 7 1 40 12 1 12 12 _ _ _ _ _ _'.split(' ');
const B = '1 1 1 12 1 1 12 1 1 1 1 1 _ _ _ _ _ _'.split(' ');

beforeAll(() => {
  const outputs = outputsTo(({ topic, body }) => {
    published.push({ noun: topic as DescribedNoun, data: body as JsonObject });
  });
  const logic = new AlertTaskLogic({
    ...{ pipeline: PIPELINE, clock, telemetry: new Telemetry({ logLevel: 'silent' }) },
    ...{ topic: (noun) => noun, partitionsOf: () => 1 },
  });
  logic.restore(new Map());
  const give = (items: readonly (ResultRow | PatternMatch)[], minute: number): void => {
    const progress = { demo: { watermarkMs: START_MS + minute * MINUTE_MS } };
    logic.apply(judgedInput(items, progress), outputs);
    logic.tick({ nowMs: 0, siblings: new Map() }, outputs);
  };
  for (const [index, a] of A.entries()) {
    const minute = index + 1;
    clock.advance(MINUTE_MS);
    const of = (path: string, n: string | undefined): ResultRow[] =>
      n === undefined || n === '_'
        ? []
        : [row(path, minute, { n: Number(n), bad: index % 2 === 0 ? Number(n) : 0 })];
    give([...of('/a', a), ...of('/b', B[index]), ...(index % 7 === 0 ? [match(minute)] : [])], minute);
    // What had made it fire is taken back.
    if (minute === 8) give([row('/a', 8, { n: 1, bad: 0 }, 1)], minute);
  }
  clock.advance(10 * MINUTE_MS);
  logic.tick({ nowMs: 0, siblings: new Map() }, outputs);
  clock.advance(24 * 60 * MINUTE_MS);
  give([row('/a', 40, { n: 99, bad: 99 }), row('/b', 40, { n: 99, bad: 99 })], 40);
});

describe('the published schemas', () => {
  it.each(NOUNS)('are what is on %s', (noun) => {
    const data = published.filter((each) => each.noun === noun).map((each) => each.data);
    expect(data.length).toBeGreaterThan(20);
    expect(data.flatMap((each) => publicMessageProblems(noun, each))).toEqual([]);
    expect(
      data.map((each) => publicEventProblem(TYPES[noun], each)).filter((each) => each !== undefined),
    ).toEqual([]);
  });

  it('are tried with every field, status and severity that there is', () => {
    const alerts = published.filter(({ noun }) => noun === 'alerts').map(({ data }) => data);
    const seen = (field: string): unknown[] => [...new Set(alerts.map((alert) => alert[field]))].sort();
    const fields = new Set(alerts.flatMap((alert) => Object.keys(alert)));
    const properties = Object.keys(PUBLIC_JSON_SCHEMAS.alerts['properties'] as JsonObject);
    expect(properties.filter((field) => !fields.has(field))).toEqual([]);
    expect(seen('status')).toEqual(['firing', 'inactive', 'nodata', 'pending', 'recovering', 'resolved']);
    expect(seen('severity')).toEqual(['critical', 'info', 'warning']);
    expect(seen('rule')).toEqual([
      'above',
      'below',
      'far',
      'gone',
      'jump',
      'pipeline-stalled',
      'seen',
      'share',
    ]);
    const reasons = new Set(published.map(({ data }) => data['reason']));
    expect([...reasons]).toEqual(
      expect.arrayContaining(['updated', 'storm', 'stalled', 'changed', 'repeat']),
    );
  });

  it.each(NOUNS)('of %s refuse what is missing, unknown or of another type', (noun) => {
    const { data } = published.find((each) => each.noun === noun)!;
    const { status, ...others } = data;
    expect(status).toBeDefined();
    expect(publicMessageProblems(noun, others)).toEqual([expect.stringContaining("'status'")]);
    expect(publicMessageProblems(noun, { ...data, status: 'odd' })).toEqual([
      '/status must be equal to one of the allowed values',
    ]);
    expect(publicMessageProblems(noun, { ...data, more: 1 })).toEqual([
      '/ must NOT have additional properties',
    ]);
    expect(publicMessageProblems(noun, { ...data, pipeline: 7 })).toEqual(['/pipeline must be string']);
  });

  it.each(NOUNS)('of %s are in docs/schemas', (noun) => {
    const file = join('docs', 'schemas', `${noun}.v1.schema.json`);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(PUBLIC_JSON_SCHEMAS[noun]);
  });
});
