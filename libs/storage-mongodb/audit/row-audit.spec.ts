import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { SystemClock } from '#libs/kernel';
import { Telemetry } from '#libs/observability';
import type { ResultRow } from '#libs/storage';
import { describeWithMongodb } from '#libs/testing';
import { deliver, OwnDatabase, rowsOfCommit, TASK } from '../fixture/own-database.js';
import { MongodbAdministration } from '../mongodb-administration.js';
import type { AuditReport } from './row-audit.js';

describeWithMongodb('the audit', ({ driver }) => {
  let database: OwnDatabase;

  beforeEach(async () => {
    database = new OwnDatabase(driver);
    const store = await database.open();
    const lease = await store.leases.acquire(TASK, 'a', 10_000);
    for (const commitSeq of [1, 2, 3]) {
      const version = { ...lease!.version, commitSeq: commitSeq - 1 };
      await store.commits.commit(TASK, version, {
        commitId: `c${commitSeq}`,
        progress: {},
        facts: {},
        outbox: Buffer.from(JSON.stringify(rowsOfCommit(commitSeq))),
        deliveredCommitSeq: commitSeq - 1,
      });
      if (commitSeq < 3) await deliver(store, 1, commitSeq);
    }
  });
  afterEach(async () => {
    await database.dispose();
  });

  async function audit(repair = false): Promise<AuditReport> {
    const options = { address: driver, database: database.name, clock: new SystemClock() };
    const administration = await MongodbAdministration.open({
      ...options,
      telemetry: new Telemetry({ logLevel: 'silent' }),
    });
    const readOutbox = (bytes: Uint8Array): readonly ResultRow[] =>
      JSON.parse(Buffer.from(bytes).toString('utf8')) as ResultRow[];
    try {
      return await administration.audit({ readOutbox, repair });
    } finally {
      await administration.close();
    }
  }

  it('finds nothing where each row is as its commit says; commits under way are left aside', async () => {
    expect(await audit()).toEqual({
      ...{ commits: 2, rows: 10, missing: 0, doubled: 0, differing: 0, repaired: 0 },
      findings: [],
    });
  });

  it('names missing, doubled and differing rows, and inserts the missing ones alone', async () => {
    const rows = database.db.collection<{ _id: string; measures?: object }>('rows.web.requests');
    const stored = await rows.find().sort({ start: 1 }).toArray();
    await database.db.dropCollection('rows.web.requests');
    await (await database.open()).close();
    const series = await database.db.collection('series').findOne({});
    await database.db.createCollection(String(series!['collection']), {
      timeseries: { timeField: 'start', metaField: 'meta', granularity: 'minutes' },
    });
    // The first is gone, the second is there twice, the third has another number.
    const [, second, third, ...others] = stored;
    await rows.insertMany([second!, { ...third!, measures: { requests: 99 } }, ...others]);
    await rows.insertOne(second!);
    expect(await audit()).toMatchObject({ missing: 1, doubled: 1, differing: 1, repaired: 0 });
    const report = await audit(true);
    expect(report).toMatchObject({ missing: 1, doubled: 1, differing: 1, repaired: 1 });
    expect(report.findings.map(({ kind, id }) => [kind, id])).toEqual([
      ['doubled', second!._id],
      ['differing', third!._id],
      ['missing', stored[0]!._id],
    ]);
    expect(await audit()).toMatchObject({ missing: 0, doubled: 1, differing: 1 });
    expect(await rows.findOne({ _id: stored[0]!._id })).toEqual(stored[0]);
  });
});
