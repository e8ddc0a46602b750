import { describe, expect, it } from '@jest/globals';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Opened } from './opened.js';
import { SideWork } from './side-work.js';
import { SteadyLoad } from './steady-load.js';

// Jest fails a file whose process meets a rejection that nobody owns, even one that an earlier file has left.

const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

describe('work beside a test', () => {
  it('that fails while nobody waits for it, tells so to whoever does, and to nobody else', async () => {
    const work = new SideWork(async () => {
      throw new Error('the load broke off');
    });
    await turn();
    await turn();
    await expect(work.done).rejects.toThrow('the load broke off');
    await work.abandon();
  });

  it('ends with the test', async () => {
    const work = new SideWork(
      (abandoned) => new Promise((_, fail) => abandoned.addEventListener('abort', fail)),
    );
    await work.abandon();
  });

  it('as a load on a server that refuses, or does not answer, ends with the test too, and tells what was sent', async () => {
    let asked = 0;
    let bothAsked = (): void => undefined;
    const both = new Promise<void>((done) => (bothAsked = done));
    const server = createServer((_request, response) => {
      if (++asked % 2 === 0) response.writeHead(503).end();
      if (asked > 3) bothAsked();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const load = new SteadyLoad(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'web', 0);
    load.start(100_000);
    await both;
    await load.abandon();
    await expect(load.finish()).rejects.toThrow();
    const { sent } = load;
    expect(sent).toBeGreaterThan(0);
    expect(load.stored).toBe(0);
    await turn();
    expect(load.sent).toBe(sent);
    await new Promise((closed) => server.close(closed).closeAllConnections());
  });
});

describe('what a test has opened', () => {
  it('is closed to the last, the newest first, and the first failure is told', async () => {
    const opened = new Opened();
    const closed: string[] = [];
    opened.add(() => closed.push('broker'));
    opened.add(() => Promise.reject(new Error('process')));
    opened.add(() => {
      throw new Error('load');
    });
    await expect(opened.closeAll()).rejects.toThrow('load');
    expect(closed).toEqual(['broker']);
    await opened.closeAll();
  });
});
