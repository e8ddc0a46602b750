import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isPublicAddress, publicLookup, type Resolve } from './address-check.js';
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

/** A name server that answers one thing after the other, as one does who wants to be let in and then be somewhere else. */
function answering(...answers: readonly (readonly string[])[]): Resolve & { readonly asked: string[] } {
  const asked: string[] = [];
  const resolve: Resolve = (host, _options, callback) => {
    const addresses = answers[Math.min(asked.push(host), answers.length) - 1] ?? [];
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
  return Object.assign(resolve, { asked });
}

describe('a name that leads elsewhere', () => {
  const postTo = (host: string, resolve: Resolve): ReturnType<typeof postOnce> => {
    const target = url.replace('127.0.0.1', host);
    const request = { url: `${target}/ok`, body: '', headers: {}, allowPrivate: false, resolve };
    return postOnce({ ...request, signal: new AbortController().signal });
  };

  it.each([
    ['127.0.0.1'],
    ['93.184.216.34', '127.0.0.1'],
    ['2606:4700::1111', '::ffff:169.254.169.254'],
    ['::127.0.0.1'],
  ])('by one of its addresses, %s %s, is refused before anything is sent', async (...addresses) => {
    const before = received.length;
    const resolve = answering(addresses);
    expect(await postTo('hook.example.org', resolve)).toMatchObject({ kind: 'refused' });
    expect([received.length, resolve.asked]).toEqual([before, ['hook.example.org']]);
  });

  it('at the next attempt is refused at the next attempt', async () => {
    const lookup = publicLookup(answering(['93.184.216.34'], ['127.0.0.1']));
    const looked = (): Promise<unknown> =>
      new Promise((resolve) =>
        lookup('a', { all: true }, (error, found) => resolve(error?.message ?? found)),
      );
    expect(await looked()).toEqual([{ address: '93.184.216.34', family: 4 }]);
    expect(await looked()).toMatch('a is 127.0.0.1, an address that is not public');
  });

  it('is asked for once a connection, and the connection goes to the answer', async () => {
    const resolve = answering(['127.0.0.1'], ['192.0.2.1']);
    const lookedUp: string[] = [];
    const { get } = await import('node:http');
    const target = url.replace('127.0.0.1', 'hook.example.org');
    const address = await new Promise((found, failed) => {
      const lookup: Resolve = (host, options, callback) => {
        lookedUp.push(host);
        resolve(host, options, callback);
      };
      get(target, { agent: false, lookup: lookup as never }, (response) => {
        found(response.socket.remoteAddress);
        response.resume();
      }).once('error', failed);
    });
    expect([address, lookedUp]).toEqual(['127.0.0.1', ['hook.example.org']]);
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
    ['::10.0.0.1', false],
    ['::1', false],
    ['::ffff:0:a00:1', false],
    ['2002:a00:1::', false],
    ['192.88.99.1', false],
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
