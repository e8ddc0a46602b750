import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { setTimeout as sleep } from 'node:timers/promises';
import { SystemClock } from '#libs/kernel';
import { Telemetry } from '#libs/observability';
import { describeWithMongodb } from '#libs/testing';
import { deliver, deliverAgain, OwnDatabase } from '../../libs/storage-mongodb/fixture/own-database.js';
import { OwnMongod } from './own-mongod.js';

// A server that forgets sessions after a minute instead of half an hour, and a process that is away for longer. The
// minute has to pass, so this is part of `npm run verify` and not of `npm test`.

const TIMEOUT_MINUTES = 1;
const LOOK_EVERY_MS = 1_000;
const WAIT_MS = 240_000;
const hasTime = (fc.readConfigureGlobal().numRuns ?? 0) >= 2_000;

describeWithMongodb('a server that forgets sessions after a minute', () => {
  let mongod: OwnMongod;
  let database: OwnDatabase;

  beforeAll(async () => {
    mongod = await OwnMongod.start({
      localLogicalSessionTimeoutMinutes: TIMEOUT_MINUTES,
      TransactionRecordMinimumLifetimeMinutes: TIMEOUT_MINUTES,
      logicalSessionRefreshMillis: 5_000,
    });
    database = new OwnDatabase(mongod.address);
  }, 600_000);
  afterAll(async () => {
    await database?.dispose();
    await mongod?.dispose();
  }, 600_000);

  (hasTime ? it : it.skip)(
    'has none of the rows twice after a longer silence; they are looked up, and that is counted [needs the time of npm run verify]',
    async () => {
      const former = await database.open();
      for (const commitSeq of [1, 2, 3]) await deliver(former, 1, commitSeq);
      expect(await sessionRecords()).toBeGreaterThan(0);
      await former.close();
      await untilForgotten();
      const telemetry = new Telemetry({ logLevel: 'silent' });
      const next = await database.open({ telemetry, clock: new SystemClock() });
      for (const commitSeq of [2, 3]) await deliverAgain(next, 2, { commitSeq, newest: 3 });
      await deliver(next, 2, 4);
      expect((await telemetry.metrics()).text).toMatch(/^millrace_store_checked_inserts_total 2$/m);
      const ids = await database.storedIds();
      expect(new Set(ids).size).toBe(20);
      expect(ids).toHaveLength(20);
    },
    WAIT_MS + 60_000,
  );

  /** What the server knows of the writes of sessions. */
  async function sessionRecords(): Promise<number> {
    return await database.client.db('config').collection('transactions').countDocuments();
  }

  /** By the server itself, at the times when it looks. */
  async function untilForgotten(): Promise<void> {
    for (const deadline = Date.now() + WAIT_MS; (await sessionRecords()) > 0; await sleep(LOOK_EVERY_MS))
      if (Date.now() > deadline) throw new Error(`${await sessionRecords()} sessions are still known`);
  }
});
