import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseLogLine } from './index.js';

const TIME = '[10/Oct/2000:13:55:36 -0700]';
const TIME_MS = Date.parse('2000-10-10T20:55:36Z');
const COMBINED = `127.0.0.1 - frank ${TIME} "GET /a.gif?x=1 HTTP/1.0" 200 2326 "http://example.com/start" "Mozilla/4.08 [en]"`;

/** A request and what may be logged of it. */
interface Logged {
  clientIp: string;
  userId: string | undefined;
  timeMs: number;
  method: string;
  path: string;
  query: string | undefined;
  status: number;
  bytes: number | undefined;
  referrer: string | undefined;
  userAgent: string | undefined;
}

const nasty = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '"',
    '\\',
    '\\"',
    '""',
    '\\\\',
    'a\\x22b',
    '\\xZZ',
    '" 200 5 "',
    '] "',
    '\t',
    '\n',
    'Ünïcødé',
    '🦊 x',
    '-a',
    '[x]',
  ),
);
// The server writes `-` for nothing, so a text that is just that can't come back as one.
const nastyText = nasty.filter((text) => text !== '-' && text !== '');
const optional = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(values, { nil: undefined });

const logged: fc.Arbitrary<Logged> = fc
  .record({
    clientIp: fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()),
    userId: optional(fc.stringMatching(/^[a-z][a-z @[\]]{0,8}[a-z]$/)),
    timeMs: fc
      .integer({ min: Date.UTC(1, 0, 1), max: 253_402_300_799 })
      .map((seconds) => Math.floor(seconds) * 1_000),
    method: fc.constantFrom('GET', 'POST', 'M-SEARCH', 'VERSION_CONTROL'),
    path: nasty.map((text) => `/${text.replaceAll('?', '')}`),
    query: optional(nasty.filter((text) => text !== '')),
    status: fc.integer({ min: 100, max: 599 }),
    bytes: optional(fc.nat()),
    referrer: optional(nastyText),
    userAgent: optional(nastyText),
  })
  .filter(({ timeMs }) => timeMs >= Date.UTC(1000, 0, 1) && timeMs < Date.UTC(9999, 11, 31));

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const pad = (value: number, width: number): string => String(value).padStart(width, '0');

function printTime(timeMs: number, offsetMinutes: number): string {
  const local = new Date(timeMs + offsetMinutes * 60_000);
  const day = `${pad(local.getUTCDate(), 2)}/${MONTHS[local.getUTCMonth()]}/${pad(local.getUTCFullYear(), 4)}`;
  const distance = Math.abs(offsetMinutes);
  const zone = `${offsetMinutes < 0 ? '-' : '+'}${pad(Math.floor(distance / 60), 2)}${pad(distance % 60, 2)}`;
  return `${day}:${local.toISOString().slice(11, 19)} ${zone}`;
}

