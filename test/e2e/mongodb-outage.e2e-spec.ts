import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { describeWithMongodb } from '#libs/testing';
import { makeAccessLog } from './access-log.js';
import { allRows, closeStream, deadLines, fatesOf, postLog, requestsByMinute } from './api.js';
import { OwnMongod } from './own-mongod.js';
import { recount } from './recount.js';
import { postUntilStored, SideWork } from './side-work.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';

// The store goes away in the middle of a load: everybody is told why it waits, what was answered stays, and it goes on
// by itself when the store is there again.

const LOG = makeAccessLog({ lines: 6_000, days: 2, broken: 10, seed: 71 });
const PIECES = inPieces(LOG.text, 6);
const DATABASE = 'outage';
const WAIT_MS = 60_000;

const OUTAGES: readonly (readonly [
  string,
  (mongod: OwnMongod) => Promise<void> | void,
  (mongod: OwnMongod) => Promise<void> | void,
])[] = [
  ['stands still', (mongod) => mongod.freeze(), (mongod) => mongod.thaw()],
  ['is killed', (mongod) => mongod.kill(), (mongod) => mongod.startAgain()],
];

describeWithMongodb('a MongoDB in the middle of a load', () => {
  let mongod: OwnMongod;
  let folder: string;
  let running: StandaloneProcess | undefined;
  let posting: SideWork | undefined;

  beforeEach(async () => {
    mongod = await OwnMongod.start();
    folder = temporaryFolder();
  }, 300_000);
  afterEach(async () => {
    await posting?.abandon();
    await running?.kill();
    await mongod.dispose();
    removeFolder(folder);
  }, 300_000);

  test.each(OUTAGES)(
    'that %s and comes back costs nothing and doubles nothing',
    async (_how, fail, restore) => {
      const store = mongod.address.replace('/?', `/${DATABASE}?`);
      running = await StandaloneProcess.start(folder, { MILLRACE_STORE: store });
      const { url } = running;
      await untilReadyIs(url, 200);
      await postLog(url, 'web', PIECES[0]!, 'piece-0');
      // Its rows are on their way; the others follow in their order, during the outage too.
      posting = new SideWork((abandoned) => postOneByOne(url, PIECES.slice(1), abandoned));
      await fail(mongod);
      const reason = await untilReadyIs(url, 503);
      expect(reason).toContain('STORE_UNAVAILABLE');
      expect(reason).toContain(/127\.0\.0\.1:\d+/.exec(mongod.address)![0]);
      expect((await fetch(`${url}/health/live`)).status).toBe(200);
      await restore(mongod);
      await untilReadyIs(url, 200);
      await posting.done;
      await closeStream(url, 'web');
      expect(requestsByMinute(await allRows(url, 'requests_per_minute', 'web'))).toEqual(recount(LOG.text));
      expect(await fatesOf(url, 'web')).toMatchObject({ counted: 6_000, dead: 10, late: 0, future: 0 });
      expect(await deadLines(url, 'web')).toHaveLength(LOG.brokenLines.length);
      await expectNoneDoubled();
    },
    300_000,
  );

  async function expectNoneDoubled(): Promise<void> {
    const client = new MongoClient(mongod.address);
    const rows = await client.db(DATABASE).collection('rows.web.requests_per_minute').find().toArray();
    await client.close();
    expect(rows.length).toBeGreaterThan(0);
    expect(new Set(rows.map(({ _id }) => String(_id))).size).toBe(rows.length);
  }
});

async function postOneByOne(url: string, logs: readonly string[], abandoned: AbortSignal): Promise<void> {
  for (const [i, log] of logs.entries())
    await postUntilStored(url, { stream: 'web', log, key: `piece-${i + 1}` }, abandoned);
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

function inPieces(text: string, count: number): readonly string[] {
  const lines = text.split('\n').filter((line) => line !== '');
  const size = Math.ceil(lines.length / count);
  return Array.from({ length: count }, (_, i) => `${lines.slice(i * size, (i + 1) * size).join('\n')}\n`);
}
