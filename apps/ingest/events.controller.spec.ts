import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { request } from 'node:http';
import { isDeadEvent, type StreamEvent } from '#libs/kernel';
import { IngestFixture } from './fixture/ingest-fixture.js';
import type { IntakeReceipt } from './intake-request.js';

const EVENTS = '/v1/streams/web/events';
const VISIT = { method: 'GET', path: '/', status: 200 };
const CLOUD_EVENT = { specversion: '1.0', id: '7', source: '/shop', type: 'com.example.visit', data: VISIT };
const NDJSON = 'application/x-ndjson';

let ingest: IngestFixture;

beforeEach(async () => {
  ingest = await IngestFixture.start();
});

afterEach(async () => {
  await ingest.stop();
});

async function storedEvents(): Promise<StreamEvent[]> {
  return (await ingest.items()).filter((item): item is StreamEvent => !isDeadEvent(item));
}

describe('POST events', () => {
  it('stores one event before it answers, with what the sender gave', async () => {
    const event = { id: 'a', time: '2026-01-31T12:00:00Z', key: 'k', data: { ...VISIT, plan: 'gold' } };
    const answer = await ingest.post(EVENTS, JSON.stringify(event));
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({
      accepted: 1,
      duplicates: 0,
      rejected: 0,
      errors: [],
      errorsTruncated: false,
    });
    expect(await ingest.items()).toEqual([
      {
        ...{
          id: 'a',
          stream: 'web',
          timeMs: Date.parse(event.time),
          receivedMs: expect.any(Number),
          key: 'k',
        },
        ...{ type: 'web-request@1', data: { ...VISIT, plan: 'gold' } },
      },
    ]);
  });

  it('takes the good events of an array, and names the others', async () => {
    const values = [
      { id: 'a', ...VISIT },
      5,
      { id: 'b', ...VISIT, status: 700 },
      { id: 'c', ...VISIT, time: 'noon' },
      { id: 'd', type: 'other@1', data: VISIT },
      { id: 'a', ...VISIT },
    ];
    const { status, body } = await ingest.post<IntakeReceipt>(EVENTS, JSON.stringify(values));
    expect(status).toBe(202);
    expect(body).toMatchObject({ accepted: 1, duplicates: 1, rejected: 4, errorsTruncated: false });
    expect(body.errors.map(({ index, code, path }) => [index, code, path])).toEqual([
      [1, 'EVENT_NOT_OBJECT', ''],
      [2, 'EVENT_DATA_INVALID', '/status'],
      [3, 'TIME_INVALID', '/time'],
      [4, 'TYPE_UNKNOWN', '/type'],
    ]);
    const dead = (await ingest.items()).filter(isDeadEvent);
    expect(dead.find(({ id }) => id === 'b')).toEqual({
      ...{ id: 'b', stream: 'web', receivedMs: expect.any(Number) },
      dead: {
        ...{
          code: 'EVENT_DATA_INVALID',
          reason: body.errors[1]?.detail,
          stage: 'ingest',
          index: 2,
          path: '/status',
        },
        ...{
          attempts: 1,
          original: JSON.stringify(values[2]),
          originalBytes: JSON.stringify(values[2]).length,
        },
      },
    });
    expect(dead).toHaveLength(4);
  });

  it('takes lines of JSON, and names bad ones by line and index', async () => {
    const lines = [JSON.stringify(VISIT), '', '{"broken', JSON.stringify(VISIT), `"${'x'.repeat(300_000)}"`];
    const { body } = await ingest.post<IntakeReceipt>(EVENTS, lines.join('\n'), { contentType: NDJSON });
    expect(body).toMatchObject({ accepted: 2, rejected: 2 });
    expect(body.errors.map(({ index, line, code }) => [index, line, code])).toEqual([
      [1, 3, 'EVENT_NOT_JSON'],
      [3, 5, 'LINE_TOO_LONG'],
    ]);
    const long = (await ingest.items()).filter(isDeadEvent).find(({ dead }) => dead.code === 'LINE_TOO_LONG');
    expect(long?.dead).toMatchObject({ line: 5, originalBytes: 300_002 });
    expect(long?.dead.original).toHaveLength(8_192);
  });

  it('lists the first hundred errors, and counts them all', async () => {
    const { body } = await ingest.post<IntakeReceipt>(EVENTS, JSON.stringify(Array(150).fill(1)));
    expect(body).toMatchObject({ accepted: 0, rejected: 150, errorsTruncated: true });
    expect(body.errors).toHaveLength(100);
    expect((await ingest.items()).filter(isDeadEvent)).toHaveLength(150);
  });

  it('takes CloudEvents: structured, in a batch, and in headers', async () => {
    await ingest.post(EVENTS, JSON.stringify(CLOUD_EVENT), {
      contentType: 'application/cloudevents+json; charset=utf-8',
    });
    const batch = [CLOUD_EVENT, { ...CLOUD_EVENT, id: '8' }, { ...CLOUD_EVENT, id: '7', source: '/other' }];
    const answer = await ingest.post(EVENTS, JSON.stringify(batch), {
      contentType: 'application/cloudevents-batch+json',
    });
    expect(answer.body).toMatchObject({ accepted: 3 });
    const headers = { 'ce-specversion': '1.0', 'ce-id': '9', 'ce-source': '/shop', 'ce-type': 't' };
    await ingest.post(EVENTS, JSON.stringify(VISIT), { headers });
    expect((await storedEvents()).map(({ id }) => id).sort()).toEqual(
      ['/other#7', '/shop#7', '/shop#7', '/shop#8', '/shop#9'].sort(),
    );
  });

  it('makes ids that begin with what the frame says, or from the idempotency key', async () => {
    await ingest.post(EVENTS, JSON.stringify([VISIT, VISIT]));
    await ingest.post(EVENTS, JSON.stringify([VISIT, VISIT]), { headers: { 'idempotency-key': 'order-1' } });
    const frames = (await ingest.frames()).filter(({ items }) => items.length > 0);
    for (const { header, items } of frames) {
      const isKeyed = items.every(({ id }) => id.startsWith('order-1:'));
      expect(isKeyed || items.every(({ id }) => id.startsWith(header.generatedIds ?? '?'))).toBe(true);
    }
    const ids = frames.flatMap(({ items }) => items.map(({ id }) => id));
    expect(ids.filter((id) => id.startsWith('order-1:')).sort()).toEqual(['order-1:0', 'order-1:1']);
    expect(new Set(ids).size).toBe(4);
  });

  it('marks a stream in every partition before its first event, once', async () => {
    await ingest.post(EVENTS, JSON.stringify(VISIT));
    await ingest.post(EVENTS, JSON.stringify(VISIT));
    const frames = await ingest.frames();
    const markers = frames.filter(({ header }) => header.markers !== undefined);
    expect(markers.map(({ delivery, header }) => [delivery.partition, header.markers])).toEqual(
      [0, 1, 2, 3].map((partition) => [partition, [{ type: 'open', stream: 'web' }]]),
    );
    for (const { delivery } of markers) expect(delivery.properties['millrace-seq']).toBe('0');
  });

  it('refuses an event that is too large or nested too deeply, and goes on', async () => {
    const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`;
    const large = JSON.stringify({ ...VISIT, note: 'x'.repeat(262_144 - 60) });
    const lines = [
      deep.slice(0, 250_000),
      `{"method":"GET","path":"/","status":200,"deep":${'['.repeat(65)}${']'.repeat(65)}}`,
    ];
    const body = [
      ...lines,
      large,
      `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
      JSON.stringify(VISIT),
    ].join('\n');
    const { body: receipt } = await ingest.post<IntakeReceipt>(EVENTS, body, { contentType: NDJSON });
    expect(receipt.errors.map(({ code }) => code)).toEqual([
      'EVENT_NOT_JSON',
      'EVENT_TOO_DEEP',
      'EVENT_TOO_LARGE',
      'EVENT_NOT_OBJECT',
    ]);
    expect(receipt.accepted).toBe(1);
  });
});

