import { randomUUID } from 'node:crypto';
import { afterEach, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import fc from 'fast-check';
import { describeWithMongodb, describeWithPulsar } from '#libs/testing';
import { allRows, closeStream, fatesOf, requestsByMinute } from './api.js';
import { untilReported } from './foreign-producer.js';
import { Opened } from './opened.js';
import { OwnPulsar } from './own-pulsar.js';
import { recount } from './recount.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';
import { SteadyLoad } from './steady-load.js';

// Two processes share the work. One of them is stopped, as by a machine that stands still: it can't say so, and its
// connections stay. The other takes over; then the first one wakes and goes on where it was.

/** For a machine that has much else to do. */
const PATIENCE_MS = 240_000;
/** A broker gives a silent WebSocket up after this; by default only after five minutes. */
const IDLE_MS = 15_000;
/** Longer where there is time. */
const STOPPED_MS = (fc.readConfigureGlobal().numRuns ?? 200) >= 2_000 ? 60_000 : 0;

describeWithPulsar('a process that is stopped and woken', () => {
  describeWithMongodb('beside another', ({ driver }) => {
    const opened = new Opened();

    afterEach(() => opened.closeAll(), PATIENCE_MS);

    async function start(settings: Readonly<Record<string, string>>): Promise<StandaloneProcess> {
      const folder = temporaryFolder();
      opened.add(() => removeFolder(folder));
      const standalone = await StandaloneProcess.start(folder, settings);
      // Not killed: a transaction left open would keep the database from being dropped for a minute.
      opened.add(() => standalone.stop());
      return standalone;
    }

    it('publishes nothing that counts after it has lost its partitions', async () => {
      const pulsar = await OwnPulsar.start({ webSocketSessionIdleTimeoutMillis: IDLE_MS });
      opened.add(() => pulsar.remove());
      const store = new URL(driver);
      const database = `millrace-e2e-${randomUUID().slice(0, 8)}`;
      store.pathname = `/${database}`;
      opened.add(() => dropDatabase(driver, database));
      const settings = { MILLRACE_BROKER: pulsar.webSocket, MILLRACE_STORE: store.href };
      const stopped = await start(settings);
      const other = await start(settings);
      const load = new SteadyLoad(other.url, 'web', Date.UTC(2026, 0, 31, 12));
      opened.add(() => load.abandon());
      load.start(1_000);
      await untilReported(other.url, 'web', 2_000, PATIENCE_MS);
      process.kill(stopped.pid, 'SIGSTOP');
      opened.add(() => process.kill(stopped.pid, 'SIGCONT'));
      const stoppedMs = performance.now();
      await sleep(2_000);
      // By the other alone, while more comes: a broker gives nobody up to whom it still writes.
      await untilReported(other.url, 'web', load.sent, PATIENCE_MS);
      await load.pause();
      await untilReported(other.url, 'web', load.sent, PATIENCE_MS);
      const tookOverMs = performance.now() - stoppedMs;
      process.stderr.write(`taken over and caught up ${Math.round(tookOverMs)} ms after the stop\n`);
      await sleep(Math.max(0, STOPPED_MS - tookOverMs));
      process.kill(stopped.pid, 'SIGCONT');
      load.start(1_000);
      await sleep(5_000);
      await load.finish();
      await closeStream(other.url, 'web');
      const rows = await allRows(other.url, 'requests_per_minute', 'web');
      expect(requestsByMinute(rows)).toEqual(recount(load.log));
      expect(await fatesOf(other.url, 'web')).toMatchObject({ counted: load.sent, late: 0, dead: 0 });
    }, 900_000);
  });
});

async function dropDatabase(driver: string, database: string): Promise<void> {
  const client = new MongoClient(driver);
  await client.db(database).dropDatabase();
  await client.close();
}
