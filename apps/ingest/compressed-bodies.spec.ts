import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { IngestFixture } from './fixture/ingest-fixture.js';

const EVENTS = '/v1/streams/web/events';
const LOGS = '/v1/streams/web/logs';
const LINE = '::1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 5 "-" "x"\n';
const MIB = 1024 * 1024;

let ingest: IngestFixture;

beforeEach(async () => {
  ingest = await IngestFixture.start({ MILLRACE_INGEST_MAX_INFLATED: '16MiB' });
});

afterEach(async () => {
  await ingest.stop();
});

const sent = (encoding: string): { headers: Record<string, string> } => ({
  headers: { 'content-encoding': encoding },
});

describe('a compressed body', () => {
  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
    ['GZip', gzipSync],
    ['x-gzip', gzipSync],
  ])('of %s is inflated while it comes', async (encoding, compress) => {
    const logs = await ingest.post(LOGS, compress(Buffer.from(LINE.repeat(2_000))), sent(encoding));
    expect(logs).toMatchObject({ status: 202, body: { accepted: 2_000, rejected: 0 } });
    const event = JSON.stringify({ method: 'GET', path: '/', status: 200 });
    expect(await ingest.post(EVENTS, compress(Buffer.from(event)), sent(encoding))).toMatchObject({
      status: 202,
    });
  });

  it('of several members is read to its end', async () => {
    const body = Buffer.concat([gzipSync(LINE), gzipSync(LINE)]);
    expect(await ingest.post(LOGS, body, sent('gzip'))).toMatchObject({ body: { accepted: 2 } });
  });

  it('of several frames is read to its end, without what is to be skipped', async () => {
    const skippable = Buffer.concat([Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 4, 0, 0, 0]), Buffer.from('skip')]);
    const frame = zstdCompressSync(LINE);
    const body = Buffer.concat([skippable, frame, frame, skippable, frame, skippable]);
    expect(await ingest.post(LOGS, body, sent('zstd'))).toMatchObject({ body: { accepted: 3 } });
  });

  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])(
    'of %s that stands for more than the cap is refused, and what came before is stored',
    async (encoding, compress) => {
      // Blank lines count for nothing but their bytes.
      const bomb = compress(Buffer.from(LINE + '\n'.repeat(17 * MIB)));
      expect(bomb.length).toBeLessThan(MIB / 4);
      const answer = await ingest.post(LOGS, bomb, sent(encoding));
      expect(answer).toMatchObject({ status: 413, body: { code: 'BODY_INFLATED_TOO_LARGE' } });
      expect(await ingest.items()).toHaveLength(1);
    },
  );

  it('of JSON counts as it is inflated', async () => {
    const answer = await ingest.post(EVENTS, gzipSync(`[${' '.repeat(2 * MIB)}]`), sent('gzip'));
    expect(answer).toMatchObject({ status: 413, body: { code: 'BODY_TOO_LARGE' } });
  });

  const gzipped = gzipSync(LINE.repeat(5_000));
  const frame = zstdCompressSync(LINE.repeat(5_000));
  it.each([
    ['gzip', 'is none', Buffer.from(LINE)],
    ['gzip', 'breaks off', gzipped.subarray(0, -20)],
    ['gzip', 'breaks off in its second member', Buffer.concat([gzipped, gzipped.subarray(0, 9)])],
    ['gzip', 'has plain lines behind it', Buffer.concat([gzipped, Buffer.from(LINE)])],
    ['zstd', 'is none', Buffer.from(LINE)],
    ['zstd', 'is empty', Buffer.alloc(0)],
    ['zstd', 'breaks off', frame.subarray(0, -5)],
    ['zstd', 'breaks off in its second frame', Buffer.concat([frame, frame.subarray(0, 3)])],
    ['zstd', 'has plain lines behind it', Buffer.concat([frame, Buffer.from(LINE)])],
  ])('of %s that %s is refused by name', async (encoding, _, body) => {
    const answer = await ingest.post(LOGS, body, sent(encoding));
    expect(answer).toMatchObject({ status: 400, body: { code: 'BODY_NOT_INFLATABLE' } });
  });
});

describe('an address that can not be read', () => {
  it.each([
    ['/v1/streams/%zz/logs', 400],
    [`/v1/streams/${'a'.repeat(600)}/logs`, 414],
  ])('is refused by a problem document: %#', async (url, status) => {
    const answer = await ingest.post(url, LINE);
    expect(answer).toMatchObject({ status, body: { status, code: `HTTP_${status}` } });
  });
});

describe('a body that is no text in UTF-8', () => {
  const event = JSON.stringify({ method: 'GET', path: '/', status: 200 });
  it.each([
    ['gzip', gzipSync, 'Content-Encoding: gzip'],
    ['zstd', zstdCompressSync, 'Content-Encoding: zstd'],
    ['UTF-16', (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le'), 'send it as UTF-8'],
  ])('and does not say so is refused by what it is: %s', async (_, print, detail) => {
    const wanted = { status: 415, body: { code: 'BODY_NOT_TEXT', detail: expect.stringContaining(detail) } };
    expect(await ingest.post(LOGS, print(LINE))).toMatchObject(wanted);
    expect(await ingest.post(EVENTS, print(event))).toMatchObject(wanted);
    expect(await ingest.post(EVENTS, print(event), { contentType: 'application/x-ndjson' })).toMatchObject(
      wanted,
    );
    expect(await ingest.items()).toHaveLength(0);
  });

  it('but for a byte order mark is taken', async () => {
    expect(await ingest.post(EVENTS, `\ufeff${event}`)).toMatchObject({ body: { accepted: 1 } });
    expect(await ingest.post(EVENTS, `\ufeff[${event}]`)).toMatchObject({ body: { accepted: 1 } });
  });
});

describe('what was said to be a CloudEvent', () => {
  const envelope = JSON.stringify({ id: '1', data: { method: 'GET', path: '/', status: 200 } });
  it.each([
    ['application/cloudevents+json', envelope, {}],
    ['application/cloudevents-batch+json', `[${envelope}]`, {}],
    ['application/json', envelope, { 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't' }],
  ])('as %s is refused without specversion', async (contentType, body, headers) => {
    const answer = await ingest.post(EVENTS, body, { contentType, headers });
    expect(answer).toMatchObject({
      body: { accepted: 0, rejected: 1, errors: [{ code: 'CLOUD_EVENT_INVALID', path: '/specversion' }] },
    });
  });

  it('in binary mode is one event, not lines of them', async () => {
    const headers = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't' };
    const answer = await ingest.post(EVENTS, envelope, { contentType: 'application/x-ndjson', headers });
    expect(answer).toMatchObject({ status: 415, body: { code: 'CONTENT_TYPE_UNSUPPORTED' } });
  });
});

describe('a CloudEvent in binary mode', () => {
  it('may have data of any kind of JSON, and attributes between quotes', async () => {
    const answer = await ingest.post(EVENTS, JSON.stringify({ method: 'GET', path: '/', status: 200 }), {
      contentType: 'application/vnd.shop+json',
      headers: {
        ...{ 'ce-specversion': '1.0', 'ce-id': '"a\\"b"', 'ce-source': '/shop%20x', 'ce-type': 'visit' },
        'ce-partitionkey': 'k',
      },
    });
    expect(answer.status).toBe(202);
    expect(await ingest.items()).toMatchObject([{ id: '/shop x#a"b', key: 'k', data: { path: '/' } }]);
  });
});
