import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { makeAccessLog } from './access-log.js';
import {
  type ApiRow,
  allRows,
  closeStream,
  deadLines,
  fatesOf,
  postLog,
  postWithCurl,
  requestsByMinute,
} from './api.js';
import { type Recount, recount } from './recount.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';

// The main job, as a user does it: a real process, a real log, real files. Every minute must equal an independent
// count, and every broken line must be named.

const LOG = makeAccessLog({ lines: 12_000, days: 4, broken: 20, seed: 7 });
const HOLD_MS = 30_000;

let expected: Recount;
let dataDir: string;
let standalone: StandaloneProcess | undefined;

beforeAll(() => {
  expected = recount(LOG.text);
});

afterEach(async () => {
  await standalone?.kill();
  standalone = undefined;
  removeFolder(dataDir);
});

afterAll(() => expect([...expected.values()].reduce((sum, count) => sum + count, 0)).toBe(12_000));

async function start(settings: Readonly<Record<string, string>> = {}): Promise<string> {
  dataDir = temporaryFolder();
  standalone = await StandaloneProcess.start(dataDir, settings);
  return standalone.url;
}

/** Every minute as counted outside, every row final, nothing late, every broken line named. */
async function expectWholeLog(url: string, stream: string): Promise<void> {
  const rows = await allRows(url, 'requests_per_minute', stream);
  expect(requestsByMinute(rows)).toEqual(expected);
  expect(phasesOf(rows)).toEqual(['final']);
  expect(await fatesOf(url, stream)).toMatchObject({ counted: 12_000, dead: 20, late: 0, future: 0 });
  expect(await deadLines(url, stream)).toEqual(LOG.brokenLines);
}

function phasesOf(rows: readonly ApiRow[]): readonly string[] {
  return [...new Set(rows.map(({ phase }) => phase))];
}

describe('a log posted with curl', () => {
  it('gives the numbers of an independent count, and names each broken line', async () => {
    const url = await start();
    const answer = await postWithCurl(url, 'web', LOG.text);
    expect(answer).toMatchObject({ accepted: 12_000, rejected: 20, duplicates: 0, errorsTruncated: false });
    expect(answer.errors.map(({ line }) => line)).toEqual(LOG.brokenLines);
    await closeStream(url, 'web');
    await expectWholeLog(url, 'web');
  }, 300_000);

  it('gives them also while one partition lags 30 s behind', async () => {
    const url = await start({ MILLRACE_HOLD_TASKS: `web/local/1=${HOLD_MS}ms` });
    await postWithCurl(url, 'web', LOG.text);
    await closeStream(url, 'web');
    await expectWholeLog(url, 'web');
  }, 300_000);

  it('gives them also beside the sample traffic of today', async () => {
    const url = await start({ MILLRACE_DEMO: 'true' });
    await postWithCurl(url, 'web', LOG.text);
    await closeStream(url, 'web');
    await expectWholeLog(url, 'web');
    expect(await fatesOf(url, 'demo')).toMatchObject({ late: 0, dead: 0 });
  }, 300_000);
});

describe('a log sent again with its idempotency key', () => {
  it('counts once', async () => {
    const url = await start();
    await postLog(url, 'web', LOG.text, 'log-7');
    expect(await postLog(url, 'web', LOG.text, 'log-7')).toMatchObject({ accepted: 12_000, rejected: 20 });
    await closeStream(url, 'web');
    await expectWholeLog(url, 'web');
    expect(await fatesOf(url, 'web')).toMatchObject({ duplicate: 12_020 });
  }, 300_000);
});
