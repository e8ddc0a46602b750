import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { isDeadEvent } from '#libs/kernel';
import { MessageBroker } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import { Pipelines } from '#libs/platform';
import { IngestFixture } from './fixture/ingest-fixture.js';
import type { IntakeReceipt } from './intake-request.js';

const LOGS = '/v1/streams/web/logs';
const CURL = 'application/x-www-form-urlencoded';
const line = (n: number): string =>
  `203.0.113.9 - - [10/Oct/2025:13:55:36 -0700] "GET /p/${n}?q=1 HTTP/1.1" 200 ${n} "-" "curl/8.5.0"`;

let ingest: IngestFixture;

beforeEach(async () => {
  ingest = await IngestFixture.start();
});

afterEach(async () => {
  await ingest.stop();
});

async function post(body: string | NodeJS.ReadableStream, path = LOGS, key?: string): Promise<IntakeReceipt> {
  const headers = key === undefined ? {} : { 'idempotency-key': key };
  const { status, body: receipt } = await ingest.post<IntakeReceipt>(path, body, {
    contentType: CURL,
    headers,
  });
  expect(status).toBe(202);
  return receipt;
}

describe('POST logs', () => {
  it('takes lines of several formats in one body, and names each broken one', async () => {
    const json = '{"time":"2025-10-10T20:55:36Z","method":"GET","path":"/j","status":204}';
    const receipt = await post(
      [line(1), '', 'garbage', json, '\r', line(2).replace('Oct', 'Foo')].join('\n'),
    );
    expect(receipt).toMatchObject({ accepted: 2, rejected: 2, duplicates: 0 });
    expect(receipt.errors).toEqual([
      {
        index: 1,
        line: 3,
        code: 'LINE_UNPARSABLE',
        detail: expect.stringContaining('wanted: host ident user'),
      },
      { index: 3, line: 6, code: 'TIME_INVALID', detail: expect.stringContaining('Foo') },
    ]);
    const items = await ingest.items();
    expect(items.filter(isDeadEvent).map(({ dead }) => [dead.line, dead.original])).toEqual(
      expect.arrayContaining([
        [3, 'garbage'],
        [6, expect.stringContaining('Foo')],
      ]),
    );
    const events = items.filter((item) => !isDeadEvent(item));
    expect(events).toContainEqual(
      expect.objectContaining({
        ...{ stream: 'web', timeMs: Date.parse('2025-10-10T20:55:36Z'), type: 'web-request@1' },
        data: {
          ...{ method: 'GET', path: '/p/1', query: 'q=1', protocol: 'HTTP/1.1', status: 200, bytes: 1 },
          ...{ clientIp: '203.0.113.9', userAgent: 'curl/8.5.0' },
        },
      }),
    );
  });

  it('gives every line the id of key and line number, and made-up ones without a key', async () => {
    await post(['', line(1), 'garbage'].join('\n'), LOGS, 'log-7');
    expect((await ingest.items()).map(({ id }) => id).sort()).toEqual(['log-7:2', 'log-7:3']);
    await post([line(1), line(1)].join('\n'));
    expect(await ingest.items()).toHaveLength(4);
  });

  it('refuses what a line says that the schema does not allow', async () => {
    const receipt = await post(line(1).replace(' 200 ', ' 999 '));
    expect(receipt.errors).toMatchObject([{ line: 1, code: 'EVENT_DATA_INVALID', path: '/status' }]);
  });

  it('reads only the format it is told, and refuses one there is not', async () => {
    expect(await post(line(1), `${LOGS}?format=json`)).toMatchObject({ accepted: 0, rejected: 1 });
    expect(await post(line(1), `${LOGS}?format=combined`)).toMatchObject({ accepted: 1, rejected: 0 });
    const answer = await ingest.post(`${LOGS}?format=apache`, line(1));
    expect(answer).toMatchObject({ status: 400, body: { code: 'LOG_FORMAT_UNKNOWN' } });
    expect(answer.body['detail']).toContain('combined, common, nginx-json, json');
  });

  it('takes a body larger than any buffer, in frames of at most 500 events', async () => {
    const lines = 60_000;
    const chunks = function* (): Generator<string> {
      for (let n = 0; n < lines; n++) yield `${line(n)}\n`;
    };
    expect(await post(Readable.from(chunks()))).toMatchObject({ accepted: lines, rejected: 0 });
    const frames = await ingest.frames();
    expect(frames.reduce((sum, { items }) => sum + items.length, 0)).toBe(lines);
    expect(Math.max(...frames.map(({ items }) => items.length))).toBeLessThanOrEqual(500);
    expect(frames.length).toBeLessThan(lines / 100);
    for (const partition of [0, 1, 2, 3]) {
      const own = frames.filter(({ delivery }) => delivery.partition === partition);
      expect(own.map(({ delivery }) => delivery.sequenceId)).toEqual(own.map((_, index) => index));
    }
  }, 300_000);

  it('counts what was stored and what was refused', async () => {
    await post([line(1), line(2), 'garbage'].join('\n'));
    const { text } = await ingest.app.get(Telemetry).metrics();
    expect(text).toContain('millrace_ingest_accepted_events_total{pipeline="web",stream="web"} 2');
    expect(text).toContain(
      'millrace_ingest_rejected_events_total{pipeline="web",stream="web",code="LINE_UNPARSABLE"} 1',
    );
  });

  it('answers an empty body', async () => {
    expect(await post('')).toMatchObject({ accepted: 0, rejected: 0 });
  });
});

