import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { JsonObject } from '#libs/kernel';
import { COLLECTIONS, type ResultRow } from '#libs/storage';
import {
  alertOf,
  DashboardFixture,
  fatesOf,
  MINUTE_MS,
  progressOf,
  requestsRow,
  sessionRow,
  topPathsRow,
  visitsRow,
} from './dashboard-fixture.js';

const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
/** Where screenshots go, to be looked at; none without it. */
const SCREENSHOTS = process.env['MILLRACE_SCREENSHOTS'];
const LAST_YEAR_MS = Date.UTC(2025, 2, 12);

const PATHS = [
  '/',
  '/products/3',
  '/products/17',
  '/cart',
  '/checkout',
  '/search',
  '/about',
  '/blog/how-we-pack',
  '/help/returns-and-refunds/how-long-does-it-take',
  '/login',
];

/** Top paths of the log's last hours, and more sessions than the page reads, one of them taken back. */
function lastYearsVisits(): readonly ResultRow[] {
  const ranked = Array.from({ length: 60 }, (_, minute) => {
    const counts = PATHS.map(
      (path, place) => [path, Math.round((minute < 51 ? 80 : 97) / (place + 1))] as const,
    );
    const startMs = LAST_YEAR_MS + (13 * 60 - 9 + minute) * MINUTE_MS;
    return topPathsRow(startMs, Object.fromEntries(counts), 2);
  });
  const sessions = Array.from({ length: 1_300 }, (_, i) => {
    const requests = 1 + ((i * 7) % 12) * (i % 3);
    const measures = {
      requests,
      length: requests === 1 ? 0 : requests * 41_000 + (i % 5) * 60_000,
      landing: PATHS[i % 4] ?? '/',
      exit: PATHS[(i * 3) % PATHS.length] ?? '/',
    };
    return sessionRow(`v${i}`, LAST_YEAR_MS + i * 37_000, measures);
  });
  const newestMs = LAST_YEAR_MS + 1_300 * 37_000;
  const takenBack = sessionRow('v0', newestMs, { requests: 9, landing: '/taken-back' });
  return [...ranked, ...sessions, { ...takenBack, revision: 1, retracted: true }];
}

const hasBrowser = existsSync(CHROMIUM);
if (!hasBrowser) process.stderr.write(`skipped: the page in a browser (no ${CHROMIUM}; set CHROMIUM_PATH)\n`);
const describeInBrowser = hasBrowser ? describe : describe.skip;

