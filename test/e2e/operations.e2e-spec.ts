import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { readText } from '../source-files.js';
import { millrace } from './cli-process.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';
import { until } from './until.js';
import { writeFunctions } from './user-functions.js';

// Commands of docs/operations.md as somebody types them: beside a standalone, the program itself, what it prints and
// its exit code. `storage`, `audit` and `topology` have specs of their own, since they need servers.

const EVENTS = 3;
/** So far ahead pipelines/web.yaml takes them: their window stays open as long as these tests take. */
const AHEAD_MS = 4 * 60_000;
const OPEN = ['--series', 'requests_per_minute', '--stream', 'web'];

let folder: string;
let standalone: StandaloneProcess;
let at: readonly string[];
let down: string;

async function postEvents(): Promise<void> {
  const events = Array.from({ length: EVENTS }, (_, n) => ({
    id: `e${n}`,
    time: new Date(Date.now() + AHEAD_MS).toISOString(),
    data: { method: 'GET', path: `/${n}`, status: 200 },
  }));
  const sent = await fetch(`${standalone.url}/v1/streams/web/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(events),
  });
  expect(await sent.json()).toMatchObject({ accepted: EVENTS });
}

/** A command, as the page prints it. */
function printed(pattern: RegExp): string {
  const [line = ''] = pattern.exec(readText('docs/operations.md')) ?? [];
  expect(line).not.toBe('');
  return line;
}

/** Those behind `node …/main.js`. */
const wordsBehind = (command: string): readonly string[] => command.split(' ').slice(2);

function shell(line: string): Promise<string> {
  return new Promise((done) => execFile('sh', ['-c', line], (_, out) => done(out)));
}

beforeAll(async () => {
  folder = temporaryFolder();
  down = join(folder, 'down');
  writeFileSync(down, '');
  const code = `
    import { existsSync } from 'node:fs';
    export const priced = {
      name: 'priced',
      input: 'web.enriched',
      process() {
        if (existsSync(${JSON.stringify(down)}))
          throw Object.assign(new Error('the prices are away'), { code: 'FUNCTION_FAILED', retry: 'never' });
      },
    };`;
  standalone = await StandaloneProcess.start(folder, { MILLRACE_FUNCTIONS: writeFunctions(folder, code) });
  at = ['--url', standalone.url];
  const isReady = (): Promise<number> => fetch(`${standalone.url}/health/ready`).then(({ status }) => status);
  await until(isReady, (status) => status === 200);
  await postEvents();
  const all = (): Promise<string> =>
    millrace('dead-letters', 'list', '--code', 'FUNCTION_FAILED', ...at).then(({ out }) => out);
  await until(all, (out) => out.endsWith(`${EVENTS} dead letters\n`));
}, 300_000);

afterAll(async () => {
  await standalone.kill();
  removeFolder(folder);
});

describe('docs/operations.md', () => {
  it('a process that is ready says so part by part', async () => {
    const answer = await fetch(`${standalone.url}/health/ready`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      status: 'ok',
      details: { log: { status: 'up' }, store: { status: 'up' }, tasks: { status: 'up' } },
    });
  });

  it('dead letters are listed with code and reason, and one is shown with its original', async () => {
    const { out } = await millrace('dead-letters', ...at);
    expect(out).toMatch(/^\S+Z web FUNCTION_FAILED: the prices are away \| \{"id":"e/);
    const listed = await millrace('dead-letters', 'list', '--json', '--limit', '1', ...at);
    const { id } = JSON.parse(listed.out) as { readonly id: string };
    const shown = await millrace('dead-letters', 'show', id, ...at);
    expect(shown).toMatchObject({ exitCode: 0, complaints: '' });
    expect(JSON.parse(shown.out)).toMatchObject({ id, stage: 'priced', reason: 'the prices are away' });
    expect(await millrace('dead-letters', 'show', 'none', ...at)).toMatchObject({ exitCode: 1, out: '' });
  }, 300_000);

  it('dead letters are sent again as the page prints it: first only counted, then once', async () => {
    const curl = printed(/curl -d .*redrive$/m).replace(
      'localhost:3000',
      standalone.url.replace('http://', ''),
    );
    const counted = JSON.parse(await shell(curl.replace('curl', 'curl -s'))) as object;
    expect(counted).toMatchObject({ dryRun: true, sent: EVENTS, alreadySent: 0, notRedrivable: 0 });
    rmSync(down);
    const words = [
      ...wordsBehind(printed(/\S*node dist\/apps\/cli\/main\.js dead-letters redrive .*$/m)),
      ...at,
    ];
    const wouldBe = `${EVENTS} would be sent again, 0 sent before, 0 can't be sent\n`;
    expect(await millrace(...words, '--dry-run')).toEqual({ exitCode: 0, out: wouldBe, complaints: '' });
    expect((await millrace(...words)).out).toBe(`${EVENTS} sent again, 0 sent before, 0 can't be sent\n`);
    expect((await millrace(...words)).out).toBe(`0 sent again, ${EVENTS} sent before, 0 can't be sent\n`);
    expect((await millrace('dead-letters', ...at)).out).toContain('FUNCTION_FAILED (sent again)');
  }, 300_000);

  it('says which window is open, whom it waits for, and when it closes at the latest', async () => {
    const words = wordsBehind(printed(/\S*node dist\/apps\/cli\/main\.js explain window .*$/m));
    const sessions = await millrace(...words, ...at);
    expect(sessions).toMatchObject({ exitCode: 0, complaints: '' });
    expect(sessions.out).toMatch(/^sessions of pipeline web, stream web/);
    const explained = (): Promise<string> =>
      millrace('explain', 'window', ...OPEN, ...at).then(({ out }) => out);
    const open = await until(explained, (out) => out.includes('complete at the latest'));
    expect(open).toMatch(/^requests_per_minute of pipeline web, stream web: the window \S+ to \S+ is open/);
    expect(open).toMatch(/waits for local task \d: its watermark is /);
    const unknown = await millrace('explain', 'window', '--series', 'gone', '--stream', 'web', ...at);
    expect(unknown).toMatchObject({ exitCode: 3, out: '' });
    expect(unknown.complaints).toContain('requests_per_minute');
  }, 300_000);

  it('where no server is, every command that asks one ends with 3 and says where it has looked', async () => {
    const nowhere = await freeAddress();
    const commands = [
      ['dead-letters'],
      ['dead-letters', 'redrive', '--pipeline', 'web'],
      ['explain', 'window', ...OPEN],
      ['keys', 'list'],
    ];
    const runs = await Promise.all(commands.map((words) => millrace(...words, '--url', nowhere)));
    expect(runs.map(({ exitCode }) => exitCode)).toEqual(commands.map(() => 3));
    for (const { complaints } of runs) expect(complaints).toContain(`no answer from ${nowhere}`);
  }, 300_000);

  it('a command line that is wrong ends with 2, before anything is asked', async () => {
    const wrong = [
      ['dead-leters'],
      ['dead-letters', 'redrive'],
      ['dead-letters', '--limti', '5'],
      ['explain', 'window', '--stream', 'web'],
      ['topology', 'check'],
    ];
    const runs = await Promise.all(wrong.map((words) => millrace(...words)));
    expect(runs.map(({ exitCode }) => exitCode)).toEqual(wrong.map(() => 2));
    expect(runs.filter(({ complaints }) => complaints === '')).toEqual([]);
  }, 300_000);

  it('a second process on the data folder is refused with 78, and one that is stopped ends with 0', async () => {
    await expect(StandaloneProcess.start(folder, { MILLRACE_PORT: '0' })).rejects.toThrow(
      /ended with 78: [^]*DATA_FOLDER_BUSY/,
    );
    expect(await standalone.stop()).toBe(0);
  }, 300_000);
});

/** Where nobody listens: a port that was free a moment ago. */
function freeAddress(): Promise<string> {
  return new Promise((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => found(`http://127.0.0.1:${port}`));
    });
  });
}
