import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MAX_EVENT_BYTES } from '#libs/kernel';
import {
  compileLogTemplate,
  LineReader,
  LogLineParser,
  parseEvent,
  type LogTemplate,
  type TextLine,
} from './index.js';

// Lines as servers and senders write them, with what each says: fixture/make_corpus.py, which has the answers to
// Apache's formats from the PyPI package apachelogs, and the others from the table that it printed the lines from.

interface Answer {
  readonly rejected?: true;
  readonly timeMs?: number;
  readonly data?: Record<string, unknown>;
}

const bytesOf = (name: string): Buffer => readFileSync(join(import.meta.dirname, 'fixture', name));

function answersTo(name: string): readonly Answer[] {
  const lines = bytesOf(`${name}.ndjson`).toString().trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Answer);
}

function linesOf(bytes: Buffer): readonly TextLine[] {
  const reader = new LineReader();
  return [...reader.push(bytes), ...reader.end()];
}

function textsOf(name: string): readonly string[] {
  return linesOf(bytesOf(`${name}.log`)).map((line) => ('text' in line ? line.text : ''));
}

function template(source: string): { readonly name: string; readonly template: LogTemplate } {
  const compiled = compileLogTemplate(source);
  if (compiled.kind === 'wrong') throw new Error(compiled.reason);
  return { name: 'declared', template: compiled.template };
}

const NGINX =
  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';
const PARSERS: Readonly<Record<string, LogLineParser>> = {
  common: new LogLineParser([{ name: 'common' }]),
  combined: new LogLineParser([{ name: 'combined' }]),
  vhost_common: new LogLineParser([{ name: 'vhost_common' }]),
  vhost_combined: new LogLineParser([{ name: 'vhost_combined' }]),
  nginx: new LogLineParser([{ name: 'nginx' }]),
  'nginx-json': new LogLineParser([{ name: 'nginx-json' }]),
  json: new LogLineParser([{ name: 'json' }]),
  'declared-default': new LogLineParser([template(`${NGINX} rt=$request_time host=\${host}`)]),
  'declared-json': new LogLineParser([
    template(
      'escape=json $time_iso8601|"$request"|$status|$body_bytes_sent|"$http_user_agent"|"$http_referer"|"$remote_user"|$remote_addr',
    ),
  ]),
};

describe.each(Object.keys(PARSERS))('the corpus of %s', (name) => {
  const parser = PARSERS[name]!;
  const texts = textsOf(name);
  const answers = answersTo(name);

  it('has 200 lines or more, each with its answer', () => {
    expect(texts.length).toBeGreaterThanOrEqual(200);
    expect(answers).toHaveLength(texts.length);
  });

  it.each([
    ['found from the line', undefined],
    ['asked for', parser.names[0]],
  ])('is read as the other parser reads it, with the format %s', (_, wanted) => {
    const differing = texts.flatMap((text, index) => {
      const read = parser.parse(text, wanted);
      const { timeMs, data, rejected } = answers[index]!;
      const told = rejected ? { rejected } : { timeMs, data };
      const found =
        read.kind === 'rejected' ? { rejected: true } : { timeMs: read.timeMs, data: known(read.data) };
      return JSON.stringify(sorted(found)) === JSON.stringify(sorted(told)) ? [] : [{ text, found, told }];
    });
    expect(differing).toEqual([]);
  });

  it('names a line that is over the limit, and reads its neighbours', () => {
    const [first = '', second = ''] = texts;
    const long = first + 'x'.repeat(MAX_EVENT_BYTES);
    const lines = linesOf(Buffer.from([first, long, second].join('\n')));
    expect(lines).toMatchObject([
      { text: first },
      { tooLong: true, number: 2, bytes: Buffer.byteLength(long) },
      { text: second },
    ]);
  });
});

describe.each(['events', 'cloudevents'])('the corpus of %s', (name) => {
  it('is read as the table says', () => {
    const texts = textsOf(name);
    const answers = answersTo(name);
    expect(texts.length).toBeGreaterThanOrEqual(200);
    const found = texts.map((text) => {
      const event = parseEvent(JSON.parse(text), { receivedMs: 0 });
      if (event.kind === 'rejected') return { rejected: true };
      const { id, key, timeMs, data } = event;
      return key === undefined ? { timeMs, id, data } : { timeMs, id, data, key };
    });
    expect(found).toEqual(answers);
  });
});

/** What the line does not have is absent, or undefined. */
function known(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined));
}

function sorted(value: object): unknown {
  const entries = Object.entries(value).sort(([a], [b]) => a.localeCompare(b));
  return entries.map(([key, each]) => [
    key,
    typeof each === 'object' && each !== null ? sorted(each as object) : (each as unknown),
  ]);
}