describe('a sender that goes away in the middle of its body', () => {
  it('leaves what came before stored, and half a line not', async () => {
    await ingest.app.listen(0, '127.0.0.1');
    const sent = request(`${await ingest.app.getUrl()}${LOGS}`, { method: 'POST' });
    const broken = new Promise<void>((resolve) =>
      sent.once('error', () => resolve()).once('close', () => resolve()),
    );
    sent.write(`${line(1)}\n${line(2)}\n${line(3)}`);
    await stored(2);
    sent.destroy();
    await broken;
    expect(await post(line(4))).toMatchObject({ accepted: 1 });
    const paths = (await ingest.items()).map(
      (item) => !isDeadEvent(item) && (item.data as { path: string }).path,
    );
    expect(paths.sort()).toEqual(['/p/1', '/p/2', '/p/4']);
  });

  /** Looks until so many items are stored. */
  async function stored(count: number): Promise<void> {
    while ((await ingest.items()).length < count) await new Promise((resolve) => setImmediate(resolve));
  }
});

describe('a log without room', () => {
  it('is answered with 503 and Retry-After, and takes in again once there is', async () => {
    await ingest.stop();
    ingest = await IngestFixture.start({ MILLRACE_DATA_MAX_BYTES: '16MiB' });
    const body = function* (): Generator<string> {
      // Random, so that frames can't be made small.
      for (let n = 0; n < 50_000; n++)
        yield `${line(n).replace('q=1', randomBytes(700).toString('base64url'))}\n`;
    };
    const answer = await ingest.post(LOGS, Readable.from(body()), { contentType: CURL });
    expect(answer).toMatchObject({ status: 503, body: { code: 'LOG_FULL' } });
    expect(answer.headers['retry-after']).toBeDefined();
    await readEverything();
    expect(await post(line(1))).toMatchObject({ accepted: 1 });
    const frames = await ingest.frames();
    for (const partition of [0, 1, 2, 3]) {
      const numbers = frames
        .filter(({ delivery }) => delivery.partition === partition)
        .map(({ delivery }) => delivery.sequenceId ?? -1);
      expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
    }
  }, 300_000);

  /** Does what enrich does, but for the work. */
  async function readEverything(): Promise<void> {
    const topic = ingest.app.get(Pipelines).topic('web', 'raw');
    for (const partition of [0, 1, 2, 3]) {
      const consumer = await ingest.app
        .get(MessageBroker)
        .openConsumer({ topic, partition, subscription: 'enrich' });
      for (;;) {
        const last = (await consumer.receive({ maxMessages: 1_000, maxBytes: 100_000_000, waitMs: 0 })).at(
          -1,
        );
        if (last === undefined) break;
        await consumer.acknowledgeUpTo(last.position);
      }
      await consumer.close();
    }
  }
});
