import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ALERT_STATUSES } from '#libs/alerting';
import { play, scenarios } from './scenario.js';
import { timelineFiles } from './timeline-page.js';

// docs/alert-timelines.md and its pictures are what the engine does with the scenarios.

const ROOT = resolve(import.meta.dirname, '../..');
const all = scenarios().map(play);
const files = timelineFiles(all);
const kinds = ['threshold', 'ratio', 'change', 'spike', 'absence', 'pattern', 'custom'];
const settings = [
  'for',
  'keepFiringFor',
  'clear',
  'windows',
  'minSamples',
  'warmUp',
  'maxActive',
  'flapping',
];
const policies = [
  'inhibit',
  'maintenance',
  'pipelineStalled',
  'groupWait',
  'groupInterval',
  'repeatInterval',
];

if (process.env['MILLRACE_WRITE_TIMELINES'] === '1') {
  for (const [path, text] of files) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true });
    writeFileSync(join(ROOT, path), text);
  }
}

function textOf(path: string): string | undefined {
  return existsSync(join(ROOT, path)) ? readFileSync(join(ROOT, path), 'utf8') : undefined;
}

describe('the page of timelines', () => {
  it.each([...files])('is up to date: %s', (path, text) => {
    expect(textOf(path)).toBe(text);
  });

  it('has no picture of what is gone', () => {
    const folder = 'docs/images/alert-timelines';
    const found = readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`);
    expect(found.filter((path) => !files.has(path))).toEqual([]);
  });

  it('shows every status', () => {
    const shown = new Set(all.flatMap(({ transitions }) => transitions.map(({ status }) => status)));
    expect([...ALERT_STATUSES].filter((status) => !shown.has(status))).toEqual([]);
  });

  it('shows every kind of rule', () => {
    const shown = new Set<string>(
      all.flatMap(({ pipeline }) => pipeline.alerts.map(({ condition }) => condition.kind)),
    );
    expect(kinds.filter((kind) => !shown.has(kind))).toEqual([]);
  });

  it('shows every setting of a rule and every noise control', () => {
    const texts = all.map(({ scenario: { rules, policy = '' } }) => `${rules}\n${policy}`).join('\n');
    expect([...settings, ...policies].filter((name) => !texts.includes(`${name}:`))).toEqual([]);
    expect(all.some(({ test }) => test.silences.length > 0)).toBe(true);
    for (const meaning of ['keep', 'nodata', 'breach']) expect(texts).toContain(`noData: ${meaning}`);
  });

  it('shows flapping, what is historical, a storm, a stalled pipeline and a correction', () => {
    const events = all.flatMap(({ transitions }) => transitions);
    expect(events.some(({ flapping }) => flapping === true)).toBe(true);
    expect(events.some((event) => 'historical' in event && event.historical === true)).toBe(true);
    for (const reason of ['storm', 'stalled', 'updated', 'no-data'])
      expect(events.map((event) => event.reason)).toContain(reason);
  });
});
