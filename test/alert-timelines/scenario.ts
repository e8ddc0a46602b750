import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { AlertKind, type Notification, type AlertEvent, type RuleTest, runRuleTest } from '#libs/alerting';
import { parseAlertTests, parsePipeline, type PipelineDefinition } from '#libs/pipeline';
import { shippedSchemas } from '#libs/schema';
import { settlingMs } from '#libs/windowing';

/** One picture of the page: rules, what comes in, and a sentence on what is to be seen. */
export interface Scenario {
  readonly name: string;
  readonly says: string;
  /** A list of rules, YAML; severity and summary may be left out. */
  readonly rules: string;
  /** What stands beside `rules` in the file. */
  readonly policy?: string;
  /** Stretches that the policy names, in minutes. */
  readonly marks?: readonly Stretch[];
  readonly test: object;
}

export interface Stretch {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** A scenario and what came of it. */
export interface Played {
  readonly scenario: Scenario;
  readonly pipeline: PipelineDefinition;
  readonly test: RuleTest;
  readonly transitions: readonly AlertEvent[];
  readonly notifications: readonly Notification[];
}

export function scenarios(): readonly Scenario[] {
  return parse(readFileSync(join(import.meta.dirname, 'scenarios.yaml'), 'utf8')) as readonly Scenario[];
}

class OddNumber extends AlertKind {
  judge({ measures }: Parameters<AlertKind['judge']>[0]): ReturnType<AlertKind['judge']> {
    const value = Number(measures['n']);
    return { value, verdict: value % 2 === 1 ? 'breach' : 'clear' };
  }
}

/** Runs a scenario by the engine that a pipeline runs, in virtual time. @throws what is wrong with it */
export function play(scenario: Scenario): Played {
  const pipeline = pipelineOf(scenario);
  const text = JSON.stringify({
    ...{ apiVersion: 'millrace/v1', kind: 'AlertRuleTests', pipeline: 'web.yaml' },
    tests: [{ name: scenario.name, ...scenario.test, expect: { transitions: [] } }],
  });
  const source = { file: scenario.name, text, include: () => undefined };
  const [test] = parseAlertTests(source, () => pipeline).tests;
  if (test === undefined) throw new Error(`${scenario.name} has no test`);
  const settling = new Map(pipeline.series.map((series) => [series.name, settlingMs(series)]));
  const { transitions, notifications } = runRuleTest(test, {
    ...{ pipeline: pipeline.name, rules: pipeline.alerts, policy: pipeline.alertPolicy },
    settlingMs: (series) => settling.get(series) ?? 0,
    kinds: new Map([['odd-number', new OddNumber()]]),
  });
  return { scenario, pipeline, test, transitions, notifications };
}

function pipelineOf({ name, rules, policy = '' }: Scenario): PipelineDefinition {
  const complete = (parse(rules) as readonly object[]).map((rule) => ({
    severity: 'warning',
    summary: 'It fires',
    ...rule,
  }));
  const text = `
apiVersion: millrace/v1
kind: Pipeline
metadata: {name: web}
spec:
  event: web-request@1
  aggregate:
    - {name: requests, window: {tumbling: 1m, allowedLateness: 5m}, by: [stream], measures: {n: count, errors: {count: status >= 500}}}
    - {name: by_path, window: {tumbling: 1m, allowedLateness: 5m}, by: [stream, path], measures: {n: count}}
  alerts: ${JSON.stringify({ rules: complete, ...(parse(policy) as object | null) })}
`;
  return parsePipeline({ file: name, text, include: () => undefined }, { schemas: shippedSchemas() });
}
