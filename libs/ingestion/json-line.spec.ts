import { describe, expect, it } from '@jest/globals';
import { parseLogLine } from './index.js';

const TIME_MS = Date.parse('2026-01-31T12:00:00.250Z');
const parse = (line: object): unknown => parseLogLine(JSON.stringify(line));

describe("a line of nginx's JSON", () => {
  it('is read by the names of the variables, numbers in quotes included', () => {
    const line = {
      msec: '1769860800.250',
      remote_addr: '2001:db8::1',
      remote_user: '',
      request: 'GET /a?b=1 HTTP/2.0',
      status: '200',
      body_bytes_sent: '512',
      http_referer: '-',
      http_user_agent: 'curl/8',
      request_time: '0.057',
      upstream_addr: '10.0.0.1:80',
    };
    expect(parse(line)).toEqual({
      kind: 'parsed',
      format: 'nginx-json',
      timeMs: TIME_MS,
      data: {
        ...{
          method: 'GET',
          path: '/a',
          query: 'b=1',
          protocol: 'HTTP/2.0',
          status: 200,
          bytes: 512,
          durationMs: 57,
        },
        ...{ userAgent: 'curl/8', clientIp: '2001:db8::1', upstream_addr: '10.0.0.1:80' },
      },
    });
  });

  it.each([
    [{ time_iso8601: '2026-01-31T14:00:00+02:00' }, TIME_MS - 250],
    [{ time_local: '31/Jan/2026:12:00:00 +0000' }, TIME_MS - 250],
    [{ time_iso8601: null, msec: 1769860800.25 }, TIME_MS],
  ])('has its time in any of the variables: %j', (time, timeMs) => {
    const line = { ...time, request_method: 'GET', request_uri: '/', status: 200 };
    expect(parse(line)).toMatchObject({ format: 'nginx-json', timeMs, data: { method: 'GET', path: '/' } });
  });
});

describe('a line of other JSON', () => {
  it.each([
    [{ time: TIME_MS }],
    [{ timestamp: '2026-01-31T12:00:00.250Z' }],
    [{ '@timestamp': '2026-01-31T13:00:00.2509+0100' }],
    [{ ts: 1769860800.25 }],
  ])('has its time under a usual name, in seconds, milliseconds or ISO 8601: %j', (time) => {
    expect(parse({ ...time, method: 'GET', url: 'https://a.example/x?y', status: 200 })).toEqual({
      kind: 'parsed',
      format: 'json',
      timeMs: TIME_MS,
      data: { method: 'GET', path: '/x', query: 'y', host: 'a.example', status: 200 },
    });
  });

  it('keeps fields it does not know, and a value that the schema will refuse', () => {
    const line = {
      time: TIME_MS,
      method: 'GET',
      path: '/',
      status: 'ok',
      duration_ms: 1.5,
      user_agent: 'x',
      plan: 'gold',
    };
    expect(parse(line)).toMatchObject({
      data: { method: 'GET', path: '/', status: 'ok', durationMs: 1.5, userAgent: 'x', plan: 'gold' },
    });
  });

  it.each([[{ ts: 1769860800250000 }], [{ ts: 1769860800250000000 }], [{ time: '1769860800250000' }]])(
    'may have its time in microseconds or nanoseconds: %j',
    (time) => {
      expect(parse({ ...time, method: 'GET', path: '/' })).toMatchObject({ timeMs: TIME_MS });
    },
  );

  it('has a host without its port and a query without its mark', () => {
    const line = { time: TIME_MS, method: 'GET', path: '/', http_host: 'shop.example:8080', query: '?a=1' };
    expect(parse(line)).toMatchObject({ data: { host: 'shop.example', query: 'a=1' } });
  });

  it('is refused with what is wrong and where', () => {
    const reasonOf = (text: string): string => (parseLogLine(text) as { reason: string }).reason;
    expect(reasonOf('{"a": 1,}')).toContain('at position 8');
    expect(reasonOf(String.raw`{"ua": "x \x22y\x22"}`)).toContain('nginx needs escape=json');
  });

  it('can do no harm by its names', () => {
    const parsed = parseLogLine(
      `{"time":${TIME_MS},"method":"GET","path":"/","status":200,"__proto__":{"a":1}}`,
    );
    expect(parsed).toMatchObject({ kind: 'parsed' });
    expect((parsed as { data: object }).data).not.toHaveProperty('a');
    expect(parse({ constructor: 1, method: 'GET', path: '/' })).toMatchObject({ code: 'TIME_INVALID' });
  });

  it.each([
    ['{"time": 1', 'LINE_UNPARSABLE', undefined],
    ['{"method":"GET","path":"/"}', 'TIME_INVALID', undefined],
    ['{"time":"2026-01-31T12:00:00","method":"GET","path":"/"}', 'TIME_INVALID', '/time'],
    ['{"time":"yesterday","method":"GET","path":"/"}', 'TIME_INVALID', '/time'],
    ['{"time":1e300,"method":"GET","path":"/"}', 'TIME_INVALID', '/time'],
    ['{"time":1769860800,"path":"index"}', 'REQUEST_INVALID', '/path'],
    ['{"time":1769860800,"method":"GET","url":"mailto:a"}', 'REQUEST_INVALID', '/url'],
    ['{"time":1769860800,"request":"-"}', 'REQUEST_INVALID', undefined],
    ['{"time":1769860800}', 'REQUEST_INVALID', undefined],
  ])('is refused with code and place: %s', (text, code, path) => {
    expect(parseLogLine(text)).toMatchObject({
      kind: 'rejected',
      code,
      ...(path === undefined ? {} : { path }),
    });
  });

  it('is not looked at where another format is wanted', () => {
    expect(parseLogLine('{"time":1}', 'combined')).toMatchObject({ code: 'LINE_UNPARSABLE' });
  });
});
