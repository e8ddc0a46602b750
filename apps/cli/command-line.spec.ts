import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommandLine } from './command-line.js';

interface Ran {
  readonly exitCode: number;
  readonly out: string;
  readonly complaints: string;
}

async function millrace(...args: string[]): Promise<Ran> {
  const out: string[] = [];
  const complaints: string[] = [];
  const exitCode = await runCommandLine(args, {
    out: (text) => void out.push(text),
    complain: (text) => void complaints.push(text),
  });
  return { exitCode, out: out.join('\n'), complaints: complaints.join('\n') };
}

describe('millrace validate', () => {
  let folder: string;
  const fileOf = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const PIPELINE = [
    'apiVersion: millrace/v1',
    'kind: Pipeline',
    'metadata: { name: tiny }',
    'spec:',
    '  event: web-request@1',
    '  aggregate:',
    '    - name: requests',
    '      window: { tumbling: 1m, allowedLateness: 0s }',
    '      by: [stream]',
    '      measures: { requests: count }',
  ];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('says ok and explains a pipeline that can run', async () => {
    const file = fileOf('tiny.yaml', PIPELINE.join('\n'));
    const ran = await millrace('validate', file);
    expect(ran).toMatchObject({ exitCode: 0, complaints: '' });
    expect(ran.out).toContain(`${file}: ok`);
    expect(ran.out).toContain('tiny.raw');
  });

  it('accepts the shipped pipeline with what it includes', async () => {
    expect(await millrace('validate', 'pipelines/web.yaml')).toMatchObject({ exitCode: 0, complaints: '' });
  });

  it('names every problem with file, line and column', async () => {
    const broken = PIPELINE.join('\n')
      .replace('tumbling: 1m', 'tumbling: never')
      .replace('requests: count', 'requests: cuont');
    const file = fileOf('broken.yaml', broken);
    const ran = await millrace('validate', file);
    expect(ran.exitCode).toBe(1);
    expect(ran.complaints).toContain(`${file}:8:`);
    expect(ran.complaints).toContain(`${file}:10:`);
  });

  it("loads the user's own steps, and names each that is none with its line and what would be right", async () => {
    fileOf('good.mjs', 'export class Good { apply(data) {} }');
    fileOf('bad.mjs', 'export const bad = 1;');
    const enrich = ['  enrich:', '    - use: ./good.mjs', '    - use: ./bad.mjs', '    - use: ./gone.mjs'];
    const file = fileOf('own.yaml', [...PIPELINE, ...enrich].join('\n'));
    const ran = await millrace('validate', file);
    expect(ran).toMatchObject({ exitCode: 1, out: '' });
    const [bad, gone] = ran.complaints.split('\n');
    expect(bad).toMatch(
      /own\.yaml:13:12 spec\.enrich\[1\]\.use: .*bad\.mjs can't be used as a step: .*exports 0/,
    );
    expect(gone).toMatch(/own\.yaml:14:12 spec\.enrich\[2\]\.use: .*gone\.mjs .*there is no such file/);
  });

  it('looks at every file, and fails if one is wrong', async () => {
    const good = fileOf('good.yaml', PIPELINE.join('\n'));
    const ran = await millrace('validate', join(folder, 'gone.yaml'), good);
    expect(ran.exitCode).toBe(1);
    expect(ran.complaints).toContain('gone.yaml');
    expect(ran.out).toContain(`${good}: ok`);
  });
});

