import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { isDeadEvent, type StreamEvent } from '#libs/kernel';
import { IngestFixture } from './fixture/ingest-fixture.js';

const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
const SCRIPT = readFileSync(join(import.meta.dirname, '../../examples/05-browser-beacon/beacon.js'), 'utf8');
const hasBrowser = existsSync(CHROMIUM);
const describeInBrowser = hasBrowser ? describe : describe.skip;
const needs = hasBrowser ? '' : ' [needs chromium]';

describe('the beacon script', () => {
  it('has at most 3 KB', () => {
    expect(Buffer.byteLength(SCRIPT)).toBeLessThanOrEqual(3 * 1024);
  });
});

describeInBrowser(`the beacon script in a browser${needs}`, () => {
  let browser: Browser;
  let site: Server;
  let ingest: IngestFixture;
  let origin: string;

  beforeAll(async () => {
    let ingestUrl = '';
    site = createServer((request, response) => {
      if (request.url === '/beacon.js') {
        response.setHeader('content-type', 'text/javascript').end(SCRIPT);
        return;
      }
      const tag = `<script defer src="/beacon.js" data-url="${ingestUrl}" data-stream="shop"></script>`;
      response.setHeader('content-type', 'text/html').end(`<!doctype html><title>x</title>${tag}<p>a page`);
    });
    await new Promise<void>((listening) => site.listen(0, '127.0.0.1', listening));
    origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
    ingest = await IngestFixture.start({ MILLRACE_CORS_ORIGINS: origin });
    await ingest.app.listen(0, '127.0.0.1');
    ingestUrl = await ingest.app.getUrl();
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  }, 300_000);

  afterAll(async () => {
    await browser.close();
    site.closeAllConnections();
    site.close();
    await ingest.stop();
  });

  /** All that is told once `count` of it are such. A beacon may arrive long after its page is gone. */
  async function untilTold(isSuch: (told: Record<string, unknown>) => boolean, count: number) {
    for (;;) {
      const items = (await ingest.items()).filter((item): item is StreamEvent => !isDeadEvent(item));
      const told = items.map(({ data }) => data as Record<string, unknown>);
      if (told.filter(isSuch).length >= count) return told;
      await new Promise((passed) => setTimeout(passed, 50));
    }
  }

  it('reports each page that is seen, and for how long', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
    const sent = async (): Promise<unknown> =>
      await page.waitForResponse((response) => response.url().includes('/events'));
    const [first] = await Promise.all([sent(), page.goto(`${origin}/a?x=1`)]);
    expect((first as { status(): number }).status()).toBe(202);
    await Promise.all([sent(), page.evaluate("history.pushState(null, '', '/b')")]);
    await page.goto(`${origin}/c`);
    await untilTold(({ method, path }) => method === 'GET' && path === '/c', 1);
    await context.close();
    const told = await untilTold(({ method }) => method === 'LEAVE', 2);
    const views = told.filter(({ method }) => method === 'GET');
    expect(views.map(({ path }) => path).sort()).toEqual(['/a', '/b', '/c']);
    expect(views.find(({ path }) => path === '/a')).toMatchObject({
      query: 'x=1',
      status: 200,
      host: '127.0.0.1',
    });
    expect(views.find(({ path }) => path === '/b')).toMatchObject({ referrer: `${origin}/a?x=1` });
    expect(new Set(views.map(({ sessionId }) => sessionId)).size).toBe(1);
    const left = told.filter(({ method }) => method === 'LEAVE');
    expect(left.length).toBeGreaterThanOrEqual(2);
    for (const { durationMs } of left) expect(durationMs).toBeGreaterThan(0);
    expect(complaints).toEqual([]);
  }, 300_000);
});
