import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Telemetry } from '#libs/observability';
import { ManualClock } from '#libs/testing';
import { AlertRuleFiles } from './alert-rule-files.js';
import { loadPipeline, Pipelines } from './pipelines.js';

const PIPELINE = `
apiVersion: millrace/v1
kind: Pipeline
metadata: {name: web}
spec:
  event: web-request@1
  aggregate: [{name: n, window: {tumbling: 1m}, measures: {n: count}}]
  alerts: !include alerts.yaml
`;

function rules(...limits: readonly number[]): string {
  const each = limits.map(
    (limit) =>
      `  - {name: above-${limit}, severity: info, summary: Many, threshold: {series: n, value: n, above: ${limit}}}`,
  );
  return `apiVersion: millrace/v1\nkind: AlertRules\nrules:${limits.length === 0 ? ' []' : ''}\n${each.join('\n')}\n`;
}

let folder: string;
let pipelines: Pipelines;
let files: AlertRuleFiles;
let telemetry: Telemetry;

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
}

function names(): readonly string[] {
  return pipelines.byName('web').alerts.map(({ name }) => name);
}

async function metric(name: string): Promise<string | undefined> {
  const lines = (await telemetry.metrics()).text.split('\n');
  return lines.find((line) => line.startsWith(name))?.slice(name.length);
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-rules-'));
  write('web.yaml', PIPELINE);
  write('alerts.yaml', rules(1));
  const file = join(folder, 'web.yaml');
  pipelines = new Pipelines([loadPipeline(file)], { tenant: 't', namespace: 'n' }, [file]);
  telemetry = new Telemetry({ logLevel: 'silent' });
  files = new AlertRuleFiles(pipelines, new ManualClock(0), telemetry);
  await files.look();
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the alert rules of a file that changes', () => {
  it('are taken, with all that goes with them, and nothing else is', async () => {
    const { series, version } = {
      series: pipelines.byName('web').series,
      version: files.statuses()[0]?.version,
    };
    write('alerts.yaml', `${rules(2, 30)}notifications: {groupWait: 7s}\n`);
    await files.look();
    expect(names()).toEqual(['above-2', 'above-30']);
    expect(pipelines.byName('web').alertPolicy.notifications.groupWaitMs).toBe(7_000);
    expect(pipelines.byName('web').series).toBe(series);
    expect(files.statuses()).toEqual([
      {
        pipeline: 'web',
        rules: 2,
        version: expect.not.stringMatching(version!),
        loadedAt: expect.any(String),
      },
    ]);
    expect(await metric('millrace_alert_rules_loaded_total')).toBe('{pipeline="web"} 1');
  });

  it('stay the same objects while the file says the same', async () => {
    const before = pipelines.byName('web');
    write('alerts.yaml', `# nothing new\n${rules(1)}`);
    await files.look();
    expect(pipelines.byName('web')).toBe(before);
  });

  it('are followed into files that it includes from then on', async () => {
    write('web.yaml', PIPELINE.replace('alerts.yaml', 'other.yaml'));
    write('other.yaml', rules(5));
    await files.look();
    await files.look();
    write('other.yaml', rules(66));
    await files.look();
    expect(names()).toEqual(['above-66']);
  });
});

describe('a file that cannot be used', () => {
  it.each([
    ['is no YAML', 'alerts.yaml', '{', 'PIPELINE_INVALID'],
    [
      'names a series that there is not',
      'alerts.yaml',
      rules(1).replace('series: n', 'series: m'),
      'PIPELINE_INVALID',
    ],
    [
      'has changed beside its rules',
      'web.yaml',
      PIPELINE.replace('spec:', 'spec:\n  partitions: 2'),
      'PIPELINE_CHANGED',
    ],
  ])('since it %s leaves the rules before, and says so until it is mended', async (_, name, text, code) => {
    const good = name === 'web.yaml' ? PIPELINE : rules(1);
    write(name, text);
    await files.look();
    await files.look();
    expect(names()).toEqual(['above-1']);
    expect(files.statuses()[0]?.refused).toMatchObject({ code, detail: expect.stringMatching(/.yaml/) });
    expect(await metric('millrace_alert_rules_refused_total')).toBe(`{pipeline="web",code="${code}"} 1`);
    expect(await metric('millrace_alert_rules_outdated')).toBe('{pipeline="web"} 1');
    write(name, `${good}# mended\n`);
    await files.look();
    expect(files.statuses()[0]?.refused).toBeUndefined();
    expect(await metric('millrace_alert_rules_outdated')).toBe('{pipeline="web"} 0');
  });

  it('since it is gone leaves the rules before', async () => {
    rmSync(join(folder, 'web.yaml'));
    await files.look();
    expect(names()).toEqual(['above-1']);
    expect(files.statuses()[0]?.refused?.code).toBe('PIPELINE_FILE_MISSING');
  });

  it('since somebody has an objection leaves the rules before', async () => {
    files.before(({ alerts }) => {
      if (alerts.length > 1) throw new RangeError('one is enough');
    });
    write('alerts.yaml', rules(1, 2));
    await files.look();
    expect(names()).toEqual(['above-1']);
    expect(files.statuses()[0]?.refused).toMatchObject({ code: 'INTERNAL', detail: 'one is enough' });
  });
});
