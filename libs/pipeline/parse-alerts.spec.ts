import { describe, expect, it } from '@jest/globals';
import { DEFAULT_POLICY } from '#libs/alerting';
import { shippedSchemas } from '#libs/schema';
import { describeProblem, PipelineInvalidError } from './pipeline.errors.js';
import { parsePipeline } from './parse-pipeline.js';
import type { PipelineDefinition } from './pipeline-definition.js';

const HEAD = `apiVersion: millrace/v1
kind: Pipeline
metadata: {name: web}
spec:
  event: web-request@1
  aggregate:
    - {name: s, window: {tumbling: 1m, allowedLateness: 2m}, by: [method], measures: {n: count, e: {count: status >= 500}}}
    - {name: visits, window: {session: 30m}, measures: {n: count}}
  alerts: !include alerts.yaml
`;
const RULE = 'name: r, severity: info, summary: x';

function parse(...lines: readonly string[]): PipelineDefinition {
  const included = { file: 'alerts.yaml', text: lines.join('\n') };
  return parsePipeline(
    { file: 'p.yaml', text: HEAD, include: () => included },
    { schemas: shippedSchemas() },
  );
}

function rule(text: string): PipelineDefinition['alerts'][number] | undefined {
  return parse(`rules: [{${RULE}, ${text}}]`).alerts[0];
}

function problemsOf(...lines: readonly string[]): readonly string[] {
  try {
    parse(...lines);
    return [];
  } catch (error) {
    if (!(error instanceof PipelineInvalidError)) throw error;
    return error.problems.map(describeProblem);
  }
}

describe('a rule', () => {
  it.each<[string, object]>([
    ['ratio: {series: s, part: e, whole: n, above: 0.1}', { kind: 'ratio', expression: 'e / n', limit: 0.1 }],
    ['ratio: {series: s, part: e, whole: n - e, above: 0.1}', { expression: 'e / (n - e)' }],
    [
      'change: {series: s, value: n, against: 1h, above: 50%}',
      { kind: 'change', againstMs: 3_600_000, unit: 'percent', limit: 50 },
    ],
    [
      'change: {series: s, value: n, against: 1d, below: -5}',
      { unit: 'absolute', direction: 'below', limit: -5 },
    ],
    [
      'spike: {series: s, value: n}',
      { kind: 'spike', overWindows: 30, leastWindows: 15, limit: 3, towards: 'up' },
    ],
    ['absence: {series: s, after: 5m}', { kind: 'absence', afterMs: 300_000, withinMs: 3_600_000 }],
    [
      'pattern: {where: status >= 500, by: [path], times: 3}',
      { kind: 'pattern', by: ['path'], times: 3, withinMs: 60_000 },
    ],
    [
      'custom: {series: s, class: own, options: {a: [1, b]}}',
      { kind: 'custom', className: 'own', options: { a: [1, 'b'] } },
    ],
  ])('%s', (text, condition) => {
    expect(rule(text)?.condition).toMatchObject(condition);
  });

  it('has what it is told, and defaults', () => {
    const threshold = 'threshold: {series: s, value: n, above: 10}';
    expect(
      rule(
        `${threshold}, clear: {below: 5}, keepFiringFor: 2m, windows: {breaching: 3, of: 5}, warmUp: 10m, noData: breach, flapping: off, labels: {team: web}`,
      ),
    ).toMatchObject({
      condition: { clearLimit: 5 },
      ...{ keepFiringForMs: 120_000, windows: { breaching: 3, of: 5 }, warmUpMs: 600_000, noData: 'breach' },
      ...{ labels: { team: 'web' }, correctableMs: 120_000, maxActive: 100 },
    });
    expect(rule(`${threshold}, flapping: off`)?.flapping).toBeUndefined();
    expect(rule(threshold)?.flapping).toEqual({ changes: 6, withinMs: 600_000 });
  });

  it('reads a quantity that divides', () => {
    const ratio = rule('ratio: {series: s, part: e, whole: n, above: 0.1}')?.condition;
    expect([ratio?.value({ e: 1, n: 4 }), ratio?.value({ e: 1, n: 0 }), ratio?.value({ e: 1 })]).toEqual([
      0.25,
      undefined,
      undefined,
    ]);
  });

  it.each<[string, string]>([
    [
      'for: 1m',
      'alerts.yaml:1:9 rules[0]: found a map, wanted a rule with one of threshold, ratio, change, spike, absence, pattern, custom',
    ],
    [
      'spike: {series: visits, value: n}',
      "rules[0].spike.series: found 'visits', wanted a series of tumbling or hopping windows, which have earlier ones",
    ],
    [
      'change: {series: s, value: n, against: 90s, above: 1}',
      "rules[0].change.against: found '90s', wanted a multiple of the windows of the series",
    ],
    ['pattern: {where: statuss >= 500}', 'did you mean status?'],
    [`pattern: {where: "path.matches('^(a+)+$')"}`, 'could take for ever over a long text'],
    [
      'pattern: {where: status >= 500}, minSamples: {measure: n, atLeast: 1}',
      'wanted no minSamples: this kind of rule does not judge the values of rows',
    ],
    [
      'threshold: {series: s, value: n, above: 10}, clear: {below: 20}',
      'rules[0].clear.below: found 20, wanted a number below 10',
    ],
    [
      'threshold: {series: s, value: n, above: 10}, labels: {method: x}',
      'found the label method, wanted a name of letters, digits and _, other than stream, storm, method',
    ],
    [
      'threshold: {series: s, value: n, above: 10}, annotations: {a: "{{ valu }}"}',
      'wanted a text with {{ expression }}: Unknown variable: valu',
    ],
    [
      'threshold: {series: s, value: n, above: 10}, windows: {breaching: 6, of: 5}',
      'wanted a whole number from 1 to 5',
    ],
    [
      'threshold: {series: s, value: n, above: 10}, pattern: {where: status >= 500}',
      'wanted one of threshold, pattern, not several',
    ],
  ])('with %s is refused', (text, problem) => {
    expect(problemsOf(`rules: [{${RULE}, ${text}}]`).join('\n')).toContain(problem);
  });

  it('may not have the name of a built-in one', () => {
    expect(
      problemsOf(
        'rules: [{name: pipeline-stalled, severity: info, summary: x, absence: {series: s, after: 5m}}]',
      )[0],
    ).toContain('is built in');
  });
});

