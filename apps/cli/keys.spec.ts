import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runCommandLine } from './command-line.js';

let server: Server;
let url: string;
let asked: string[];
let answer: { status: number; body: object };

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      asked.push([request.method, request.url, request.headers.authorization ?? '', body].join(' ').trim());
      response
        .writeHead(answer.status, { 'content-type': 'application/json' })
        .end(JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => void server.close());

async function keys(
  ...args: readonly string[]
): Promise<{ exitCode: number; out: string; complaints: string }> {
  const out: string[] = [];
  const complaints: string[] = [];
  const exitCode = await runCommandLine(['keys', ...args, '--url', url], {
    out: (text) => void out.push(text),
    complain: (text) => void complaints.push(text),
  });
  return { exitCode, out: out.join('\n'), complaints: complaints.join('\n') };
}

const KEY = { id: 'a1', name: 'shop', scopes: ['ingest:web'], expires: null, revoked: null, isInForce: true };

describe('millrace keys', () => {
  it('takes the key in the address, and never shows it', async () => {
    answer = { status: 200, body: { keys: [] } };
    url = url.replace('//', '//mrk_a%2B1@');
    await keys('list');
    expect(asked).toEqual(['GET /v1/keys Bearer mrk_a+1']);
    answer = { status: 403, body: { detail: 'not allowed' } };
    expect((await keys('list')).complaints).toMatch(/^http:\/\/127\.0\.0\.1:\d+ answered 403: not allowed$/);
  });

  it('makes a key, and tells its text once', async () => {
    answer = { status: 201, body: { ...KEY, key: 'mrk_a1_x' } };
    const ran = await keys(
      'make',
      '--name',
      'shop',
      '--scope',
      'ingest:web',
      'read',
      '--events-per-day',
      '5',
      '--key',
      'k',
    );
    expect(asked).toEqual([
      'POST /v1/keys Bearer k {"name":"shop","scopes":["ingest:web","read"],"eventsPerDay":5}',
    ]);
    expect(ran).toMatchObject({ exitCode: 0, complaints: '' });
    expect(ran.out).toBe('a1 shop ingest:web: in force\nmrk_a1_x\nKeep it: it is not told again.');
  });

  it('lists, rotates and revokes', async () => {
    answer = {
      status: 200,
      body: { keys: [KEY, { ...KEY, isInForce: false, revoked: '2026-01-01T00:00:00Z' }] },
    };
    expect((await keys('list')).out).toBe(
      'a1 shop ingest:web: in force\na1 shop ingest:web: revoked 2026-01-01T00:00:00Z',
    );
    answer = { status: 200, body: KEY };
    await keys('rotate', 'a1', '--overlap', '1h');
    await keys('revoke', 'a1');
    expect(asked.slice(1)).toEqual(['POST /v1/keys/a1/rotate  {"overlap":"1h"}', 'DELETE /v1/keys/a1']);
  });

  it('says what the server has refused', async () => {
    answer = { status: 401, body: { detail: 'there is no key' } };
    expect(await keys('list')).toEqual({
      exitCode: 3,
      out: '',
      complaints: `${url} answered 401: there is no key`,
    });
  });
});

describe('a command that asks a running Millrace', () => {
  it('shows the key that stands in its address, and does not print it', async () => {
    answer = { status: 403, body: { detail: 'the key may not' } };
    const complaints: string[] = [];
    const address = url.replace('http://', 'http://mrk_k@');
    const exitCode = await runCommandLine(
      ['explain', 'window', '--series', 'visits', '--stream', 'web', '--url', address],
      { out: () => undefined, complain: (text) => void complaints.push(text) },
    );
    expect(asked).toHaveLength(1);
    expect(asked[0]).toContain('Bearer mrk_k');
    expect([exitCode, complaints]).toEqual([3, [`${url} answered 403: the key may not`]]);
  });
});
