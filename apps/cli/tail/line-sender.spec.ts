import { describe, expect, it } from '@jest/globals';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LineSender } from './line-sender.js';

const LINES = Buffer.from('a line\n');

function senderTo(url: string, stop: AbortController, told: string[]): LineSender {
  return new LineSender({
    ...{ url, stream: 'web', key: undefined, format: undefined },
    pause: () => Promise.resolve(),
    complain: (text) => told.push(text),
    signal: stop.signal,
  });
}

describe('a sender that is told to stop', () => {
  it('gives up while nobody answers', async () => {
    const stop = new AbortController();
    const told: string[] = [];
    const sender = senderTo('http://127.0.0.1:9', stop, told);
    const sending = sender.send('batch', LINES);
    stop.abort();
    expect(await sending).toEqual({ stopped: true });
    expect(told.length).toBeLessThan(2);
    expect(await sender.send('batch', LINES)).toEqual({ stopped: true });
  });

  it('takes the answer that is on its way', async () => {
    const stop = new AbortController();
    const server = createServer((_, response) => {
      stop.abort();
      response.writeHead(202, { 'content-type': 'application/json' });
      response.end('{"accepted": 1, "rejected": 0}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const sender = senderTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop, []);
    expect(await sender.send('batch', LINES)).toEqual({ accepted: 1, rejected: 0 });
    server.closeAllConnections();
    server.close();
  });
});
