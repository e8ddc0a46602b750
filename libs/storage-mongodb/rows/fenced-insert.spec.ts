import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Telemetry } from '#libs/observability';
import { DeliveryFencedError } from '#libs/storage';
import { describeWithMongodb, ManualClock } from '#libs/testing';
import { CuttingProxy } from '../fixture/cutting-proxy.js';
import { deliver, deliverAgain, fenceOf, OwnDatabase, rowsOfCommit } from '../fixture/own-database.js';
import type { MongodbStore } from '../mongodb-store.js';
import { sessionIdOf } from '../named-session.js';

// What fenced-insert.ts stands on, on a real server: sessions and numbers of our own, through the driver's internals.

const SESSION_TIMEOUT_MS = 30 * 60_000;

describeWithMongodb('rows of a time-series collection', ({ driver }) => {
  let database: OwnDatabase;
  let telemetry: Telemetry;
  let clock: ManualClock;
  let store: MongodbStore;

  beforeEach(async () => {
    database = new OwnDatabase(driver);
    telemetry = new Telemetry({ logLevel: 'silent' });
    clock = new ManualClock(Date.UTC(2025, 5, 1));
    store = await database.open({ telemetry, clock });
  });
  afterEach(async () => {
    await database.dispose();
  });

  async function counted(name: string): Promise<number> {
    const { text } = await telemetry.metrics();
    const line = text.split('\n').find((each) => each.startsWith(`${name} `));
    return Number(line?.split(' ').at(-1) ?? 0);
  }
  const checked = (): Promise<number> => counted('millrace_store_checked_inserts_total');

  /** Each row of these commits once. */
  async function expectOnce(...commits: readonly number[]): Promise<void> {
    const ids = await database.storedIds();
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toHaveLength(commits.length * 5);
  }

  it('are looked up at the first use of a session, then numbers alone keep repeats out', async () => {
    await deliver(store, 1, 1);
    expect(await checked()).toBe(1);
    for (const commitSeq of [2, 3, 4]) await deliver(store, 1, commitSeq);
    expect(await checked()).toBe(1);
    await expectOnce(1, 2, 3, 4);
  });

  it('are there once after the same commit is delivered again, by whoever', async () => {
    for (const commitSeq of [1, 2]) await deliver(store, 1, commitSeq);
    await deliver(store, 1, 2);
    const next = await database.open();
    await deliver(next, 2, 2);
    await deliver(next, 2, 3);
    await expectOnce(1, 2, 3);
  });

  it('are there once when a new owner begins some commits before the last one that was delivered', async () => {
    for (const commitSeq of [1, 2, 3, 4]) await deliver(store, 1, commitSeq);
    const next = await database.open();
    for (const commitSeq of [2, 3, 4]) await deliverAgain(next, 2, { commitSeq, newest: 4 });
    for (const late of [3, 4]) await expect(deliver(store, 1, late)).rejects.toThrow(DeliveryFencedError);
    await deliver(next, 2, 5);
    await expectOnce(1, 2, 3, 4, 5);
  });

  it('of a half-done insert: only the missing ones are added', async () => {
    await deliver(store, 1, 1);
    await store.results.deliver(fenceOf(1, 2), { rows: rowsOfCommit(2).slice(0, 2), documents: [] });
    const next = await database.open();
    await deliver(next, 2, 2);
    await expectOnce(1, 2);
  });

  it('are looked up again after a silence of half the timeout, unless a ping kept the session', async () => {
    await deliver(store, 1, 1);
    // A laptop that sleeps fires no timers; this clock fires them all at once, so their pings come too late.
    clock.advance(SESSION_TIMEOUT_MS);
    await forgetSessions(database);
    await deliver(store, 1, 2);
    expect(await checked()).toBe(2);
    await deliver(store, 1, 3);
    expect(await checked()).toBe(2);
    await expectOnce(1, 2, 3);
  });

  it('are not doubled by a new process when the server has forgotten the session', async () => {
    for (const commitSeq of [1, 2]) await deliver(store, 1, commitSeq);
    await forgetSessions(database);
    const next = await database.open({ telemetry });
    await deliver(next, 2, 2);
    expect(await checked()).toBe(2);
    await expectOnce(1, 2);
  });

  it('of a former owner are refused, and the later one goes on', async () => {
    await deliver(store, 1, 1);
    const next = await database.open();
    await deliver(next, 2, 1);
    for (const commitSeq of [1, 2, 9])
      await expect(deliver(store, 1, commitSeq)).rejects.toBeInstanceOf(DeliveryFencedError);
    await deliver(next, 2, 2);
    await expectOnce(1, 2);
  });

  it('of a database that was dropped and made anew begin from the first commit', async () => {
    for (const commitSeq of [1, 2, 3]) await deliver(store, 1, commitSeq);
    await store.close();
    await database.db.dropDatabase();
    await deliver(await database.open(), 1, 1);
    await expectOnce(1);
  });

  it('are exact over large deliveries, in several commands', async () => {
    await deliver(store, 1, 1, 3_500);
    const next = await database.open();
    await deliver(next, 2, 1, 3_500);
    expect(new Set(await database.storedIds()).size).toBe(3_500);
    expect(await database.storedIds()).toHaveLength(3_500);
  });

  describe('with the answer to an insert cut off', () => {
    let proxy: CuttingProxy;

    beforeEach(async () => {
      proxy = await CuttingProxy.open(Number(/:(\d+)/.exec(driver.slice('mongodb://'.length))?.[1]));
    });
    afterEach(async () => {
      await proxy.close();
    });

    async function deliverThroughCut(fence: 'sessions' | 'off'): Promise<void> {
      const cut = await database.open({ address: proxy.address, fence });
      await deliver(cut, 2, 1);
      proxy.cutAnswersTo('requests\0\u0004documents');
      await deliver(cut, 2, 2);
      await cut.close();
    }

    it('are sent again, and are there once', async () => {
      await deliverThroughCut('sessions');
      expect(proxy.cuts).toBe(1);
      await expectOnce(1, 2);
    });

    it('are there twice where the fence is off', async () => {
      await deliverThroughCut('off');
      expect(proxy.cuts).toBe(1);
      expect(await database.storedIds()).toHaveLength(15);
      expect(new Set(await database.storedIds()).size).toBe(10);
    });
  });

  it('are at least once where the server does not keep numbers, and the store says so', async () => {
    expect(store.results.rowGuarantee.guarantee).toBe('exactly-once');
    const weak = await database.open({ fence: 'lookup', telemetry });
    expect(weak.results.rowGuarantee).toMatchObject({ guarantee: 'at-least-once' });
    await deliver(weak, 1, 1);
    await deliver(weak, 1, 1);
    await expectOnce(1);
  });
});

/** As the server does when nobody has used them for half an hour; only those of this database. */
async function forgetSessions({ client, db }: OwnDatabase): Promise<void> {
  const { identity } = (await db.collection('setup').findOne({}))!;
  const lanes = await db.collection<{ _id: string }>('fences').find().toArray();
  const ids = lanes.map(({ _id }) => sessionIdOf(`${String(identity)}\n${_id}`).id);
  const transactions = client.db('config').collection('transactions');
  const mine = { '_id.id': { $in: ids } };
  const records = await transactions.find(mine).toArray();
  expect(records.length).toBeGreaterThan(0);
  // Without an acknowledgement the driver names no session: the server lets nobody write there on one.
  await transactions.deleteMany(mine, { writeConcern: { w: 0 } });
  while ((await transactions.countDocuments(mine)) > 0);
}
