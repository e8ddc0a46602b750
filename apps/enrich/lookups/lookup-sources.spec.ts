import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ManualClock } from '#libs/testing';
import { CircuitBreaker } from './circuit-breaker.js';
import { readRows } from './file-rows.js';
import { HttpLookup } from './http-lookup.js';

describe('the rows of a file', () => {
  it('of CSV come back as they were printed', () => {
    const cell = fc.oneof(fc.string(), fc.constantFrom('', '"', ',', '\n', '\r\n', 'a "b", c', ' x '));
    const quoted = (value: string): string =>
      /[",\r\n]/.test(value) || value === '' ? `"${value.replaceAll('"', '""')}"` : value;
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell)), fc.constantFrom('\n', '\r\n', '\r'), (rows, end) => {
        const lines = ['id,a,b', ...rows.map(([a, b], index) => [String(index), a, b].map(quoted).join(','))];
        const read = readRows('x.csv', 'id', Buffer.from(lines.join(end)));
        expect([...read.values()]).toEqual(rows.map(([a, b], index) => ({ id: String(index), a, b })));
      }),
    );
  });

  it.each([
    ['x.json', '[{"id": 1, "a": 2}]'],
    ['x.json', '{"1": {"id": 1, "a": 2}}'],
    ['x.ndjson', '{"id": 1, "a": 2}\n\n'],
    ['x.json', '\ufeff[{"id": 1, "a": 1}, {"id": 1, "a": 2}]'],
  ])('of %s: %s', (path, text) => {
    expect([...readRows(path, 'id', Buffer.from(text))]).toEqual([['1', { id: 1, a: 2 }]]);
  });

  it.each([
    ['x.csv', '', 'no header'],
    ['x.csv', 'id,a\n1', 'row 1 has 1 cells, the header 2'],
    ['x.csv', 'id\n"1', 'never closes'],
    ['x.csv', 'a\n1', 'row 1 has no id'],
    ['x.json', '5', 'an array of objects'],
    ['x.csv', 'id;a\n1;2', 'row 1 has no id; it has id;a'],
    ['x.csv', 'id,a\n1,"b"c\n2,d', 'must follow the quote at character 10'],
    ['x.json', '{"1": {"a": 1}, "2": "gold"}', 'what it has of 2 is no object'],
    ['x.ndjson', '{"id": 1}\n\n{"id":', 'line 3: '],
  ])('of %s that is wrong are refused: %p', (path, text, reason) => {
    expect(() => readRows(path, 'id', Buffer.from(text))).toThrow(reason);
  });
});

describe('an HTTP service asked key by key', () => {
  it('answers with an object, or 404', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/u/a%2Fb') response.end('{"plan": "gold"}');
      else response.writeHead(404).end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const source = new HttpLookup(
      `http://127.0.0.1:${(server.address() as AddressInfo).port}/u/{key}?token=x`.replace('?token=x', ''),
      100,
    );
    expect(source.maxBatch).toBe(1);
    expect(source.name).toContain('/u/{key}');
    const { signal } = new AbortController();
    expect([...(await source.fetch(['a/b'], signal))]).toEqual([['a/b', { plan: 'gold' }]]);
    expect((await source.fetch(['c'], signal)).size).toBe(0);
    server.closeAllConnections();
    server.close();
  });

  it.each([
    ['/204', 'it answered 204'],
    ['/html', 'its answer (text/html) is no JSON'],
    ['/list', 'its answer is no JSON object'],
  ])('says what is wrong with its answer: %s', async (path, reason) => {
    await withServer(async (origin) => {
      const { signal } = new AbortController();
      await expect(new HttpLookup(`${origin}${path}?{key}`, 1).fetch(['k'], signal)).rejects.toThrow(reason);
    });
  });

  it('is shown the user of its address, and asked for no other address', async () => {
    await withServer(async (origin) => {
      const address = `${origin.replace('//', '//ann:p%40ss@')}/echo/{key}`;
      const source = new HttpLookup(address, 1);
      const { signal } = new AbortController();
      const authorization = `Basic ${Buffer.from('ann:p@ss').toString('base64')}`;
      expect((await source.fetch(['a'], signal)).get('a')).toEqual({ url: '/echo/a', authorization });
      expect((await source.fetch(['..'], signal)).size).toBe(0);
      expect(source.name).not.toContain('ann');
    });
  });

  it('does not name what may be secret', () => {
    expect(new HttpLookup('https://user:word@example.com/a?token=x', 1).name).toBe('https://example.com/a');
  });
});

describe('an HTTP service asked for several keys', () => {
  it.each([
    ['{"values": {"k": "gold"}}', 'its answer for a key is a string'],
    ['{"values": []}', 'its answer has no values'],
  ])('has to answer with objects: %s', async (answer, reason) => {
    await withServer(async (origin) => {
      const source = new HttpLookup(`${origin}/say?${encodeURIComponent(answer)}`, 10);
      await expect(source.fetch(['k'], new AbortController().signal)).rejects.toThrow(reason);
    });
  });
});

/** Answers by the path that it is asked for. */
async function withServer(use: (origin: string) => Promise<void>): Promise<void> {
  const server = createServer((request, response) => {
    const [path = '', query = ''] = (request.url ?? '').split('?');
    if (path === '/204') response.writeHead(204).end();
    else if (path === '/html') response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
    else if (path === '/list') response.end('[1]');
    else if (path === '/say') response.end(decodeURIComponent(query));
    else response.end(JSON.stringify({ url: request.url, authorization: request.headers.authorization }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('a circuit breaker', () => {
  it('opens after five failures in a row, tries one after a pause, and waits twice as long after each that fails', async () => {
    const clock = new ManualClock();
    const states: string[] = [];
    const breaker = new CircuitBreaker(clock, (state) => states.push(state));
    const fail = (times: number): void => {
      for (let i = 0; i < times; i++) if (breaker.mayAsk()) breaker.failed();
    };
    fail(4);
    breaker.succeeded();
    fail(4);
    expect(breaker.state).toBe('closed');
    fail(1);
    expect([breaker.state, breaker.mayAsk()]).toEqual(['open', false]);
    for (const pauseMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      clock.advance(pauseMs - 1);
      expect(breaker.mayAsk()).toBe(false);
      clock.advance(1);
      expect([breaker.mayAsk(), breaker.mayAsk()]).toEqual([true, false]);
      breaker.failed();
    }
    clock.advance(30_000);
    expect(breaker.mayAsk()).toBe(true);
    breaker.succeeded();
    expect(breaker.state).toBe('closed');
    expect(states.slice(0, 3)).toEqual(['open', 'half-open', 'open']);
  });
});