/** As nginx escapes: quotes, backslashes and every byte that is not printable ASCII. */
function escape(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => {
      const isPlain = byte >= 32 && byte < 127 && byte !== 34 && byte !== 92;
      return isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}

/** As Apache escapes: quotes and backslashes by a backslash. */
function escapeShort(text: string): string {
  return escape(text)
    .replaceAll('\\x22', '\\"')
    .replaceAll('\\x5C', '\\\\')
    .replaceAll('\\x0A', '\\n')
    .replaceAll('\\x09', '\\t');
}

function print(request: Logged, offsetMinutes: number, quote: (text: string) => string): string {
  const { clientIp, userId, timeMs, method, path, query, status, bytes, referrer, userAgent } = request;
  const target = quote(query === undefined ? path : `${path}?${query}`);
  return (
    `${clientIp} - ${userId ?? '-'} [${printTime(timeMs, offsetMinutes)}] "${method} ${target} HTTP/1.1" ${status} ` +
    `${bytes ?? '-'} "${quote(referrer ?? '-')}" "${quote(userAgent ?? '-')}"`
  );
}

describe('a line of the combined format', () => {
  it('comes back as it was before any server printed it', () => {
    fc.assert(
      fc.property(
        logged,
        fc.integer({ min: -720, max: 840 }),
        fc.constantFrom(escape, escapeShort),
        (request, offset, quote) => {
          const { timeMs, ...data } = request;
          const parsed = parseLogLine(print(request, offset, quote));
          // toEqual takes an undefined field for an absent one.
          expect(parsed).toEqual({
            kind: 'parsed',
            format: 'combined',
            timeMs,
            data: { ...data, protocol: 'HTTP/1.1' },
          });
        },
      ),
    );
  });

  it('never makes the parser throw, whatever happens to it', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), cutAndMixed()), (text) => {
        expect(['parsed', 'rejected']).toContain(parseLogLine(text).kind);
      }),
    );
  });

  it.each([
    ['seconds with a dot, as nginx has them', '0.570', 570],
    ['microseconds, as Apache has them', '12345', 12.345],
  ])('gives a duration: %s', (_, printed, durationMs) => {
    expect(parseLogLine(`${COMBINED} ${printed}`)).toMatchObject({ kind: 'parsed', data: { durationMs } });
    expect(parseLogLine(`${COMBINED} "10.0.0.1" ${printed} more`)).toMatchObject({
      kind: 'parsed',
      data: { durationMs },
    });
  });

  it('may have further fields', () => {
    const parsed = parseLogLine(`${COMBINED} "203.0.113.9"`);
    expect(parsed).toMatchObject({ kind: 'parsed', format: 'combined', timeMs: TIME_MS });
    expect(parsed).not.toHaveProperty('data.durationMs');
  });

  it.each([
    ['350 5321', undefined],
    ['0.123 0.120', 123],
    ['12345 -', 12.345],
  ])('may end with %s', (more, durationMs) => {
    expect((parseLogLine(`${COMBINED} ${more}`) as { data: object }).data).toEqual({
      ...(parseLogLine(COMBINED) as { data: object }).data,
      ...(durationMs === undefined ? {} : { durationMs }),
    });
  });

  it.each([
    ['203.0.113.9, 10.0.0.1', 'combined', {}],
    ['203.0.113.9, 10.0.0.2, 10.0.0.1', 'combined', {}],
    ['shop.example:443 203.0.113.9, 10.0.0.1', 'vhost_combined', { host: 'shop.example' }],
    ['2001:db8::2 203.0.113.9', 'vhost_combined', { host: '2001:db8::2' }],
  ])('may begin with %s', (front, format, more) => {
    const parsed = parseLogLine(`${front} - ann ${TIME} "GET / HTTP/1.1" 200 5 "-" "x"`);
    const data = { clientIp: '203.0.113.9', userId: 'ann', ...more };
    expect(parsed).toMatchObject({ kind: 'parsed', format, data });
    expect(Object.hasOwn((parsed as { data: object }).data, 'host')).toBe('host' in more);
  });

  it('takes time in proportion to its length', () => {
    const hostile = [
      `${' ['.repeat(50_000)}`,
      `${COMBINED.slice(0, 60)}${'\\'.repeat(100_000)}"`,
      '"'.repeat(100_000),
    ];
    const startMs = performance.now();
    for (const text of hostile) expect(parseLogLine(text).kind).toBe('rejected');
    expect(performance.now() - startMs).toBeLessThan(1_000);
  });
});

function cutAndMixed(): fc.Arbitrary<string> {
  return fc
    .tuple(fc.nat(COMBINED.length), fc.nat(COMBINED.length), fc.string({ maxLength: 5 }))
    .map(([from, to, text]) => COMBINED.slice(0, from) + text + COMBINED.slice(to));
}

