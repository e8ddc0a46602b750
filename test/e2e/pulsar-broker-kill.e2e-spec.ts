import { afterEach, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describeWithPulsar } from '#libs/testing';
import { allRows, closeStream, fatesOf, requestsByMinute } from './api.js';
import { Opened } from './opened.js';
import { OwnPulsar } from './own-pulsar.js';
import { untilReadyIs } from './readiness.js';
import { recount } from './recount.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';
import { SteadyLoad } from './steady-load.js';

// A broker that is killed and started again under load, and one that is away for a while: nothing is lost, nothing
// doubled, and nobody has to do anything.

const EVENTS_PER_SECOND = 2_000;
const RUNS = fc.readConfigureGlobal().numRuns ?? 200;
/** Ten and five minutes by hand (MILLRACE_TEST_RUNS=20000), three in CI, one beside the other tests. */
const KILLS = RUNS >= 20_000 ? 10 : RUNS >= 2_000 ? 3 : 1;
const AWAY_MS = RUNS >= 20_000 ? 300_000 : 4_000;
const BETWEEN_MS = 4_000;
/** For a machine that has much else to do. */
const PATIENCE_MS = 180_000;

describeWithPulsar('a broker that', () => {
  const opened = new Opened();

  afterEach(() => opened.closeAll(), PATIENCE_MS);

  async function startBoth(): Promise<{ readonly pulsar: OwnPulsar; readonly url: string }> {
    const pulsar = await OwnPulsar.start();
    opened.add(() => pulsar.remove());
    const folder = temporaryFolder();
    opened.add(() => removeFolder(folder));
    const standalone = await StandaloneProcess.start(folder, { MILLRACE_BROKER: pulsar.webSocket });
    opened.add(() => standalone.kill());
    return { pulsar, url: standalone.url };
  }

  function startLoad(url: string, eventsPerSecond: number): SteadyLoad {
    const load = new SteadyLoad(url, 'web', Date.UTC(2026, 0, 31, 12));
    opened.add(() => load.abandon());
    load.start(eventsPerSecond);
    return load;
  }

  /** Every minute as counted outside, and nothing but what was sent. */
  async function expectExactly(url: string, load: SteadyLoad): Promise<void> {
    await closeStream(url, 'web');
    const rows = await allRows(url, 'requests_per_minute', 'web');
    expect(requestsByMinute(rows)).toEqual(recount(load.log));
    expect(await fatesOf(url, 'web')).toMatchObject({ counted: load.sent, late: 0, dead: 0, future: 0 });
    process.stderr.write(`${load.sent} events recounted: equal\n`);
  }

  it(
    `is killed under ${EVENTS_PER_SECOND} events a second ${KILLS} times costs nothing and doubles nothing`,
    async () => {
      const { pulsar, url } = await startBoth();
      const load = startLoad(url, EVENTS_PER_SECOND);
      for (let kill = 1; kill <= KILLS; kill++) {
        await load.untilMoreIsStored();
        await sleep(BETWEEN_MS);
        await pulsar.kill();
        const killedMs = performance.now();
        await pulsar.startAgain();
        const healthyMs = performance.now();
        await load.untilMoreIsStored();
        const storedMs = performance.now();
        await untilReadyIs(url, 200);
        const readyMs = performance.now();
        const since = (ms: number): string => `${Math.round(ms - healthyMs)} ms`;
        process.stderr.write(
          `broker killed (${kill} of ${KILLS}), away ${Math.round(healthyMs - killedMs)} ms; ` +
            `after it was healthy: stores again ${since(storedMs)}, ready again ${since(readyMs)}\n`,
        );
      }
      await load.finish();
      await expectExactly(url, load);
    },
    400_000 + KILLS * 200_000,
  );

  it(
    'is away for a while makes the process not ready, with the reason, and live; it goes on by itself',
    async () => {
      const { pulsar, url } = await startBoth();
      const load = startLoad(url, 200);
      await load.untilMoreIsStored();
      await pulsar.kill();
      process.stderr.write(`broker away: ${await untilReadyIs(url, 503, 'no broker answers at')}\n`);
      expect((await fetch(`${url}/health/live`)).status).toBe(200);
      await sleep(AWAY_MS);
      await pulsar.startAgain();
      await untilReadyIs(url, 200);
      await load.finish();
      await expectExactly(url, load);
    },
    900_000 + AWAY_MS,
  );
});
