import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { describeWithMongodb } from '#libs/testing';
import { makeAccessLog } from './access-log.js';
import { allRows, closeStream, postLog } from './api.js';
import { millrace } from './cli-process.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';

// `millrace storage …` and `millrace audit` as operators type them: the program itself, its output and exit code.

const LOG = makeAccessLog({ lines: 500, days: 1, broken: 0, seed: 81 });
const ROWS = 'rows.web.requests_per_minute';

describeWithMongodb('millrace beside a database', ({ driver }) => {
  let client: MongoClient;
  let database: string;
  let store: string;
  let folder: string;
  let running: StandaloneProcess | undefined;

  beforeEach(() => {
    client = new MongoClient(driver);
    database = `millrace-cli-${randomUUID().slice(0, 8)}`;
    store = driver.replace('/?', `/${database}?`);
    folder = temporaryFolder();
  });
  afterEach(async () => {
    await running?.stop();
    await client.db(database).dropDatabase();
    await client.close();
    removeFolder(folder);
  }, 300_000);

  it('plans without a change, applies once, and checks', async () => {
    const collections = (): Promise<number> =>
      client
        .db(database)
        .listCollections()
        .toArray()
        .then(({ length }) => length);
    const planned = await millrace('storage', 'plan', '--store', store);
    expect(planned).toMatchObject({ exitCode: 0, complaints: '' });
    expect(planned.out).toContain(ROWS);
    expect(planned.out).toMatch(/\d+ steps; `millrace storage apply` does it/);
    expect(await millrace('storage', 'check', '--store', store)).toMatchObject({ exitCode: 1 });
    expect(await collections()).toBe(0);
    expect((await millrace('storage', 'apply', '--store', store)).out).toMatch(/\d+ steps done/);
    expect(await collections()).toBeGreaterThan(5);
    for (const action of ['check', 'apply']) {
      const again = await millrace('storage', action, '--store', store);
      expect(again).toMatchObject({ exitCode: 0, complaints: '' });
      expect(again.out).toContain(`database ${database}: all as wanted`);
    }
  }, 300_000);

  it('audits: names the rows that somebody has removed, and inserts these', async () => {
    running = await StandaloneProcess.start(folder, { MILLRACE_STORE: store });
    await postLog(running.url, 'web', LOG.text);
    await closeStream(running.url, 'web');
    const rows = await allRows(running.url, 'requests_per_minute', 'web');
    await running.stop();
    const whole = await millrace('audit', '--store', store);
    expect(whole).toMatchObject({ exitCode: 0, complaints: '' });
    expect(whole.out).toContain('0 missing (0 inserted), 0 doubled, 0 differing');
    await client.db(database).dropCollection(ROWS);
    expect(await millrace('storage', 'apply', '--store', store)).toMatchObject({ exitCode: 0 });
    const found = await millrace('audit', '--store', store);
    expect(found.exitCode).toBe(1);
    expect(found.out).toContain(`missing: ${ROWS} `);
    expect(found.out).toContain(`${rows.length} missing (0 inserted)`);
    const repaired = await millrace('audit', '--store', store, '--repair', '--json');
    expect(repaired.exitCode).toBe(0);
    expect(JSON.parse(repaired.out)).toMatchObject({ missing: rows.length, repaired: rows.length });
    expect((await millrace('audit', '--store', store)).out).toContain('0 missing');
    running = await StandaloneProcess.start(folder, { MILLRACE_STORE: store });
    expect(await allRows(running.url, 'requests_per_minute', 'web')).toEqual(rows);
  }, 300_000);

  it('says what is wrong, with an exit code for it', async () => {
    const nowhere = 'mongodb://127.0.0.1:1/?replicaSet=rs0&serverSelectionTimeoutMS=300';
    const away = await millrace('storage', 'check', '--store', nowhere);
    expect(away).toMatchObject({ exitCode: 3, out: '' });
    expect(away.complaints).toMatch(/^STORE_UNAVAILABLE: .*127\.0\.0\.1:1/);
    const embedded = await millrace('audit', '--store', 'embedded');
    expect(embedded.exitCode).toBe(2);
    expect(embedded.complaints).toContain('store');
    const mistyped = await millrace('storage', 'plan', '--stoer', store);
    expect(mistyped).toMatchObject({ exitCode: 2, out: '' });
    expect(mistyped.complaints).toContain('stoer');
  }, 300_000);
});
