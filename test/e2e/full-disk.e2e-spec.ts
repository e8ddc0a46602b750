import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makeAccessLog } from './access-log.js';
import { allRows, closeStream, deadLines, fatesOf, postLog, requestsByMinute } from './api.js';
import { recount } from './recount.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';

// A disk that another program fills: nothing that was answered 202 is lost, everybody is told why it waits, and it
// goes on by itself when there is room.

const DISK_BYTES = 256 * 2 ** 20;
const FIRST = makeAccessLog({ lines: 2_000, days: 2, broken: 5, seed: 41 });
const SECOND = makeAccessLog({ lines: 2_000, days: 2, broken: 5, seed: 42 });
const WAIT_MS = 60_000;

const disk = temporaryFolder();
const isMounted =
  spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', disk], { stdio: 'ignore' })
    .status === 0;
const onSmallDisk = isMounted ? describe : describe.skip;
let standalone: StandaloneProcess | undefined;

afterEach(async () => await standalone?.kill());
afterAll(() => {
  if (isMounted) spawnSync('umount', [disk]);
  removeFolder(disk);
});

function fill(file: string): void {
  const filler = openSync(file, 'w');
  for (const bytes of [65_536, 4_096]) {
    try {
      for (;;) writeSync(filler, Buffer.alloc(bytes, 1));
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' });
    }
  }
  closeSync(filler);
}

/** Asks until it answers so; the body. */
async function untilReadyIs(url: string, status: number): Promise<string> {
  for (const deadline = Date.now() + WAIT_MS; ;) {
    const answer = await fetch(`${url}/health/ready`);
    const body = await answer.text();
    if (answer.status === status) return body;
    if (Date.now() > deadline) throw new Error(`ready says ${answer.status}: ${body}`);
  }
}

onSmallDisk('a full disk [needs mount]', () => {
  it('pauses it with the reason, loses nothing that was answered, and lets it go on when there is room', async () => {
    const running = (standalone = await StandaloneProcess.start(join(disk, 'data')));
    const { url } = running;
    expect(await postLog(url, 'first', FIRST.text, 'first')).toMatchObject({ accepted: 2_000 });
    const filler = join(disk, 'filler');
    fill(filler);
    const refused = await postLog(url, 'second', SECOND.text, 'second').catch(
      (error: Error) => error.message,
    );
    expect(refused).toMatch(/^503 .*LOG_UNAVAILABLE/);
    expect(await untilReadyIs(url, 503)).toMatch(/(LOG|STORE)_WRITE_FAILED.*no room on the disk/);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);

    rmSync(filler);
    await untilReadyIs(url, 200);
    expect(await postLog(url, 'second', SECOND.text, 'second')).toMatchObject({ accepted: 2_000 });
    for (const [stream, log] of [['first', FIRST] as const, ['second', SECOND] as const]) {
      await closeStream(url, stream);
      expect(requestsByMinute(await allRows(url, 'requests_per_minute', stream))).toEqual(recount(log.text));
      expect(await fatesOf(url, stream)).toMatchObject({ counted: 2_000, dead: 5, late: 0 });
      expect(await deadLines(url, stream)).toEqual(log.brokenLines);
    }
    expect(await running.stop()).toBe(0);
  }, 300_000);
});
