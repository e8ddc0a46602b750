import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isPublicAddress } from './address-check.js';
import { postOnce } from './http-post.js';
import { webhookHeaders } from './webhook-signature.js';

let server: Server;
let url: string;
const received: { path: string; body: string; headers: IncomingMessage['headers'] }[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const path = request.url ?? '';
      received.push({ path, body, headers: request.headers });
      const status = Number(path.slice(1)) || 200;
      response.writeHead(status, status === 302 ? { location: '/200' } : {});
      response.end('x'.repeat(200_000));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => new Promise((resolve) => server.close(resolve)));

function post(
  path: string,
  more: { allowPrivate?: boolean; host?: string } = {},
): ReturnType<typeof postOnce> {
  const { allowPrivate = true, host } = more;
  const target = host === undefined ? url : url.replace('127.0.0.1', host);
  return postOnce({
    ...{ url: `${target}${path}`, body: '{"a":1}', headers: { 'x-own': 'yes' }, allowPrivate },
    signal: new AbortController().signal,
  });
}

describe('a post', () => {
  it('is JSON with its headers', async () => {
    expect(await post('/ok')).toEqual({ kind: 'taken' });
    const { body, headers } = received.at(-1)!;
    expect([body, headers['content-type'], headers['x-own']]).toEqual(['{"a":1}', 'application/json', 'yes']);
  });

  it.each<[string, string]>([
    ['/503', 'failed'],
    ['/429', 'failed'],
    ['/404', 'refused'],
  ])('to %s has %s', async (path, kind) => {
    expect(await post(path)).toEqual({ kind, reason: `it answered ${path.slice(1)}` });
  });

  it('follows no redirect', async () => {
    const before = received.length;
    expect(await post('/302')).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('redirects'),
    });
    expect(received.slice(before).map(({ path }) => path)).toEqual(['/302']);
  });

  it.each([undefined, 'localhost', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1'])(
    'goes to no private address by way of %s',
    async (host) => {
      const before = received.length;
      const outcome = await post('/ok', { allowPrivate: false, ...(host === undefined ? {} : { host }) });
      expect(outcome).toMatchObject({ kind: 'refused', reason: expect.stringContaining('not public') });
      expect(received).toHaveLength(before);
    },
  );

  it('that nobody takes has failed', async () => {
    const outcome = await postOnce({
      ...{ url: 'http://127.0.0.1:1/', body: '', headers: {}, allowPrivate: true },
      signal: new AbortController().signal,
    });
    expect(outcome).toMatchObject({ kind: 'failed', reason: expect.stringContaining('ECONNREFUSED') });
  });
});

describe('an address', () => {
  it.each([
    ['8.8.8.8', true],
    ['2606:4700::1111', true],
    ['10.1.2.3', false],
    ['172.31.0.1', false],
    ['172.32.0.1', true],
    ['169.254.169.254', false],
    ['100.64.0.1', false],
    ['0.0.0.0', false],
    ['::', false],
    ['fd00::1', false],
    ['fe80::1', false],
    ['::ffff:10.0.0.1', false],
    ['64:ff9b::a00:1', false],
    ['nonsense', false],
  ])('%s is public: %s', (address, isPublic) => {
    expect(isPublicAddress(address)).toBe(isPublic);
  });
});

describe('a signature', () => {
  it('is over id, time and body', () => {
    const headers = webhookHeaders({ id: 'n/1', body: '{}', nowMs: 1_700_000_000_999 }, 'secret');
    const signed = createHmac('sha256', 'secret').update('n/1.1700000000.{}').digest('base64');
    expect(headers).toEqual({
      ...{ 'idempotency-key': 'n/1', 'webhook-id': 'n/1', 'webhook-timestamp': '1700000000' },
      'webhook-signature': `v1,${signed}`,
    });
  });

  it('is left out without a secret', () => {
    expect(webhookHeaders({ id: 'n', body: '', nowMs: 0 }, undefined)).not.toHaveProperty(
      'webhook-signature',
    );
  });
});
