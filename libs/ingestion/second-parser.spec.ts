import { afterAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { parseLogLine } from './index.js';

// Against a parser that shares no code with this one: the PyPI package apachelogs. Its answers to the corpora are kept beside
// them (fixture/make_corpus.py); here it is asked about lines that nobody has thought of.

const PYTHON = process.env['MILLRACE_TEST_PYTHON'] ?? 'python3';
const hasSecondParser = spawnSync(PYTHON, ['-c', 'import apachelogs']).status === 0;
const withSecondParser = hasSecondParser ? describe : describe.skip;
const needs = hasSecondParser ? '' : ' [needs python3 with apachelogs]';

/** Answers each line of standard input, `{format, line}`, by the fields that apachelogs finds, or null. */
const PROGRAM = `
import apachelogs, json, sys
parsers = {name: apachelogs.LogParser(text, encoding='utf-8', errors='replace') for name, text in {
  'common': apachelogs.COMMON, 'combined': apachelogs.COMBINED, 'vhost_common': apachelogs.VHOST_COMMON}.items()}
for line in sys.stdin:
  asked = json.loads(line)
  try:
    d = parsers[asked['format']].parse(asked['line']).directives
    t = d['%t']
    d['%t'] = round(t.timestamp() * 1000)
    print(json.dumps(d), flush=True)
  except Exception:
    print('null', flush=True)
`;

type Directives = Readonly<Record<string, string | number | null>>;

class SecondParser {
  readonly #process: ChildProcess = spawn(PYTHON, ['-c', PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
  readonly #answers: Interface = createInterface({ input: this.#process.stdout! });

  async parse(format: string, line: string): Promise<Directives | null> {
    const answer = new Promise<string>((resolve) => this.#answers.once('line', resolve));
    this.#process.stdin!.write(`${JSON.stringify({ format, line })}\n`);
    return JSON.parse(await answer) as Directives | null;
  }

  stop(): void {
    this.#process.stdin!.end();
  }
}

const SHORT: Readonly<Record<number, string>> = {
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  13: '\\r',
  34: '\\"',
  92: '\\\\',
};

/** As Apache writes a text into its log. */
function escaped(bytes: Uint8Array): string {
  const one = (byte: number): string =>
    SHORT[byte] ??
    (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`);
  return [...bytes].map(one).join('');
}

const text = fc.oneof(
  fc.uint8Array({ maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }).map((value) => Buffer.from(value)),
  fc.constantFrom('"', '\\', '\\"', '] "', '" 200 5 "', '\\x41', '-a').map((value) => Buffer.from(value)),
);
const quoted = fc.oneof(fc.constant('-'), fc.constant(''), text.map(escaped));

const logged = fc.record({
  host: fc.domain(),
  client: fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()),
  user: fc.oneof(fc.constant('-'), fc.constant('""'), fc.stringMatching(/^[a-z][a-z @.]{0,8}[a-z]$/)),
  time: fc.constantFrom(
    '10/Oct/2000:13:55:36 -0700',
    '29/Feb/2024:00:00:00 +0000',
    '31/Dec/1999:23:59:59 +1345',
  ),
  target: text.map((bytes) => `/${escaped(bytes)}`),
  protocol: fc.constantFrom(' HTTP/1.1', ' HTTP/2.0', ''),
  status: fc.integer({ min: 100, max: 599 }),
  bytes: fc.oneof(fc.constant('-'), fc.nat().map(String)),
  referrer: quoted,
  agent: quoted,
});

function absent(value: string | number | null | undefined): string | number | undefined {
  return value === null || value === undefined || value === '' || value === '-' ? undefined : value;
}

withSecondParser(`a line of Apache's${needs}`, () => {
  const second = new SecondParser();
  afterAll(() => second.stop());

  it.each(['common', 'combined', 'vhost_common'] as const)(
    'in %s has the values that apachelogs finds',
    async (format) => {
      await fc.assert(
        fc.asyncProperty(logged, async (row) => {
          const front = format === 'vhost_common' ? `${row.host} ` : '';
          const back = format === 'combined' ? ` "${row.referrer}" "${row.agent}"` : '';
          const line =
            `${front}${row.client} - ${row.user} [${row.time}] "GET ${row.target}${row.protocol}" ` +
            `${row.status} ${row.bytes}${back}`;
          const theirs = await second.parse(format, line);
          const ours = parseLogLine(line, format);
          fc.pre(theirs !== null);
          expect(ours.kind).toBe('parsed');
          if (ours.kind !== 'parsed') return;
          const { data } = ours;
          const target =
            data['query'] === undefined ? data['path'] : `${String(data['path'])}?${String(data['query'])}`;
          const protocol = data['protocol'] === undefined ? '' : ` ${String(data['protocol'])}`;
          // A question mark with nothing behind it is no query.
          const request = String(theirs['%r']).replace(/^([^?]*)\?(?= HTTP\/|$)/, '$1');
          expect({
            timeMs: ours.timeMs,
            client: data['clientIp'],
            user: absent(data['userId'] as string),
            request: `GET ${String(target)}${protocol}`,
            status: data['status'],
            bytes: data['bytes'],
            referrer: absent(data['referrer'] as string),
            agent: absent(data['userAgent'] as string),
          }).toEqual({
            timeMs: theirs['%t'],
            client: theirs['%h'],
            user: absent(theirs['%u']),
            request,
            status: theirs['%>s'],
            bytes: absent(theirs['%b']),
            referrer: absent(theirs['%{Referer}i']),
            agent: absent(theirs['%{User-Agent}i']),
          });
        }),
      );
    },
  );
});