describe('a line of the common format', () => {
  it('has no referrer and no user agent', () => {
    expect(parseLogLine(`::1 - - ${TIME} "POST / HTTP/2.0" 204 -`)).toEqual({
      kind: 'parsed',
      format: 'common',
      timeMs: TIME_MS,
      data: { method: 'POST', path: '/', protocol: 'HTTP/2.0', clientIp: '::1', status: 204 },
    });
  });

  it('may begin with the virtual host', () => {
    expect(parseLogLine(`example.com:443 10.0.0.1 - ann b ${TIME} "GET / HTTP/1.1" 200 5`)).toMatchObject({
      data: { host: 'example.com', clientIp: '10.0.0.1', userId: 'ann b' },
    });
    expect(parseLogLine(`10.0.0.1 - - ${TIME} "GET / HTTP/1.1" 200 5`)).not.toHaveProperty('data.host');
  });

  it('takes host and path from a request for a whole URL', () => {
    expect(parseLogLine(`::1 - - ${TIME} "GET http://u@Shop.example:8080?q HTTP/1.1" 200 5`)).toMatchObject({
      data: { host: 'Shop.example', path: '/', query: 'q' },
    });
  });

  it('is refused where only the combined one is wanted, and the other way round', () => {
    const common = `::1 - - ${TIME} "GET / HTTP/1.1" 200 5`;
    expect(parseLogLine(common, 'combined')).toMatchObject({ kind: 'rejected', code: 'LINE_UNPARSABLE' });
    expect(parseLogLine(COMBINED, 'common')).toMatchObject({ kind: 'rejected', code: 'LINE_UNPARSABLE' });
    expect(parseLogLine(COMBINED, 'combined').kind).toBe('parsed');
    expect(parseLogLine(COMBINED, 'json')).toMatchObject({ code: 'LINE_UNPARSABLE' });
  });
});

describe('a line that is refused', () => {
  const line = (parts: { time?: string; request?: string; answer?: string }): string =>
    `::1 - - [${parts.time ?? '10/Oct/2000:13:55:36 -0700'}] "${parts.request ?? 'GET / HTTP/1.1'}" ${parts.answer ?? '200 5'}`;

  it.each([
    ['some text', 'LINE_UNPARSABLE', 'wanted: host ident user [time]'],
    [line({ time: '31/Feb/2000:13:55:36 -0700' }), 'TIME_INVALID', '"31/Feb/2000:13:55:36 -0700"'],
    [line({ time: '29/Feb/1900:13:55:36 +0000' }), 'TIME_INVALID', 'it must be one like'],
    [line({ time: '10/Oct/2000:24:00:00 +0000' }), 'TIME_INVALID', '24:00:00'],
    [line({ time: '10/Oct/2000:13:55:36' }), 'TIME_INVALID', '"10/Oct/2000:13:55:36"'],
    [line({ time: '10/oct/2000:13:55:36 +0000' }), 'TIME_INVALID', 'oct'],
    [line({ request: '-' }), 'REQUEST_INVALID', 'the request is "-"'],
    [line({ request: '\\x16\\x03\\x01' }), 'REQUEST_INVALID', 'it must be a method and a path'],
    [line({ request: 'CONNECT host:443 HTTP/1.1' }), 'REQUEST_INVALID', 'host:443'],
    [line({ answer: 'ok 5' }), 'LINE_UNPARSABLE', 'status and bytes'],
    [line({ answer: '200' }), 'LINE_UNPARSABLE', 'status and bytes'],
    [line({ answer: '200 5 "one"' }), 'LINE_UNPARSABLE', 'after the bytes'],
    [line({ answer: '200 5 "open' }), 'LINE_UNPARSABLE', 'after the bytes'],
    ['::1 [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 5', 'LINE_UNPARSABLE', 'host ident user'],
  ])('%s', (text, code, reason) => {
    const parsed = parseLogLine(text);
    expect(parsed).toMatchObject({ kind: 'rejected', code });
    expect((parsed as { reason: string }).reason).toContain(reason);
  });
});
