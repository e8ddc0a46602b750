import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommandLine } from './command-line.js';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-rules-'));
  writeFileSync(join(folder, 'web.yaml'), PIPELINE);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PIPELINE = `
apiVersion: millrace/v1
kind: Pipeline
metadata: {name: web}
spec:
  event: web-request@1
  aggregate:
    - name: requests
      window: {tumbling: 1m, allowedLateness: 2m}
      measures: {n: count, errors: {count: status >= 500}}
  alerts:
    rules:
      - {name: many, severity: info, summary: 'Many: {{ value }}', threshold: {series: requests, value: n, above: 10}, for: 1m}
      - {name: gone, severity: critical, summary: Gone, absence: {series: requests, after: 5m}}
      - {name: checkout, severity: warning, summary: Checkout fails, pattern: {where: "status >= 500 && path == '/checkout'", by: [path]}}
    pipelineStalled: {after: 2m}
`;

function tests(...lines: readonly string[]): string {
  const file = join(folder, `${Math.random().toString(36).slice(2)}.yaml`);
  const head = ['apiVersion: millrace/v1', 'kind: AlertRuleTests', 'pipeline: web.yaml', 'tests:'];
  writeFileSync(file, [...head, ...lines].join('\n'));
  return file;
}

async function run(...args: readonly string[]): Promise<{ code: number; out: string; complaints: string }> {
  const out: string[] = [];
  const complaints: string[] = [];
  const code = await runCommandLine(args, {
    out: (text) => out.push(text),
    complain: (text) => complaints.push(text),
  });
  return { code, out: out.join('\n'), complaints: complaints.join('\n') };
}

describe('millrace rules test', () => {
  it('passes the tests of the shipped rules', async () => {
    const { code, out, complaints } = await run('rules', 'test', 'pipelines/alerts.test.yaml');
    expect(complaints).toBe('');
    expect(out).toContain('rule tests: 3 passed, 0 failed');
    expect(code).toBe(0);
  });

  it('judges silence, events, corrections, standstills and silences of people', async () => {
    const file = tests(
      '  - name: a stream that falls silent',
      '    until: 20m',
      '    input: [{series: requests, measures: {n: 5x3}}]',
      '    expect:',
      '      transitions: [{at: 8m, rule: gone, status: firing, reason: no-data, labels: {stream: demo}}]',
      '      notifications: [{at: 8m30s, status: firing, alerts: [gone]}]',
      '  - name: a pipeline that stands still raises one alert, and no absence',
      '    until: 20m',
      '    input:',
      '      - {series: requests, stream: a, measures: {n: 5x3 _x9 5x8}}',
      '      - {series: requests, stream: b, measures: {n: 5x3 _x9 5x8}}',
      '    standstill: [{from: 3m, to: 13m}]',
      '    expect:',
      '      transitions:',
      '        - {at: 4m59s, rule: pipeline-stalled, status: firing, reason: stalled}',
      '        - {at: 13m, rule: pipeline-stalled, status: resolved}',
      '  - name: an event fires at once',
      '    until: 8m',
      '    events: [{at: 90s, data: {status: 503, path: /checkout}}, {at: 95s, data: {status: 200, path: /checkout}}]',
      '    expect:',
      '      transitions:',
      '        - {at: 1m30s, rule: checkout, status: firing, labels: {path: /checkout, stream: demo}}',
      '        - {at: 6m30s, rule: checkout, status: resolved}',
      '  - name: a correction takes back',
      '    until: 5m',
      '    input:',
      '      - series: requests',
      '        measures: {n: 5 20 20 20}',
      '        corrections: [{window: 2m, at: 3m30s, measures: {n: 5}}]',
      '    expect:',
      '      transitions:',
      '        - {at: 2m, rule: many, status: pending}',
      '        - {at: 3m, rule: many, status: firing}',
      '        - {at: 3m, rule: many, status: pending, reason: updated}',
      '        - {at: 4m, rule: many, status: firing}',
      '  - name: who is silenced is not told',
      '    until: 20m',
      '    input: [{series: requests, measures: {n: 20x20}}]',
      '    silences: [{match: {rule: many}, to: 10m}]',
      '    expect: {notifications: [{at: 12m30s, status: firing, reason: changed}]}',
    );
    const { code, out, complaints } = await run('rules', 'test', file);
    expect(complaints).toBe('');
    expect(out).toContain('5 passed, 0 failed');
    expect(code).toBe(0);
  });

  it('says what differs', async () => {
    const file = tests(
      '  - name: wrong',
      '    input: [{series: requests, measures: {n: 20x3}}]',
      '    expect: {transitions: [{at: 1m, rule: many, status: firing}, {at: 2m, rule: many, status: firing}]}',
    );
    const { code, out } = await run('rules', 'test', file);
    expect(code).toBe(1);
    expect(out).toContain('expected and missing: transition 1m many firing');
    expect(out).toContain('not expected: transition 1m many pending {stream=demo} (breach, value 20)');
  });

  it('refuses what it does not understand, with the place', async () => {
    const file = tests(
      '  - name: wrong',
      '    input: [{series: requets, measures: {n: 20x3}}]',
      '    expect: {transitions: [{at: soon, rule: nany, status: firing}]}',
    );
    const { code, complaints } = await run('rules', 'test', file);
    expect(code).toBe(1);
    expect(complaints).toMatch(
      /:6:22 tests\[0\]\.input\[0\]\.series: found 'requets', wanted a series: one of requests/,
    );
    expect(complaints).toMatch(/found 'soon', wanted a time after the start/);
    expect(complaints).toMatch(/found 'nany', wanted one of many, gone, checkout, pipeline-stalled/);
  });
});
