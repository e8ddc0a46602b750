import { afterEach, expect, it } from '@jest/globals';
import { describeWithPulsar } from '#libs/testing';
import { makeAccessLog } from './access-log.js';
import { allRows, type ApiRow, closeStream, deadLines, fatesOf, postLog, requestsByMinute } from './api.js';
import { codesOfDead, type ForeignMessage, publishForeign, untilReported } from './foreign-producer.js';
import { until } from './until.js';
import { Opened } from './opened.js';
import { PulsarNamespace } from './pulsar-namespace.js';
import { recount } from './recount.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';
import { visitsLog } from './visits-log.js';

// The whole pipeline over a real broker: the same log gives the same rows as over the embedded log, and as counted
// outside.

const VISITS = visitsLog({ visitors: 400, seed: 11 });
const LOG = makeAccessLog({ lines: 6_000, days: 2, broken: 12, seed: 5 });
const SERIES = ['requests_per_minute', 'visits_per_minute', 'top_paths', 'sessions'];
/** Visitors get the same ids in both runs. */
const SECRET = { MILLRACE_VISITOR_SECRET: 'of both runs' };

describeWithPulsar('the whole pipeline over WebSocket', (addresses) => {
  const opened = new Opened();

  afterEach(() => opened.closeAll(), 120_000);

  async function start(settings: Readonly<Record<string, string>>): Promise<StandaloneProcess> {
    const folder = temporaryFolder();
    opened.add(() => removeFolder(folder));
    const standalone = await StandaloneProcess.start(folder, settings);
    opened.add(() => standalone.kill());
    return standalone;
  }

  async function namespace(): Promise<PulsarNamespace> {
    const made = await PulsarNamespace.make(addresses);
    opened.add(() => made.remove());
    return made;
  }

  /** Every row of every series, in an order of its own. */
  async function rowsOfAll(
    url: string,
    stream: string,
  ): Promise<Readonly<Record<string, readonly string[]>>> {
    const entries = await Promise.all(
      SERIES.map(async (name) => [name, (await allRows(url, name, stream)).map(textOf).sort()] as const),
    );
    return Object.fromEntries(entries);
  }

  it('gives the rows of the embedded log for the same log', async () => {
    const [embedded, pulsar] = await Promise.all([
      start(SECRET),
      start({ ...SECRET, ...(await namespace()).settings }),
    ]);
    for (const { url } of [embedded, pulsar]) {
      await postLog(url, 'web', VISITS);
      await closeStream(url, 'web');
    }
    const rows = await rowsOfAll(pulsar.url, 'web');
    expect(rows).toEqual(await rowsOfAll(embedded.url, 'web'));
    expect(Object.values(rows).every(({ length }) => length > 0)).toBe(true);
    expect(await fatesOf(pulsar.url, 'web')).toEqual(await fatesOf(embedded.url, 'web'));
    expect(await pulsar.stop()).toBe(0);
  }, 300_000);

  it('gives the numbers of an independent count, names each broken line, and counts a log sent again once', async () => {
    const { url } = await start((await namespace()).settings);
    for (let i = 0; i < 2; i++) {
      expect(await postLog(url, 'web', LOG.text, 'log-5')).toMatchObject({ accepted: 6_000, rejected: 12 });
    }
    await closeStream(url, 'web');
    const rows = await allRows(url, 'requests_per_minute', 'web');
    expect(requestsByMinute(rows)).toEqual(recount(LOG.text));
    expect([...new Set(rows.map(({ phase }) => phase))]).toEqual(['final']);
    expect(await fatesOf(url, 'web')).toMatchObject({ counted: 6_000, dead: 12, duplicate: 6_012, late: 0 });
    expect(await deadLines(url, 'web')).toEqual(LOG.brokenLines);
  }, 300_000);

  it('reads single events of any producer, and names what is none', async () => {
    const place = await namespace();
    const { url } = await start(place.settings);
    const startMs = Date.UTC(2026, 0, 31, 12);
    const request = (i: number): object => ({ method: 'GET', path: `/p/${i % 3}`, status: 200 });
    const messages = Array.from({ length: 90 }, (_, i): ForeignMessage => {
      const time = new Date(startMs + i * 2_000).toISOString();
      const event = { specversion: '1.0', id: `${i}`, source: '/shop', type: 'request', time };
      const properties = { 'millrace-stream': 'shop' };
      if (i % 3 === 0) return { payload: { id: `${i}`, time, ...request(i) }, properties };
      if (i % 3 === 1) return { payload: { ...event, data: request(i) }, properties };
      return { payload: request(i), properties: { ...properties, ...binary(event) } };
    });
    // A repeat, one that is no event of the pipeline, and one that is nothing at all.
    await publishForeign(place, 0, [...messages.slice(0, 60), messages[0]!, { payload: { path: 7 } }]);
    await publishForeign(place, 1, [...messages.slice(60), { payload: 'hello', isText: true }]);
    await untilReported(url, 'shop', 90);
    await closeStream(url, 'shop');
    const rows = await allRows(url, 'requests_per_minute', 'shop');
    expect([...requestsByMinute(rows)]).toEqual([0, 1, 2].map((minute) => [startMs + minute * 60_000, 30]));
    expect([...new Set(rows.map(({ phase }) => phase))]).toEqual(['final']);
    expect(await fatesOf(url, 'shop')).toMatchObject({ counted: 90, duplicate: 1, dead: 0 });
    expect(await codesOfDead(url)).toEqual(['EVENT_DATA_INVALID', 'FRAME_UNDECODABLE']);
  }, 300_000);

  it('stops the task that reads what is no frame elsewhere, and says where', async () => {
    const place = await namespace();
    const { url } = await start(place.settings);
    await publishForeign(place, 0, [{ payload: 'hello', isText: true }], 'enriched');
    const { body } = await until(
      async () => {
        const response = await fetch(`${url}/health/ready`);
        return { status: response.status, body: await response.text() };
      },
      ({ status, body: text }) => status === 503 && text.includes('INPUT_UNDECODABLE'),
    );
    expect(body).toContain('web/local/0');
  }, 300_000);
});

/** Everything but how often it was corrected, which depends on when what arrived. */
function textOf({ windowStart, windowEnd, key, measures, phase }: ApiRow): string {
  return JSON.stringify({ windowStart, windowEnd, key, measures, phase });
}

/** CloudEvents attributes as properties. */
function binary(event: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(event).map(([name, value]) => [`ce_${name}`, value]));
}
