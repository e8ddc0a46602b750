import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compileLogTemplate, LogLineParser, type LogTemplate, parseLogLine } from './index.js';

const MAIN = '$remote_addr [$time_local] "$request" $status';

function compiled(source: string): LogTemplate {
  const result = compileLogTemplate(source);
  if (result.kind === 'wrong') throw new Error(`${result.offset}: ${result.reason}`);
  return result.template;
}

describe('a declared format', () => {
  it.each([
    [`${MAIN} $`, 46, 'must begin the name of a variable'],
    [`${MAIN} $1`, 46, 'must begin the name of a variable'],
    [`$remote_addr$time_local "$request"`, 12, 'text must stand between $remote_addr and $time_local'],
    ['$remote_addr "$request" $status', 0, 'a line needs its time: one of $time_local, $time_iso8601, $msec'],
    [
      'escape=json $time_local $status',
      12,
      'a line needs its request: $request, or $request_method and $request_uri',
    ],
    ['escape=xml $time_local "$request"', 0, 'escape=xml is none of default, json, none'],
    [`${MAIN} $status`, 46, '$status is there already'],
    [`${MAIN}\n$host`, 45, 'a format is one line'],
    [`${MAIN}${'x'.repeat(9_000)}`, 8_192, 'at most 8192 characters'],
  ])('%p is refused at its place', (source, offset, reason) => {
    const result = compileLogTemplate(source);
    expect(result).toMatchObject({ kind: 'wrong', offset });
    expect((result as { reason: string }).reason).toContain(reason);
  });

  it('takes values between the texts of the format, and keeps variables of its own under their names', () => {
    const line = '::1 [10/Oct/2000:13:55:36 -0700] "GET /a?b HTTP/1.1" 200 cache=HIT up=0.010';
    expect(
      compiled(`${MAIN} cache=$upstream_cache_status up=\${upstream_response_time}`).parse(line, 'edge'),
    ).toEqual({
      kind: 'parsed',
      format: 'edge',
      timeMs: Date.parse('2000-10-10T20:55:36Z'),
      data: {
        ...{ clientIp: '::1', method: 'GET', path: '/a', query: 'b', protocol: 'HTTP/1.1', status: 200 },
        ...{ upstream_cache_status: 'HIT', upstream_response_time: '0.010' },
      },
    });
  });

  it.each([
    ['::1 [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1"', '"\\" " must follow $request'],
    ['::1 [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 more', '/status'],
    ['::1 10/Oct/2000', '" [" must follow $remote_addr'],
  ])('says of %p what is missing', (line, reason) => {
    const read = compiled(MAIN).parse(line, 'edge');
    if (read.kind === 'parsed') expect(read.data['status']).toBe('200 more');
    else expect(read.reason).toContain(reason);
  });

  it.each([
    [
      '10.0.0.1:80, 10.0.0.2:80 502, 200 0.001, 0.002',
      '10.0.0.1:80, 10.0.0.2:80',
      '502, 200',
      '0.001, 0.002',
    ],
    ['10.0.0.1:80 : unix:/x 502 : 200 0.001 : -', '10.0.0.1:80 : unix:/x', '502 : 200', '0.001 : -'],
    ['10.0.0.1:80 200 0.001', '10.0.0.1:80', '200', '0.001'],
    ['- - -', undefined, undefined, undefined],
  ])('takes of the lists %p each', (lists, upstream_addr, upstream_status, upstream_response_time) => {
    const template = compiled(`${MAIN} $upstream_addr $upstream_status $upstream_response_time $pipe`);
    const line = `::1 [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 ${lists} .`;
    const { data } = template.parse(line, 'edge') as { data: Record<string, unknown> };
    expect(data).toMatchObject(
      JSON.parse(
        JSON.stringify({ upstream_addr, upstream_status, upstream_response_time, pipe: '.' }),
      ) as object,
    );
    expect('upstream_addr' in data).toBe(upstream_addr !== undefined);
  });

  it('may have time and request without anything around them, and a path behind a host', () => {
    const plain = compiled('$remote_addr $time_local $request $status');
    expect(plain.parse('::1 10/Oct/2000:13:55:36 -0700 GET /a b HTTP/1.1 200', 'edge')).toMatchObject({
      timeMs: Date.parse('2000-10-10T20:55:36Z'),
      data: { clientIp: '::1', path: '/a b', protocol: 'HTTP/1.1', status: 200 },
    });
    expect(plain.parse('::1 10/Oct/2000:13:55:36 -0700 - 400', 'edge')).toMatchObject({
      code: 'REQUEST_INVALID',
    });
    const whole = compiled('$msec "$request_method $scheme://$host$request_uri" $status');
    expect(whole.parse('1.5 "GET https://shop.example/a?b=/" 200', 'edge')).toMatchObject({
      timeMs: 1_500,
      data: { host: 'shop.example', path: '/a', query: 'b=/', status: 200 },
    });
    expect(whole.parse('1.5 "GET https://shop.example 200', 'edge')).toMatchObject({
      reason: expect.stringContaining('"/" must follow $host'),
    });
  });

  it('is tried before the formats that show themselves', () => {
    const parser = new LogLineParser([
      { name: 'combined' },
      { name: 'edge', template: compiled(`e ${MAIN}`) },
    ]);
    const time = '[10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200';
    expect(parser.names).toEqual(['combined', 'edge']);
    expect(parser.parse(`e ::1 ${time}`)).toMatchObject({ format: 'edge' });
    expect(parser.parse(`::1 - - ${time} 5 "-" "-"`)).toMatchObject({ format: 'combined' });
    expect(parser.parse(`::1 - - ${time} 5`)).toMatchObject({
      kind: 'rejected',
      reason: expect.stringContaining('format common'),
    });
  });

  it('brings back whatever nginx has escaped', () => {
    const template = compiled(`escape=json "$http_x" ${MAIN}`);
    const plain = compiled(`"$http_x" ${MAIN}`);
    const printed = (bytes: Buffer): string =>
      [...bytes]
        .map((b) =>
          b < 32 || b > 126 || b === 34 || b === 92
            ? `\\x${b.toString(16).padStart(2, '0')}`
            : String.fromCharCode(b),
        )
        .join('');
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1 }).filter((value) => value !== '-'),
        (value) => {
          const rest = '::1 [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200';
          expect(template.parse(`${JSON.stringify(value)} ${rest}`, 'edge')).toMatchObject({
            data: { http_x: value },
          });
          expect(plain.parse(`"${printed(Buffer.from(value))}" ${rest}`, 'edge')).toMatchObject({
            data: { http_x: value },
          });
        },
      ),
    );
  });
});

