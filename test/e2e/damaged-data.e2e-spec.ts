import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ChildProcess } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { COLLECTIONS } from '#libs/storage';
import { forkTypeScript, killProcess } from '#libs/testing';
import { generator, makeAccessLog } from './access-log.js';
import { closeStream, postLog } from './api.js';
import { damageFolder } from './damage-folder.js';
import type { FolderAnswer, FolderContents, FolderQuestion } from './read-data-folder.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';

// A data folder of a real run, damaged at seeded places, is opened by another process. It may be refused by name, it
// may end the process that opens it, or the damage may lie where nothing is; it never gives other rows.

const CASES = (fc.readConfigureGlobal().numRuns ?? 200) >= 2_000 ? 200 : 40;
const SEED = 4_111;
/** A process that reads for so long leads in circles. */
const READ_TIMEOUT_MS = 20_000;
const LOG = makeAccessLog({ lines: 2_000, days: 2, broken: 8, seed: 31 });
const TOPIC = 'persistent://public/default/web.';
const QUESTION: Omit<FolderQuestion, 'folder'> = {
  topics: { [`${TOPIC}raw`]: 2, [`${TOPIC}results`]: 1, [`${TOPIC}dead`]: 1 },
  collections: Object.values(COLLECTIONS),
  tasks: [0, 1].map((partition) => ({ stage: 'local', partition })),
};

/** `same`: as if nothing had happened; `earlier`: messages of the last moment are missing. */
type Outcome = 'same' | 'earlier' | 'DATA_DAMAGED' | 'LOG_DAMAGED' | `crash: ${string}`;

let whole: string;
let contents: FolderContents;
let copy: string | undefined;
let reader: ChildProcess | undefined;

beforeAll(async () => {
  whole = temporaryFolder();
  const standalone = await StandaloneProcess.start(whole);
  await postLog(standalone.url, 'web', LOG.text, 'log-31');
  await closeStream(standalone.url, 'web');
  expect(await standalone.stop()).toBe(0);
  const answer = await read(whole);
  if (typeof answer === 'string' || answer.kind !== 'read') throw new Error(JSON.stringify(answer));
  contents = answer.contents;
}, 600_000);

afterEach(() => {
  if (copy !== undefined) removeFolder(copy);
});
afterAll(async () => {
  if (reader !== undefined) await killProcess(reader);
  removeFolder(whole);
});

/** What the reader answers; or the signal (or code) that it ended with, or `timeout`. */
async function read(folder: string): Promise<FolderAnswer | string> {
  if (reader === undefined || hasEnded(reader)) {
    reader = forkTypeScript(join(import.meta.dirname, 'read-data-folder.ts'), []);
  }
  const answer = await ask(reader, folder);
  // What LMDB has read of a damaged file may have hurt the process.
  if (typeof answer === 'string' || answer.kind === 'refused') {
    await killProcess(reader);
    reader = undefined;
  }
  return answer;
}

function ask(child: ChildProcess, folder: string): Promise<FolderAnswer | string> {
  return new Promise((resolve) => {
    const settle = (answer: FolderAnswer | string): void => {
      clearTimeout(timeout);
      child.removeAllListeners('message').removeAllListeners('exit');
      resolve(answer);
    };
    const timeout = setTimeout(() => settle('timeout'), READ_TIMEOUT_MS);
    child.once('message', (answer: FolderAnswer) => settle(answer));
    child.once('exit', (code, signal) => settle(String(signal ?? code)));
    // Where it can't be sent, the child is about to end.
    child.send({ folder, ...QUESTION } satisfies FolderQuestion, () => undefined);
  });
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** @throws what is not allowed */
function outcomeOf(answer: FolderAnswer | string): Outcome {
  if (typeof answer === 'string') {
    expect(answer).toMatch(/^SIG(SEGV|BUS|ABRT|TRAP|ILL|FPE)$/);
    return `crash: ${answer}`;
  }
  if (answer.kind === 'refused') {
    expect(answer).toMatchObject({
      code: expect.stringMatching(/^(DATA|LOG)_DAMAGED$/),
      detail: expect.anything(),
    });
    return answer.code as Outcome;
  }
  expect(answer.contents.rows).toEqual(contents.rows);
  expect(answer.contents.documents).toEqual(contents.documents);
  let outcome: Outcome = 'same';
  for (const [partition, messages] of Object.entries(contents.messages)) {
    const found = answer.contents.messages[partition] ?? [];
    if (found.length < messages.length) outcome = 'earlier';
    expect(found).toEqual(messages.slice(0, found.length));
    expect(found.length).toBeGreaterThanOrEqual(messages.length - 1);
  }
  return outcome;
}

it(`${CASES} damaged data folders never give other rows`, async () => {
  const outcomes: Record<string, number> = {};
  expect(contents.rows.length).toBeGreaterThan(1_000);
  expect(contents.documents.length).toBeGreaterThanOrEqual(8);
  for (let number = 0; number < CASES; number++) {
    const folder = (copy = temporaryFolder());
    cpSync(whole, folder, { recursive: true });
    const damage = damageFolder(folder, generator(SEED + number));
    const answer = await read(folder);
    try {
      const outcome = outcomeOf(answer);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    } catch (error) {
      throw new Error(`case ${number}, ${damage}`, { cause: error });
    }
    removeFolder(folder);
  }
  process.stderr.write(`${CASES} damaged data folders: ${JSON.stringify(outcomes)}\n`);
  // Else the damage would have missed the data.
  const refused = (outcomes['DATA_DAMAGED'] ?? 0) + (outcomes['LOG_DAMAGED'] ?? 0);
  expect(refused).toBeGreaterThan(CASES / 10);
}, 600_000);