describe('POST events refuses the request as a whole', () => {
  it('a body of more than 1 MiB that does not say its length, over a connection that lasts until the answer', async () => {
    await ingest.app.listen(0, '127.0.0.1');
    const url = await ingest.app.getUrl();
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const sent = request(`${url}${EVENTS}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
      });
      sent.once('response', (response) => {
        resolve(response.statusCode);
        sent.destroy();
      });
      sent.on('error', reject);
      // The body does not end: what is answered is answered in the middle of it.
      for (let n = 0; n < 64; n++) sent.write(Buffer.alloc(65_536, ' '));
    });
    expect(status).toBe(413);
  });

  it.each([
    ['a body that is not JSON', EVENTS, '{', {}, 400, 'BODY_NOT_JSON', 'not JSON'],
    ['an empty body', EVENTS, '', {}, 400, 'BODY_NOT_JSON', 'not JSON'],
    ['a name that is none', '/v1/streams/Web!/events', '{}', {}, 400, 'STREAM_NAME_INVALID', "'Web!'"],
    ['more than 1 MiB', EVENTS, `[${' '.repeat(1_048_576)}]`, {}, 413, 'BODY_TOO_LARGE', 'x-ndjson'],
    [
      'another type',
      EVENTS,
      'a=b',
      { contentType: 'text/csv' },
      415,
      'CONTENT_TYPE_UNSUPPORTED',
      'application/x-ndjson',
    ],
    ['no type', EVENTS, '{}', { contentType: '' }, 415, 'CONTENT_TYPE_UNSUPPORTED', 'no stated type'],
    [
      'a body that is compressed in a way of its own',
      EVENTS,
      'x',
      { headers: { 'content-encoding': 'br' } },
      415,
      'CONTENT_ENCODING_UNSUPPORTED',
      'gzip',
    ],
    [
      'a batch that is none',
      EVENTS,
      '{}',
      { contentType: 'application/cloudevents-batch+json' },
      400,
      'BATCH_NOT_ARRAY',
      'array',
    ],
    [
      'a key that is none',
      EVENTS,
      '{}',
      { headers: { 'idempotency-key': 'a b' } },
      400,
      'IDEMPOTENCY_KEY_INVALID',
      '1 to 200',
    ],
    ['a pipeline that is none', `${EVENTS}?pipeline=shop`, '{}', {}, 404, 'PIPELINE_UNKNOWN', 'shop'],
  ])('%s', async (_, path, payload, options, status, code, detail) => {
    const answer = await ingest.post(path, payload, options);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer).toMatchObject({ status, body: { status, code, detail: expect.stringContaining(detail) } });
    expect(await ingest.items()).toEqual([]);
  });
});
