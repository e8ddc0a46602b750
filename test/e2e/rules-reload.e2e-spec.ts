import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { getJson } from './api.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';
import { until } from './until.js';

// The file of rules is written anew under a process that runs: which alerts go on, which begin anew, and what is said of a
// file that can't be used.

const STREAM = 'shop';
const PIPELINE = `
apiVersion: millrace/v1
kind: Pipeline
metadata: {name: web}
spec:
  event: web-request@1
  partitions: 1
  time: {maxOutOfOrderness: 0s}
  aggregate: [{name: requests, window: {tumbling: 1m}, measures: {n: count}}]
  alerts: !include alerts.yaml
`;
const KEPT = '{name: kept, severity: info, summary: Kept, threshold: {series: requests, value: n, above: 1}}';
const CHANGED =
  '{name: changed, severity: info, summary: Changed, threshold: {series: requests, value: n, above: 1}}';

interface Alert {
  readonly rule: string;
  readonly status: string;
  readonly severity: string;
  readonly reason: string;
  readonly episode: string;
  readonly sequence: number;
}

interface RulesStatus {
  readonly pipeline: string;
  readonly version: string;
  readonly rules: number;
  readonly refused?: { readonly code: string; readonly detail: string };
}

let folder: string;
let standalone: StandaloneProcess;

beforeEach(async () => {
  folder = temporaryFolder();
  writeFileSync(join(folder, 'web.yaml'), PIPELINE);
  write(KEPT, CHANGED);
  standalone = await StandaloneProcess.start(folder, { MILLRACE_PIPELINES: join(folder, 'web.yaml') });
});

afterEach(async () => {
  await standalone.kill();
  removeFolder(folder);
});

function write(...rules: readonly string[]): void {
  writeFileSync(
    join(folder, 'alerts.yaml'),
    `apiVersion: millrace/v1\nkind: AlertRules\nrules: [${rules.join(', ')}]\npipelineStalled: off\n`,
  );
}

/** Some events in each of these minutes of this hour; the last one completes those before. */
async function post(...minutes: readonly number[]): Promise<void> {
  const hourMs = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3_600_000;
  const events = minutes.flatMap((minute) =>
    [0, 1, 2].map((n) => ({
      ...{ id: `${minute}/${n}`, time: hourMs + minute * 60_000 + n, method: 'GET', path: '/', status: 200 },
    })),
  );
  const response = await fetch(`${standalone.url}/v1/streams/${STREAM}/events`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(events) },
  });
  expect(response.status).toBe(202);
}

async function alertOf(rule: string): Promise<Alert | undefined> {
  const { alerts } = await getJson<{ readonly alerts: readonly Alert[] }>(`${standalone.url}/v1/alerts`);
  return alerts.find((alert) => alert.rule === rule);
}

async function rulesStatus(): Promise<RulesStatus> {
  const { alertRules } = await getJson<{ readonly alertRules: readonly RulesStatus[] }>(
    `${standalone.url}/v1/config`,
  );
  return alertRules[0]!;
}

async function metric(name: string): Promise<string | undefined> {
  const text = await (await fetch(`${standalone.url}/metrics`)).text();
  return text.split('\n').find((line) => line.startsWith(name));
}

describe('rules that change under a process', () => {
  it('keep what has not changed, end and begin anew what has', async () => {
    await post(1, 2);
    const isFiring = (alert: Alert | undefined): boolean => alert?.status === 'firing';
    const kept = await until(() => alertOf('kept'), isFiring);
    const changed = await until(() => alertOf('changed'), isFiring);
    const before = await rulesStatus();

    write(KEPT.replace('severity: info', 'severity: critical'), CHANGED.replace('above: 1', 'above: 2'));
    await until(rulesStatus, ({ version }) => version !== before.version);
    const ended = await until(
      () => alertOf('changed'),
      (alert) => alert?.status === 'resolved',
    );
    expect(ended).toMatchObject({ reason: 'rule-changed', episode: changed!.episode });

    await post(3, 4);
    const again = await until(() => alertOf('changed'), isFiring);
    expect(again!.episode).not.toBe(changed!.episode);
    expect(await alertOf('kept')).toMatchObject({ status: 'firing', episode: kept!.episode, sequence: 0 });
  }, 240_000);

  it('stay as they are while the file is broken, and the process says so until it is mended', async () => {
    await post(1, 2);
    const firing = await until(
      () => alertOf('kept'),
      (alert) => alert?.status === 'firing',
    );
    const before = await rulesStatus();

    write(KEPT.replace('value: n', 'value: m'), CHANGED);
    const broken = await until(rulesStatus, ({ refused }) => refused !== undefined);
    expect(broken).toMatchObject({ version: before.version, rules: 2 });
    expect(broken.refused).toMatchObject({
      code: 'PIPELINE_INVALID',
      detail: expect.stringMatching(/alerts\.yaml:3:\d+ .*rules\[0\]/),
    });
    expect(await metric('millrace_alert_rules_outdated')).toBe(
      'millrace_alert_rules_outdated{pipeline="web"} 1',
    );
    expect(await alertOf('kept')).toEqual(firing);

    write(KEPT);
    const mended = await until(rulesStatus, ({ rules }) => rules === 1);
    expect(mended.refused).toBeUndefined();
    expect(await metric('millrace_alert_rules_outdated')).toBe(
      'millrace_alert_rules_outdated{pipeline="web"} 0',
    );
    await until(
      () => alertOf('changed'),
      (alert) => alert?.reason === 'rule-removed',
    );
    expect(await alertOf('kept')).toMatchObject({ status: 'firing', episode: firing!.episode });
  }, 240_000);
});
