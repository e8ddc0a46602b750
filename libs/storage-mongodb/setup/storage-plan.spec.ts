import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { SystemClock } from '#libs/kernel';
import { Telemetry } from '#libs/observability';
import { aRow, describeWithMongodb } from '#libs/testing';
import { fenceOf, OwnDatabase } from '../fixture/own-database.js';
import { MongodbAdministration } from '../mongodb-administration.js';
import type { SeriesLayout } from '../rows/series-layout.js';

const REQUESTS: SeriesLayout = {
  pipeline: 'web',
  series: 'requests',
  mode: 'time-series',
  keys: [],
  hasFewKeys: true,
  everyMs: 60_000,
};
const SESSIONS: SeriesLayout = {
  ...REQUESTS,
  series: 'sessions',
  mode: 'table',
  keys: ['visitor'],
  hasFewKeys: false,
};

describeWithMongodb('the set-up of a database', ({ driver }) => {
  let database: OwnDatabase;

  beforeEach(() => {
    database = new OwnDatabase(driver);
  });
  afterEach(async () => {
    await database.dispose();
  });

  async function run(action: 'plan' | 'apply', series: readonly SeriesLayout[]): Promise<readonly string[]> {
    const administration = await MongodbAdministration.open({
      address: driver,
      database: database.name,
      clock: new SystemClock(),
      telemetry: new Telemetry({ logLevel: 'silent' }),
      series,
    });
    try {
      return (await administration[action]()).map(({ text }) => text);
    } finally {
      await administration.close();
    }
  }

  it('is planned without a change, applied, and then there is nothing to do', async () => {
    const planned = await run('plan', [REQUESTS, SESSIONS]);
    expect(planned).toContain('create collection rows.web.requests (time-series by minutes)');
    expect(planned).toContain('create collection table.web.sessions');
    expect(await database.db.listCollections().toArray()).toEqual([]);
    expect(await run('apply', [REQUESTS, SESSIONS])).toEqual(planned);
    expect(await run('plan', [REQUESTS, SESSIONS])).toEqual([]);
    const indexes = await database.db.collection('table.web.sessions').indexes();
    expect(indexes.map(({ key }) => key)).toContainEqual({ 'key.visitor': 1, start: 1 });
  });

  it('follows the pipeline: retention, granularity, keys; and says what it leaves as it is', async () => {
    await run('apply', [REQUESTS, SESSIONS]);
    const changed = [
      { ...REQUESTS, retentionMs: 86_400_000, everyMs: 3_600_000, keys: ['country'] },
      { ...SESSIONS, retentionMs: 3_600_000 },
    ];
    expect(await run('apply', changed)).toEqual([
      'note that rows.web.requests is asked by country',
      "create index 'key country' on rows.web.requests",
      'change the granularity of rows.web.requests from minutes to hours',
      'keep the rows of rows.web.requests for 86400 s',
      'keep the rows of table.web.sessions for 3600 s',
    ]);
    expect(await run('plan', changed)).toEqual([]);
    const [stored] = await database.db.listCollections({ name: 'rows.web.requests' }).toArray();
    expect(stored).toMatchObject({
      options: { expireAfterSeconds: 86_400, timeseries: { granularity: 'hours' } },
    });
    expect(await run('plan', [{ ...REQUESTS, mode: 'table' }])).toEqual([
      'leave rows.web.requests as it is: it is a time-series, wanted a table; rename the series to have a new collection',
      'keep the rows of rows.web.requests for ever',
    ]);
  });

  it('is refused by a process that may only check, and by one that is older', async () => {
    await expect(database.open({ setup: 'check' })).rejects.toMatchObject({ code: 'STORE_SETUP_MISMATCH' });
    await database.open();
    await expect(database.open({ setup: 'check' })).resolves.toBeDefined();
    await database.db
      .collection<{ _id: string }>('setup')
      .updateOne({ _id: 'setup' }, { $set: { version: 99 } });
    await expect(database.open()).rejects.toMatchObject({ code: 'STORE_SETUP_MISMATCH' });
  });

  it('keeps rows no longer than it is told: what is older already is not written, but counted', async () => {
    const telemetry = new Telemetry({ logLevel: 'silent' });
    const store = await database.open({ telemetry, series: [{ ...REQUESTS, retentionMs: 3_600_000 }] });
    const nowMs = Date.now();
    const rows = [aRow({ windowStartMs: nowMs - 7_200_000 }), aRow({ windowStartMs: nowMs - 60_000 })];
    await store.results.deliver(fenceOf(1, 1), { rows, documents: [] });
    const found = await store.results.query({ pipeline: 'web', series: 'requests', limit: 10 });
    expect(found.rows.map(({ windowStartMs }) => windowStartMs)).toEqual([nowMs - 60_000]);
    expect((await telemetry.metrics()).text).toContain(
      'millrace_store_expired_rows_total{pipeline="web",series="requests"} 1',
    );
  });
});