describe('any format', () => {
  /** Texts on which a parser that goes back and tries again would take hours. */
  const hostile = (length: number): readonly string[] =>
    [' [', '"', '\\', '" "', ' - ', '] "', '\\"', '\\x', '[10/Oct/2000:13:55:36 -0700] "', '{"a":'].map(
      (piece) => piece.repeat(length / piece.length),
    );

  it('takes time in proportion to the length of the line', () => {
    const parsers: ((line: string) => unknown)[] = [
      (line) => parseLogLine(line),
      ...(
        ['common', 'combined', 'vhost_common', 'vhost_combined', 'nginx', 'nginx-json', 'json'] as const
      ).map((format) => (line: string) => parseLogLine(line, format)),
      ...['', 'escape=json ', 'escape=none '].map((escape) => {
        const template = compiled(
          `${escape}$remote_addr - $remote_user [$time_local] "$request" $status "$http_referer"`,
        );
        return (line: string) => template.parse(line, 'edge');
      }),
    ];
    const front = '::1 - - [10/Oct/2000:13:55:36 -0700] "GET /';
    // 250,000 characters: in proportion that is a millisecond or so each, and by its square a minute.
    const lines = hostile(250_000).flatMap((line) => [line, front + line]);
    for (const parse of parsers) {
      const startMs = performance.now();
      for (const line of lines) parse(line);
      expect(performance.now() - startMs).toBeLessThan(2_000);
    }
  });
});
