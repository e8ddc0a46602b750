import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { openFront } from '../scripts/cluster/front.mjs';
import { freePort } from '../scripts/servers/free-port.mjs';

// What stands before the apps of npm run cluster.

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  while (closers.length > 0) await closers.pop()?.();
});

/** An app that answers with its name, and what it was sent. */
async function app(name: string): Promise<number> {
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (piece) => (text += String(piece)));
    request.on('end', () => response.end(`${name} ${request.url} ${text}`.trim()));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closers.push(() => new Promise((done) => server.close(done)));
  return (server.address() as AddressInfo).port;
}

async function front(targets: { ingest: readonly number[]; dashboard: readonly number[] }): Promise<string> {
  const opened = await openFront({ port: 0, targets });
  closers.push(() => opened.close());
  return opened.url;
}

async function ask(url: string, body?: string): Promise<string> {
  const response = await fetch(url, body === undefined ? {} : { method: 'POST', body });
  return `${response.status} ${await response.text()}`;
}

describe('the front of the cluster', () => {
  it('sends streams to ingest, and the rest to the dashboard', async () => {
    const url = await front({ ingest: [await app('ingest')], dashboard: [await app('dashboard')] });
    expect(await ask(`${url}/v1/streams/web/logs`, 'a line')).toBe('200 ingest /v1/streams/web/logs a line');
    expect(await ask(`${url}/v1/series/x?limit=1`)).toBe('200 dashboard /v1/series/x?limit=1');
  });

  it('goes past a replica that is not there, with the whole body', async () => {
    const body = 'a line\n'.repeat(20_000);
    const url = await front({ ingest: [await freePort(), await app('second')], dashboard: [] });
    for (let turn = 0; turn < 4; turn++)
      expect(await ask(`${url}/v1/streams/web/logs`, body)).toBe(
        `200 second /v1/streams/web/logs ${body.trim()}`,
      );
  });

  it('says which app is away where no replica is there', async () => {
    const url = await front({ ingest: [await freePort(), await freePort()], dashboard: [] });
    expect(await ask(`${url}/v1/streams/web/logs`, 'x')).toMatch(
      /^502 .*"detail":"ingest at port \d+: connect ECONNREFUSED/,
    );
  });

  it('names the port that is taken', async () => {
    const port = Number(new URL(await front({ ingest: [], dashboard: [] })).port);
    await expect(openFront({ port, targets: { ingest: [], dashboard: [] } })).rejects.toThrow(
      `port ${port} is in use; stop what listens there, or choose another (MILLRACE_PORT)`,
    );
  });
});