describeInBrowser('the page', () => {
  let browser: Browser;
  let dashboard: DashboardFixture;
  let page: Page;
  let url: string;
  let problems: string[];

  beforeAll(async () => {
    const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'];
    browser = await chromium.launch({ executablePath: CHROMIUM, args });
  }, 300_000);

  afterAll(() => browser.close());

  afterEach(async () => {
    await page.close();
    await dashboard.close();
    expect(problems).toEqual([]);
  });

  async function start(seed: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    dashboard = await DashboardFixture.open();
    url = await dashboard.listen();
    await seed();
    problems = [];
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(10_000);
    page.on('pageerror', (error) => problems.push(error.message));
    // Failed loads are part of the test in which the app goes away; what the policy refuses never is.
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('Failed to load'))
        problems.push(message.text());
    });
    await page.goto(url);
  }

  const text = (selector: string): Promise<string> => page.locator(selector).innerText();
  const shoot = async (name: string): Promise<void> => {
    if (SCREENSHOTS === undefined) return;
    mkdirSync(SCREENSHOTS, { recursive: true });
    await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
  };

  /** A log of last year of 14 hours with a fatal quarter of an hour, and live sample traffic beside it. */
  async function seedLogAndDemo(): Promise<void> {
    const nowMs = Date.now();
    const minutes = Array.from({ length: 14 * 60 }, (_, minute) => LAST_YEAR_MS + minute * MINUTE_MS);
    await dashboard.deliver(minutes.flatMap((startMs) => [requestsRow(startMs), visitsRow(startMs)]));
    const thisMinuteMs = nowMs - (nowMs % MINUTE_MS);
    const recent = Array.from({ length: 90 }, (_, minute) => thisMinuteMs - (minute + 1) * MINUTE_MS);
    await dashboard.deliver(
      recent.flatMap((startMs) => [
        requestsRow(startMs, { stream: 'demo' }),
        visitsRow(startMs, { stream: 'demo' }),
      ]),
    );
    await dashboard.deliver(lastYearsVisits());
    const startedAt = new Date(LAST_YEAR_MS + 60 * MINUTE_MS).toISOString();
    const resolvedAt = new Date(LAST_YEAR_MS + 75 * MINUTE_MS).toISOString();
    const summary = 'More than 5 % of requests fail';
    await dashboard.put(
      fatesOf('web', 0, {
        counts: { counted: 8_400, late: 3, dead: 2 },
        deadByCode: { LINE_UNPARSABLE: 2 },
        atMs: nowMs - 60_000,
      }),
      fatesOf('demo', 0, { counts: { counted: 900 }, atMs: nowMs }),
      ...[0, 1, 2, 3].map((partition) => progressOf('web', partition, LAST_YEAR_MS + 14 * 60 * MINUTE_MS)),
      alertOf('f1', 'web', {
        status: 'resolved',
        startedAt,
        firedAt: startedAt,
        resolvedAt,
        summary,
        value: 0,
      }),
      alertOf('f2', 'demo', { status: 'firing', startedAt, firedAt: startedAt, summary, value: 0.31 }),
    );
  }

  it('says how to send a log while there is none, and shows the first one that comes', async () => {
    await start();
    await page.locator('#empty').waitFor();
    const host = url.replace('http://', '');
    expect(await text('#empty [data-command]')).toBe(
      `curl --data-binary @/var/log/nginx/access.log ${host}/v1/streams/web/logs`,
    );
    await shoot('empty');
    const rows = [requestsRow(LAST_YEAR_MS), visitsRow(LAST_YEAR_MS)];
    await dashboard.deliver(rows);
    await dashboard.say({
      type: 'points',
      provisional: false,
      rows: rows as unknown as readonly JsonObject[],
      oldestReceivedMs: Date.now(),
    });
    await page.locator('#chart canvas').waitFor();
    expect(await page.locator('#stream').inputValue()).toBe('web');
  }, 300_000);

  it('opens on the log that was sent last, fitted to its own time, although sample traffic goes on', async () => {
    await start(seedLogAndDemo);
    await page.locator('#chart canvas').waitFor();
    expect(await page.locator('#stream').inputValue()).toBe('web');
    await page.locator('#figures', { hasText: '8,400' }).waitFor();
    expect(await text('#chart-range')).toBe('12 Mar 2025, 00:00 – 13:59');
    expect(await text('#watermark')).toBe('12 Mar 2025, 14:00:00');
    expect(await text('#figures')).toMatch(
      /Requests\s+8,400[\s\S]*Visits\s+3,360[\s\S]*Errors\s+10 %\s+840 of 8,400/,
    );
    await shoot('log-of-last-year');
  }, 300_000);

  it('names what was late or rejected, with a hint and a way to each line', async () => {
    await start(seedLogAndDemo);
    const rejected = page.locator('.fate', { hasText: 'Rejected: Line unparsable' });
    await rejected.waitFor();
    expect(await rejected.innerText()).toContain('format=combined');
    expect(await rejected.locator('a').getAttribute('href')).toBe(
      '/v1/dead-letters?pipeline=web&stream=web&code=LINE_UNPARSABLE',
    );
    expect(await page.locator('.fate', { hasText: 'Late' }).innerText()).toContain('allowedLateness');
  }, 300_000);

  it('lists dead letters with their originals and sends them again', async () => {
    const event = {
      id: 'e1',
      stream: 'web',
      timeMs: 0,
      receivedMs: 0,
      type: 'web-request@1',
      data: { path: '/x' },
    };
    const original = JSON.stringify(event);
    await start(async () => {
      await seedLogAndDemo();
      await dashboard.put({
        collection: COLLECTIONS.deadLetters,
        id: 'web/web/flag/e1',
        timeMs: 1_000,
        fields: { pipeline: 'web', stream: 'web', code: 'PRICES_AWAY' },
        body: {
          eventId: 'flag/e1',
          stream: 'web',
          receivedMs: 1_000,
          code: 'PRICES_AWAY',
          reason: 'the prices are away',
          stage: 'flag',
          topic: 'persistent://public/default/web.enriched',
          original,
          originalBytes: original.length,
        },
      });
    });
    await page.locator('#chart canvas').waitFor();
    await page.locator('#dead-letters-show').click();
    const letter = page.locator('.dead-letter');
    await letter.waitFor();
    expect(await letter.innerText()).toContain('the prices are away');
    await letter.locator('summary').click();
    expect(await letter.locator('pre').innerText()).toBe(original);
    await letter.locator('button').click();
    await page.locator('.dead-letter .sent', { hasText: 'Sent again as e1/r1' }).waitFor();
    expect(await text('#dead-letters-note')).toContain('1 sent again');
    await shoot('dead-letters');
  }, 300_000);

  it('shows the top paths of the newest complete window, and the sessions', async () => {
    await start(seedLogAndDemo);
    const paths = page.locator('[data-series=top_paths]');
    await paths.waitFor();
    expect(await paths.innerText()).toMatch(
      /Top paths\s+12 Mar 2025, 13:50 – 13:55[\s\S]*\/products\/3\s+49[\s\S]*too high by up to 2\./,
    );
    const sessions = page.locator('[data-series=sessions]');
    await sessions.waitFor();
    expect(await sessions.innerText()).toMatch(
      /The newest 1,000 sessions, began since 12 Mar 2025, [\d:]+; there are older ones[\s\S]*Median length\s+\d+ min/,
    );
    expect(await sessions.locator('tbody tr').count()).toBe(6);
    expect(await sessions.innerText()).not.toContain('/taken-back');
  }, 300_000);

  it('puts firing alerts in front and lists resolved ones with their times', async () => {
    await start(seedLogAndDemo);
    await page.locator('#firing article').waitFor();
    expect(await text('#firing')).toMatch(/critical\s+error-burst\s+More than 5 % of requests fail/);
    const resolved = page.locator('#alerts li', { hasText: 'resolved' });
    expect(await resolved.innerText()).toContain('12 Mar 2025, 01:00:00 – 01:15, 15 min');
  }, 300_000);

  it('is steered by keys: the stream picker, and what was picked stays in the address', async () => {
    await start(seedLogAndDemo);
    await page.locator('#stream:not([disabled])').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    expect(await page.evaluate<unknown>('document.activeElement?.id')).toBe('stream');
    await page.keyboard.type('demo');
    await page.waitForURL('**/?stream=demo');
    await page.locator('#range-hour[aria-pressed=true]').waitFor();
    await page.reload();
    await page.locator('#chart canvas').waitFor();
    expect(await page.locator('#stream').inputValue()).toBe('demo');
    await shoot('live');
  }, 300_000);

  it('counts on as points come in', async () => {
    await start(seedLogAndDemo);
    await page.goto(`${url}/?stream=demo`);
    await page.locator('#chart canvas').waitFor();
    const nowMs = Date.now();
    const measures = { requests: 777, bytes: 1, errors: 0, duration: null };
    const row = requestsRow(nowMs - (nowMs % MINUTE_MS), { stream: 'demo', measures });
    const rows = [row] as unknown as readonly JsonObject[];
    await dashboard.say({ type: 'points', provisional: true, rows, oldestReceivedMs: nowMs });
    await page.locator('#figures', { hasText: '777 in this minute so far' }).waitFor();
    expect(await text('#legend')).toMatch(/requests\s*777[\s\S]*still filling/);
  }, 300_000);

  it('zooms by dragging and goes back by a double click', async () => {
    await start(seedLogAndDemo);
    await page.locator('#figures', { hasText: '8,400' }).waitFor();
    const box = await page.locator('#chart .u-over').boundingBox();
    if (box === null) throw new Error('the chart is not there');
    const middle = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width * 0.25, middle);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, middle, { steps: 5 });
    await page.mouse.up();
    await page.locator('#range-reset').waitFor();
    expect(await text('#chart-range')).toMatch(/^12 Mar 2025, 03:\d\d – 0[67]:\d\d$/);
    expect(await text('#figures')).toMatch(/Requests\s+2,\d{3}/);
    await page.mouse.dblclick(box.x + box.width / 2, middle);
    await page.locator('#range-reset').waitFor({ state: 'hidden' });
    expect(await text('#chart-range')).toBe('12 Mar 2025, 00:00 – 13:59');
  }, 300_000);

  it('loads nothing from elsewhere, and a policy sees to that', async () => {
    await start(seedLogAndDemo);
    await page.locator('#chart canvas').waitFor();
    const loaded = await page.evaluate<string[]>(
      `performance.getEntriesByType('resource').map(({ name }) => name)`,
    );
    expect(loaded.length).toBeGreaterThan(10);
    expect(loaded.filter((address) => !address.startsWith(url))).toEqual([]);
    const answer = await fetch(url);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
    const etag = answer.headers.get('etag') ?? '';
    expect((await fetch(url, { headers: { 'if-none-match': etag } })).status).toBe(304);
  }, 300_000);

  it('fits a phone', async () => {
    await start(seedLogAndDemo);
    await page.setViewportSize({ width: 390, height: 844 });
    await page.locator('#chart canvas').waitFor();
    await page.locator('[data-series=sessions] tbody').waitFor();
    expect(await page.evaluate<unknown>('document.documentElement.scrollWidth')).toBe(390);
    await shoot('phone');
  }, 300_000);

  it('says that it reconnects while the app is away', async () => {
    await start(seedLogAndDemo);
    await page.locator('#connection[data-state=live]').waitFor();
    await dashboard.close();
    await page.locator('#connection[data-state=reconnecting]').waitFor();
    expect(await text('#connection')).toBe('Reconnecting…');
    await shoot('reconnecting');
    dashboard = await DashboardFixture.open();
    await dashboard.listen(Number(new URL(url).port));
    await seedLogAndDemo();
    await page.locator('#connection[data-state=live]').waitFor();
    await page.locator('body:not([data-view=stale])').waitFor();
  }, 300_000);
});
