import { describe, expect, it } from '@jest/globals';
import { shippedSchemas } from '#libs/schema';
import { alertRulesVersion, differencesBesideAlerts } from './alert-rules-version.js';
import { parsePipeline } from './parse-pipeline.js';
import type { PipelineDefinition } from './pipeline-definition.js';

const RULE = '{name: many, severity: info, summary: Many, threshold: {series: n, value: n, above: 1}}';

function pipeline(alerts: string, rest = 'partitions: 2'): PipelineDefinition {
  const text = [
    ...[
      'apiVersion: millrace/v1',
      'kind: Pipeline',
      'metadata: {name: web}',
      'spec:',
      '  event: web-request@1',
    ],
    ...[
      `  ${rest}`,
      '  aggregate: [{name: n, window: {tumbling: 1m}, measures: {n: count}}]',
      `  alerts: ${alerts}`,
    ],
  ].join('\n');
  return parsePipeline({ file: 'web.yaml', text, include: () => undefined }, { schemas: shippedSchemas() });
}

const BASE = pipeline(`{rules: [${RULE}]}`);

describe('the version of alert rules', () => {
  it.each([
    ['a comment', `{rules: [${RULE}]} # as agreed`],
    [
      'another order of keys',
      `{rules: [{severity: info, name: many, ${RULE.slice('{name: many, severity: info, '.length)}]}`,
    ],
  ])('is the same with %s', (_, alerts) => {
    expect(alertRulesVersion(pipeline(alerts))).toBe(alertRulesVersion(BASE));
  });

  it.each([
    ['another limit', `{rules: [${RULE.replace('above: 1', 'above: 2')}]}`],
    ['another text', `{rules: [${RULE.replace('Many', 'More')}]}`],
    ['a silent hour', `{rules: [${RULE}], notifications: {groupWait: 1m}}`],
    ['no rule', '{rules: []}'],
  ])('is another with %s', (_, alerts) => {
    expect(alertRulesVersion(pipeline(alerts))).not.toBe(alertRulesVersion(BASE));
  });

  it('has nothing to do with the rest', () => {
    const other = pipeline(`{rules: [${RULE}]}`, 'partitions: 3');
    expect(alertRulesVersion(other)).toBe(alertRulesVersion(BASE));
  });
});

describe('what else differs', () => {
  it('is named', () => {
    expect(differencesBesideAlerts(BASE, pipeline('{rules: []}'))).toEqual([]);
    expect(differencesBesideAlerts(BASE, pipeline('{rules: []}', 'partitions: 3'))).toEqual([
      'spec.partitions',
    ]);
    const timed = pipeline('{rules: []}', 'time: {idleAfter: 1m}');
    expect(differencesBesideAlerts(BASE, timed)).toEqual(['spec.partitions', 'spec.time']);
  });
});
