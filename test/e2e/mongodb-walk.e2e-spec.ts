import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { describeWithMongodb } from '#libs/testing';
import { makeAccessLog } from './access-log.js';
import {
  type ApiRow,
  allRows,
  closeStream,
  deadLines,
  fatesOf,
  getJson,
  postLog,
  requestsByMinute,
} from './api.js';
import { recount } from './recount.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';
import { visitsLog } from './visits-log.js';

// The main job over MongoDB: the rows of an independent count, and those of the embedded store.

const LOG = makeAccessLog({ lines: 4_000, days: 2, broken: 10, seed: 11 });
const VISITS = visitsLog({ visitors: 400, seed: 5 });
const SERIES = ['requests_per_minute', 'visits_per_minute', 'top_paths', 'sessions'];
const SECRET = 'the same visitors in both';

describeWithMongodb('a log counted over MongoDB', ({ driver }) => {
  let database: string;
  let address: string;
  let folders: string[];
  let running: StandaloneProcess | undefined;

  beforeEach(() => {
    database = `millrace-e2e-${randomUUID().slice(0, 8)}`;
    address = driver.replace('/?', `/${database}?`);
    folders = [];
  });
  afterEach(async () => {
    // Not killed: a transaction left open would keep the database from being dropped for a minute.
    await running?.stop();
    for (const folder of folders) removeFolder(folder);
    const client = new MongoClient(driver);
    await client.db(database).dropDatabase();
    await client.close();
  }, 300_000);

  async function start(settings: Readonly<Record<string, string>>): Promise<string> {
    const folder = temporaryFolder();
    folders.push(folder);
    running = await StandaloneProcess.start(folder, { MILLRACE_VISITOR_SECRET: SECRET, ...settings });
    return running.url;
  }

  async function rowsOf(settings: Readonly<Record<string, string>>): Promise<readonly (readonly ApiRow[])[]> {
    const url = await start(settings);
    // A log whose lines come in time, since which are late otherwise depends on what is read first.
    await postLog(url, 'web', VISITS);
    await closeStream(url, 'web');
    const rows: (readonly ApiRow[])[] = [];
    for (const series of SERIES) rows.push(await allRows(url, series, 'web'));
    await running?.stop();
    return rows;
  }

  it('has the rows of an independent count, and of the embedded store, in every series', async () => {
    const [requests, ...others] = await rowsOf({ MILLRACE_STORE: address });
    expect(requestsByMinute(requests!)).toEqual(recount(VISITS));
    expect([...new Set([...requests!, ...others.flat()].map(({ phase }) => phase))]).toEqual(['final']);
    const embedded = await rowsOf({});
    expect([requests, ...others]).toEqual(embedded);
    expect(others.every((rows) => rows.length > 0)).toBe(true);
  }, 300_000);

  describe('killed again and again', () => {
    it('has the rows of an independent count, each once, and every broken line', async () => {
      const url = await start({ MILLRACE_STORE: address, MILLRACE_FAILPOINT: 'before-deliver-rows:3' });
      const [folder] = folders;
      const dead = running!.ended;
      await postLog(url, 'web', LOG.text, 'log-11').catch(() => undefined);
      await dead;
      for (const failpoint of ['after-deliver-rows:2', '']) {
        running = await StandaloneProcess.start(folder!, {
          MILLRACE_VISITOR_SECRET: SECRET,
          MILLRACE_STORE: address,
          ...(failpoint === '' ? {} : { MILLRACE_FAILPOINT: failpoint }),
        });
        const end = running.ended;
        await postLog(running.url, 'web', LOG.text, 'log-11').catch(() => undefined);
        if (failpoint !== '') await end;
      }
      await closeStream(running!.url, 'web');
      expect(requestsByMinute(await allRows(running!.url, 'requests_per_minute', 'web'))).toEqual(
        recount(LOG.text),
      );
      expect(await fatesOf(running!.url, 'web')).toMatchObject({
        counted: 4_000,
        dead: 10,
        late: 0,
        future: 0,
      });
      expect(await deadLines(running!.url, 'web')).toEqual(LOG.brokenLines);
      const client = new MongoClient(driver);
      const stored = await client.db(database).collection('rows.web.requests_per_minute').find().toArray();
      await client.close();
      expect(new Set(stored.map(({ _id }) => String(_id))).size).toBe(stored.length);
    }, 300_000);
  });

  it('says what is promised about rows, and never shows the password', async () => {
    const secret = address.replace('mongodb://', 'mongodb://nobody:hidden-word@');
    const folder = temporaryFolder();
    folders.push(folder);
    const refused = await StandaloneProcess.start(folder, { MILLRACE_STORE: secret }).catch(
      (error: Error) => error,
    );
    expect(String(refused)).toContain('STORE_UNAUTHORIZED');
    expect(String(refused)).not.toContain('hidden-word');
    const url = await start({ MILLRACE_STORE: address });
    const { edges } = await getJson<{ edges: { to: string; guarantee: string; note: string }[] }>(
      `${url}/v1/pipelines/web`,
    );
    expect(edges.find(({ to }) => to === 'rows')).toMatchObject({
      guarantee: 'exactly-once',
      note: expect.stringContaining('MongoDB'),
    });
  }, 300_000);
});
