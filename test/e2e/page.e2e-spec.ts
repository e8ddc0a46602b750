import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { closeStream, getJson, postLog } from './api.js';
import { burstLog } from './burst-log.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';

// What a newcomer sees after the two commands of the README: a real process, a real log, a real browser.

const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
const itInBrowser = existsSync(CHROMIUM) ? it : it.skip;
const LACKING = existsSync(CHROMIUM) ? '' : ' [needs chromium]';

let browser: Browser | undefined;
let dataDir: string;
let standalone: StandaloneProcess | undefined;

beforeAll(async () => {
  if (!existsSync(CHROMIUM)) return;
  const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'];
  browser = await chromium.launch({ executablePath: CHROMIUM, args });
});

afterAll(async () => {
  await browser?.close();
});

afterEach(async () => {
  await standalone?.kill();
  removeFolder(dataDir);
});

describe('the page beside a log that is posted', () => {
  itInBrowser(
    `shows its numbers, its broken lines and its alert${LACKING}`,
    async () => {
      dataDir = temporaryFolder();
      standalone = await StandaloneProcess.start(dataDir);
      const page = await browser!.newPage();
      await page.goto(standalone.url);
      const log = burstLog({ minutes: 30, perMinute: 40, burstAt: 10, burstMinutes: 4, broken: 3 });
      await postLog(standalone.url, 'web', log);
      await closeStream(standalone.url, 'web');
      // The page was open and empty: it turns to the stream by itself.
      await page.getByText('1,200').first().waitFor();
      await page.getByText('Line unparsable').waitFor();
      await page.getByText('high-error-ratio').first().waitFor();
      await page.getByText('resolved').first().waitFor();
      const { alerts } = await getJson<{ alerts: { rule: string; status: string; historical: boolean }[] }>(
        `${standalone.url}/v1/alerts?stream=web`,
      );
      expect(alerts).toMatchObject([{ rule: 'high-error-ratio', status: 'resolved', historical: true }]);
      const shots = process.env['MILLRACE_TEST_SCREENSHOTS'];
      if (shots !== undefined) await page.screenshot({ path: `${shots}/posted-log.png`, fullPage: true });
    },
    300_000,
  );
});

describe('the page where keys are needed', () => {
  itInBrowser(
    `is opened with a key behind the #, which does not stay in the address${LACKING}`,
    async () => {
      const key = `mrk_${'k'.repeat(40)}`;
      dataDir = temporaryFolder();
      standalone = await StandaloneProcess.start(dataDir, { MILLRACE_ADMIN_KEY: key });
      const { url } = standalone;
      expect((await fetch(`${url}/v1/pipelines`)).status).toBe(401);
      const page = await browser!.newPage();
      await page.goto(`${url}/#key=${key}`);
      await page.locator('#connection[data-state=live]').waitFor();
      expect(page.url()).toBe(`${url}/`);
    },
    300_000,
  );

  itInBrowser(
    `says without one, and with a wrong one, what is wrong and where a key belongs, and takes it there${LACKING}`,
    async () => {
      const key = `mrk_${'k'.repeat(40)}`;
      dataDir = temporaryFolder();
      standalone = await StandaloneProcess.start(dataDir, { MILLRACE_ADMIN_KEY: key });
      const { url } = standalone;
      const page = await browser!.newPage();
      await page.goto(url);
      await page.locator('#connection[data-state=refused]').waitFor();
      await page.getByRole('heading', { name: 'A key is needed to read here' }).waitFor();
      await page.getByText(`${url}/#key=mrk_…`).waitFor();
      await page.getByText('there is no key; this needs one with the scope read').waitFor();
      // Without a new start of the page, as when somebody changes its address.
      await page.evaluate(`location.hash = 'key=mrk_${'x'.repeat(40)}'`);
      await page.getByRole('heading', { name: 'This key is refused' }).waitFor();
      await page.getByText('the key is unknown, expired or revoked').waitFor();
      const shots = process.env['MILLRACE_TEST_SCREENSHOTS'];
      if (shots !== undefined) await page.screenshot({ path: `${shots}/key-refused.png` });
      await page.getByRole('textbox', { name: 'Key' }).fill(key);
      await page.getByRole('button', { name: 'Use it' }).click();
      await page.locator('#connection[data-state=live]').waitFor();
      expect(page.url()).toBe(`${url}/`);
      expect(await page.locator('#key-panel').isVisible()).toBe(false);
    },
    300_000,
  );
});
