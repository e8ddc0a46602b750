import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  copyFileSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sent } from './line-sender.js';
import { LogFollower } from './log-follower.js';

// A log that is emptied and written anew while a batch of it is under way. What stands there then are other lines, and
// they must not go under the names of those that were sent before.

let folder: string;
let log: string;
/** Name of the batch → its lines, as they came in. */
let received: { readonly batch: string; readonly text: string }[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-follower-'));
  log = join(folder, 'access.log');
  received = [];
});

afterEach(() => rmSync(folder, { recursive: true }));

function linesOf(what: string, count: number): string {
  return Array.from({ length: count }, (_, n) => `${what} ${n}\n`).join('');
}

function rewrite(text: string): void {
  truncateSync(log);
  writeFileSync(log, text);
}

class ProcessDied extends Error {}

/** Runs a follower until `answer` ends it: by a death, or by having got the text that is waited for. */
async function follow(
  answer: (batch: number) => void,
  until?: string,
  statePath = join(folder, 'state.json'),
): Promise<void> {
  const stop = new AbortController();
  let batches = 0;
  const follower = new LogFollower({
    path: log,
    statePath,
    isFromEnd: false,
    send: (batch, lines): Promise<Sent> => {
      received.push({ batch, text: lines.toString() });
      answer(++batches);
      if (until !== undefined && lines.toString().endsWith(until)) stop.abort();
      return Promise.resolve({ accepted: 1, rejected: 0 });
    },
    pause: () => Promise.resolve(),
    complain: () => undefined,
    signal: stop.signal,
  });
  await follower.run().catch((error: unknown) => {
    if (!(error instanceof ProcessDied)) throw error;
  });
}

describe('a log that is emptied and has grown again', () => {
  it('while a batch was under way in a process that died: nothing goes under the name of that batch', async () => {
    writeFileSync(log, linesOf('old', 20));
    await follow(() => {
      rewrite(linesOf('new', 40));
      throw new ProcessDied();
    });
    await follow(() => undefined, 'new 39\n');
    const [old, ...later] = received;
    expect(old?.text).toBe(linesOf('old', 20));
    expect(later.map(({ text }) => text).join('')).toBe(linesOf('new', 40));
    expect(later.map(({ batch }) => batch)).not.toContain(old?.batch);
  });

  it('while a batch was under way that is then answered: is read from its beginning', async () => {
    writeFileSync(log, linesOf('old', 20));
    await follow((batch) => {
      if (batch === 1) rewrite(linesOf('new', 40));
    }, 'new 39\n');
    const [old, ...later] = received;
    expect(later.map(({ text }) => text).join('')).toBe(linesOf('new', 40));
    expect(later.map(({ batch }) => batch)).not.toContain(old?.batch);
  });

  it('between two runs: is read from its beginning', async () => {
    writeFileSync(log, linesOf('old', 20));
    await follow(() => undefined, 'old 19\n');
    rewrite(linesOf('new', 40));
    await follow(() => undefined, 'new 39\n');
    expect(received.map(({ text }) => text).join('')).toBe(linesOf('old', 20) + linesOf('new', 40));
  });

  it('is gone on with where only more has come', async () => {
    writeFileSync(log, linesOf('old', 20));
    await follow(() => undefined, 'old 19\n');
    writeFileSync(log, linesOf('new', 5), { flag: 'a' });
    await follow(() => undefined, 'new 4\n');
    expect(received.map(({ text }) => text)).toEqual([linesOf('old', 20), linesOf('new', 5)]);
  });
});

describe('what stands beside a log', () => {
  it('is no part of it where it is the state, or a copy of what was sent', async () => {
    writeFileSync(log, linesOf('old', 20));
    const statePath = `${log}.state`;
    await follow(() => undefined, 'old 19\n', statePath);
    untilLater();
    copyFileSync(log, `${log}.bak`);
    writeFileSync(log, linesOf('more', 5), { flag: 'a' });
    // Later than the copy, also where the clock of the file system is coarse.
    const laterS = Date.now() / 1_000 + 10;
    utimesSync(log, laterS, laterS);
    renameSync(log, `${log}.1`);
    writeFileSync(log, linesOf('new', 5));
    await follow(() => undefined, 'new 4\n', statePath);
    expect(received.map(({ text }) => text)).toEqual([
      linesOf('old', 20),
      linesOf('more', 5),
      linesOf('new', 5),
    ]);
  });

  it('is part of it where a rotated log has the same lines', async () => {
    writeFileSync(log, linesOf('same', 5));
    await follow(() => undefined, 'same 4\n');
    untilLater();
    renameSync(log, `${log}.2`);
    writeFileSync(log, linesOf('same', 5));
    untilLater();
    renameSync(log, `${log}.1`);
    writeFileSync(log, linesOf('new', 5));
    await follow(() => undefined, 'new 4\n');
    expect(received.map(({ text }) => text)).toEqual([
      linesOf('same', 5),
      linesOf('same', 5),
      linesOf('new', 5),
    ]);
  });
});

/** Files that are made now are younger than the log, as far as the clock of the file system can tell. */
function untilLater(): void {
  const probe = join(folder, 'probe');
  const madeMs = statSync(log).birthtimeMs;
  do {
    rmSync(probe, { force: true });
    writeFileSync(probe, '');
  } while (statSync(probe).birthtimeMs <= madeMs);
}
