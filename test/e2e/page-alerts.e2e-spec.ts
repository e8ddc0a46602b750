import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';

// What somebody on call sees of alerts, and does about them, in a browser beside the whole of Millrace.

const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
const SCREENSHOTS = process.env['MILLRACE_SCREENSHOTS'];
const LACKING = existsSync(CHROMIUM) ? '' : ' [needs chromium]';
const MINUTE_MS = 60_000;
const PIPELINE = `
apiVersion: millrace/v1
kind: Pipeline
metadata: {name: web}
spec:
  event: web-request@1
  partitions: 1
  time: {maxOutOfOrderness: 0s, idleAfter: 1h}
  aggregate:
    - {name: requests, window: {tumbling: 1m}, by: [stream], measures: {n: count}}
  alerts:
    rules:
      - {name: fires, severity: critical, summary: Too many, threshold: {series: requests, value: n, above: 1}}
      - {name: waits, severity: warning, summary: Still waiting, for: 1h, threshold: {series: requests, value: n, above: 1}}
      - {name: recovers, severity: info, summary: Getting better, keepFiringFor: 1h, threshold: {series: requests, value: n, below: 2}}
    pipelineStalled: off
`;

let browser: Browser;
let page: Page;
let folder: string;
let standalone: StandaloneProcess;

beforeAll(async () => {
  if (LACKING !== '') return;
  const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'];
  browser = await chromium.launch({ executablePath: CHROMIUM, args });
  folder = temporaryFolder();
  writeFileSync(join(folder, 'web.yaml'), PIPELINE);
  standalone = await StandaloneProcess.start(folder, { MILLRACE_PIPELINES: join(folder, 'web.yaml') });
  await post();
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(120_000);
  await page.goto(standalone.url);
}, 300_000);

afterAll(async () => {
  if (LACKING !== '') return;
  await browser.close();
  await standalone.kill();
  removeFolder(folder);
});

/** One request in the first minute, three in each of the next two; a fourth minute completes them. */
async function post(): Promise<void> {
  const startMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - 10 * MINUTE_MS;
  const events = [1, 3, 3, 1].flatMap((count, minute) =>
    Array.from({ length: count }, (_, n) => ({
      ...{ id: `${minute}/${n}`, time: startMs + minute * MINUTE_MS + n },
      ...{ method: 'GET', path: '/', status: 200 },
    })),
  );
  const response = await fetch(`${standalone.url}/v1/streams/shop/events`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(events) },
  });
  expect(response.status).toBe(202);
}

function alertNamed(name: string): Locator {
  return page.locator('#alerts li', { has: page.locator('.title', { hasText: name }) });
}

function buttonOf(alert: Locator, name: string): Locator {
  return alert.getByRole('button', { name, exact: true });
}

async function shoot(name: string): Promise<void> {
  if (SCREENSHOTS === undefined) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
}

describe(`the alerts of the page${LACKING}`, () => {
  const inBrowser = LACKING === '' ? it : it.skip;

  inBrowser(
    'are listed with their states, what fires in front of everything',
    async () => {
      await page.locator('#firing article', { hasText: 'fires' }).waitFor();
      for (const [rule, status] of [
        ['fires', 'firing'],
        ['waits', 'pending'],
        ['recovers', 'recovering'],
      ] as const)
        await alertNamed(rule).locator('.tag', { hasText: status }).waitFor();
      expect(await page.locator('#firing').innerText()).not.toContain('waits');
      await shoot('alerts');
    },
    300_000,
  );

  inBrowser.each([
    ['fires', /It is firing: .*\n(?:.*\n)*.*3, breach/],
    ['waits', /It is pending: .*\n(?:.*\n)*.*3, breach/],
    ['recovers', /It is recovering: .*\n(?:.*\n)*.*3, clear/],
  ])(
    'say why, with the values that were compared: %s',
    async (rule, wanted) => {
      const alert = alertNamed(rule);
      await buttonOf(alert, 'Why').click();
      await alert.locator('.alert-rows').waitFor();
      expect(await alert.locator('.alert-detail').innerText()).toMatch(wanted);
      await shoot(`why-${rule}`);
    },
    300_000,
  );

  inBrowser(
    'have a history',
    async () => {
      const alert = alertNamed('recovers');
      await buttonOf(alert, 'History').click();
      await alert.locator('.alert-rows li', { hasText: 'firing (breach, 1)' }).waitFor();
      expect(await alert.locator('.alert-rows').innerText()).toContain('recovering (recovered');
    },
    300_000,
  );

  inBrowser(
    'are silenced from there, and told again when the silence is ended there',
    async () => {
      const alert = alertNamed('fires');
      await buttonOf(alert, 'Silence').click();
      await alert.locator('[name=createdBy]').fill('Ada');
      await alert.locator('[name=comment]').fill('Known');
      await buttonOf(alert, 'Silence it').click();
      await alert.locator('.mark', { hasText: 'silenced' }).waitFor();
      await page.locator('#firing', { hasText: 'fires' }).waitFor({ state: 'hidden' });
      await shoot('silenced');
      await buttonOf(alert, 'Why').click();
      await alert.locator('.alert-detail', { hasText: 'Nobody is told: silenced by' }).waitFor();
      await buttonOf(alert, 'End the silence').click();
      await page.locator('#firing article', { hasText: 'fires' }).waitFor();
    },
    300_000,
  );
});
