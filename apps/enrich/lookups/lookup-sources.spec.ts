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
      fc.property(fc.array(fc.tuple(cell, cell)), fc.constantFrom('\n', '\r\n'), (rows, end) => {
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
  ])('of %s: %s', (path, text) => {
    expect([...readRows(path, 'id', Buffer.from(text))]).toEqual([['1', { id: 1, a: 2 }]]);
  });

  it.each([
    ['x.csv', '', 'no header'],
    ['x.csv', 'id,a\n1', 'row 1 has 1 cells, the header 2'],
    ['x.csv', 'id\n"1', 'never closes'],
    ['x.csv', 'a\n1', 'row 1 has no id'],
    ['x.json', '5', 'an array of objects'],
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

  it('does not name what may be secret', () => {
    expect(new HttpLookup('https://user:word@example.com/a?token=x', 1).name).toBe('https://example.com/a');
  });
});

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