describe('millrace dead-letters', () => {
  let server: Server;
  let url: string;
  let asked: string[];
  let posted: unknown[];
  let answer: { status: number; body: object };

  beforeEach(async () => {
    asked = [];
    posted = [];
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      request.setEncoding('utf8').on('data', (text: string) => posted.push(JSON.parse(text) as unknown));
      response
        .writeHead(answer.status, { 'content-type': 'application/json' })
        .end(JSON.stringify(answer.body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => void server.close());

  const LETTER = {
    id: 'a',
    time: '2026-11-22T07:00:00.000Z',
    stream: 'web',
    code: 'LINE_UNPARSABLE',
    line: 3,
    reason: 'no known format',
    original: 'this is no log line',
  };

  it('shows time, stream, code, place, reason and original', async () => {
    answer = { status: 200, body: { deadLetters: [LETTER], nextCursor: null } };
    const ran = await millrace('dead-letters', '--url', url);
    expect(ran.exitCode).toBe(0);
    expect(ran.out.split('\n')).toEqual([
      '2026-11-22T07:00:00.000Z web LINE_UNPARSABLE line 3: no known format | this is no log line',
      '1 dead letter',
    ]);
  });

  it('gives one JSON object a line, and nothing else, for programs', async () => {
    answer = { status: 200, body: { deadLetters: [LETTER, LETTER], nextCursor: 'x' } };
    const ran = await millrace('dead-letters', '--url', url, '--json');
    expect(ran.out.split('\n').map((line) => JSON.parse(line) as unknown)).toEqual([LETTER, LETTER]);
  });

  it('asks for what was wanted', async () => {
    answer = { status: 200, body: { deadLetters: [], nextCursor: null } };
    const ran = await millrace(
      'dead-letters',
      '--url',
      url,
      '--stream',
      'web',
      '--code',
      'X',
      '--limit',
      '7',
    );
    expect(asked).toEqual(['/v1/dead-letters?limit=7&stream=web&code=X']);
    expect(ran.out).toBe('no dead letters');
  });

  it('shows one with everything, or says that there is none', async () => {
    answer = { status: 200, body: { deadLetters: [LETTER], nextCursor: null } };
    expect(JSON.parse((await millrace('dead-letters', 'show', 'a/b', '--url', url)).out)).toEqual(LETTER);
    expect(asked).toEqual(['/v1/dead-letters?id=a%2Fb']);
    answer.body = { deadLetters: [], nextCursor: null };
    const ran = await millrace('dead-letters', 'show', 'x', '--url', url);
    expect(ran).toEqual({ exitCode: 1, out: '', complaints: "there is no dead letter 'x'" });
  });

  it('sends again what is named, or what the options choose, and says what became of each', async () => {
    const problems = [{ id: 'c', code: 'DEAD_LETTER_CUT', reason: 'only the first 8192 are kept' }];
    answer = {
      status: 200,
      body: { dryRun: false, sent: 2, alreadySent: 1, notRedrivable: 1, problems, more: false },
    };
    const ran = await millrace('dead-letters', 'redrive', 'a', 'b', 'c', '--url', url);
    expect(ran.out.split('\n')).toEqual([
      "2 sent again, 1 sent before, 1 can't be sent",
      'c: DEAD_LETTER_CUT: only the first 8192 are kept',
    ]);
    await millrace('dead-letters', 'redrive', '--pipeline', 'web', '--code', 'X', '--dry-run', '--url', url);
    expect(posted).toEqual([
      { ids: ['a', 'b', 'c'], limit: 1_000, dryRun: false },
      { filter: { pipeline: 'web', code: 'X' }, limit: 1_000, dryRun: true },
    ]);
    expect(await millrace('dead-letters', 'redrive', '--url', url)).toMatchObject({ exitCode: 2 });
  });

  it('says in one line what the server refused', async () => {
    answer = {
      status: 400,
      body: { title: 'Bad Request', detail: "'?' is not a stream", code: 'PARAMETER_INVALID' },
    };
    const ran = await millrace('dead-letters', '--url', url);
    expect(ran).toEqual({ exitCode: 3, out: '', complaints: `${url} answered 400: '?' is not a stream` });
  });

  it('says in one line that nobody is there', async () => {
    const ran = await millrace('dead-letters', '--url', 'http://127.0.0.1:1');
    expect(ran.exitCode).toBe(3);
    expect(ran.complaints.split('\n')).toHaveLength(1);
    expect(ran.complaints).toContain('no answer from http://127.0.0.1:1');
  });
});

describe('millrace explain window', () => {
  let server: Server;
  let url: string;
  let asked: string[];
  let pipelines: readonly string[];

  beforeEach(async () => {
    asked = [];
    pipelines = ['web'];
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      const series = pipelines.map((pipeline) => ({ pipeline, series: 'sessions' }));
      const body = request.url === '/v1/series' ? { series } : { text: 'it waits', state: 'open' };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => void server.close());

  const explain = (...args: readonly string[]): ReturnType<typeof millrace> =>
    millrace('explain', 'window', '--url', url, '--stream', 'shop', '--series', ...args);

  it('finds the pipeline of the series, and prints what the server says', async () => {
    const ran = await explain('sessions', '--window-start', '2026-01-01T00:00:00Z');
    expect(ran).toEqual({ exitCode: 0, out: 'it waits', complaints: '' });
    expect(asked).toEqual([
      '/v1/series',
      '/v1/pipelines/web/windows/explain?series=sessions&stream=shop&windowStart=2026-01-01T00%3A00%3A00Z',
    ]);
  });

  it('gives all of it as JSON', async () => {
    const ran = await explain('sessions', '--pipeline', 'web', '--json');
    expect(JSON.parse(ran.out)).toEqual({ text: 'it waits', state: 'open' });
    expect(asked).toHaveLength(1);
  });

  it('wants to know the pipeline where several have the series, and names the series there are', async () => {
    pipelines = ['web', 'app'];
    expect((await explain('sessions')).complaints).toContain('say --pipeline, one of web, app');
    const { exitCode, complaints } = await explain('visits');
    expect({ exitCode, complaints }).toEqual({
      exitCode: 3,
      complaints: 'there is no series visits; there are sessions',
    });
  });
});

describe('a command line that is wrong', () => {
  it.each([
    [['validate'], 'file'],
    [['dead-letters', '--limit', '0'], '1 to 1000'],
    [['dead-letters', '--url', 'localhost'], 'http://127.0.0.1:3000'],
    [['explain', 'window', '--series', 's'], '--stream'],
    [['explode'], 'explode'],
  ])('is refused with 2: %s', async (args, hint) => {
    const ran = await millrace(...args);
    expect(ran.exitCode).toBe(2);
    expect(ran.complaints).toContain(hint);
  });

  it('is not one that asks for help', async () => {
    const ran = await millrace('--help');
    expect(ran.exitCode).toBe(0);
    expect(ran.out).toContain('dead-letters');
  });
});