describe('an alert file', () => {
  it('has defaults for all but rules', () => {
    expect(parse('rules: []').alertPolicy).toEqual(DEFAULT_POLICY);
  });

  it('says who is told of what', () => {
    const { alertPolicy } = parse(
      'rules: []',
      'notifications: {groupBy: [severity], groupWait: 0s}',
      'inhibit: [{source: {severity: critical}, target: [severity=~warning|info], equal: [stream]}]',
      "maintenance: [{name: night, days: [mon], from: '22:00', to: '04:00', timeZone: Europe/Prague}]",
      'receivers:',
      '  - {name: a, webhook: {url: https://example.org/x, secret: PAGER}}',
      '  - {name: b, match: {stream: web}, alertmanager: {url: http://am:9093, allowPrivate: true}}',
      'pipelineStalled: off',
    );
    expect(alertPolicy).toMatchObject({
      notifications: { groupBy: ['severity'], groupWaitMs: 0, groupIntervalMs: 300_000 },
      inhibit: [{ target: [{ name: 'severity', value: 'warning|info', isRegex: true }] }],
      maintenance: [{ fromMinute: 1_320, toMinute: 240 }],
      receivers: [
        { kind: 'webhook', secret: 'PAGER' },
        { kind: 'alertmanager', allowPrivate: true },
      ],
    });
    expect(alertPolicy.stall).toBeUndefined();
  });

  it.each<[string, string]>([
    [
      "maintenance: [{name: n, from: '25:00', to: '04:00', timeZone: Mars/Base}]",
      "found '25:00', wanted a time of day from 00:00 to 24:00",
    ],
    [
      "maintenance: [{name: n, from: '22:00', to: '04:00', timeZone: Mars/Base}]",
      "found 'Mars/Base', wanted the name of a time zone",
    ],
    [
      'inhibit: [{source: {}, target: {rule: a}}]',
      'at least one label with a value: this would be every alert',
    ],
    ['receivers: [{name: a}]', 'a receiver with either webhook or alertmanager'],
    [
      'receivers: [{name: a, webhook: {url: ftp://x}}]',
      "found 'ftp://x', wanted an address such as https://example.org/hook",
    ],
    ['receivers: [{name: a, webhook: {url: https://u:p@x/}}]', 'without a user or password'],
    ['notification: {}', 'did you mean notifications?'],
  ])('with %s is refused', (text, problem) => {
    expect(problemsOf('rules: []', text).join('\n')).toContain(problem);
  });
});
