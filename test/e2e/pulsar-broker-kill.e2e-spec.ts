import { afterEach, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describeWithPulsar } from '#libs/testing';
import { allRows, closeStream, fatesOf, requestsByMinute } from './api.js';
import { until } from './foreign-producer.js';
import { OwnPulsar } from './own-pulsar.js';
import { recount } from './recount.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';
import { SteadyLoad } from './steady-load.js';

// A broker that is killed and started again under load, and one that is away for a while: nothing is lost, nothing
// doubled, and nobody has to do anything.

const EVENTS_PER_SECOND = 2_000;
/** All of them where there is time. */
const KILLS = (fc.readConfigureGlobal().numRuns ?? 200) >= 2_000 ? 3 : 1;
const BETWEEN_MS = 4_000;

describeWithPulsar('a broker that', () => {
  const closers: (() => unknown)[] = [];

  afterEach(async () => {
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
  });

  async function startBoth(): Promise<{ readonly pulsar: OwnPulsar; readonly url: string }> {
    const pulsar = await OwnPulsar.start();
    closers.push(() => pulsar.remove());
    const folder = temporaryFolder();
    closers.push(() => removeFolder(folder));
    const standalone = await StandaloneProcess.start(folder, { MILLRACE_BROKER: pulsar.webSocket });
    closers.push(() => standalone.kill());
    return { pulsar, url: standalone.url };
  }

  async function readiness(url: string): Promise<{ readonly status: number; readonly text: string }> {
    const response = await fetch(`${url}/health/ready`);
    return { status: response.status, text: await response.text() };
  }

  /** Every minute as counted outside, and nothing but what was sent. */
  async function expectExactly(url: string, load: SteadyLoad): Promise<void> {
    await closeStream(url, 'web');
    const rows = await allRows(url, 'requests_per_minute', 'web');
    expect(requestsByMinute(rows)).toEqual(recount(load.log));
    expect(await fatesOf(url, 'web')).toMatchObject({ counted: load.sent, late: 0, dead: 0, future: 0 });
  }

  it(
    `is killed under ${EVENTS_PER_SECOND} events a second ${KILLS} times costs nothing and doubles nothing`,
    async () => {
      const { pulsar, url } = await startBoth();
      const load = new SteadyLoad(url, 'web', Date.UTC(2026, 0, 31, 12));
      load.start(EVENTS_PER_SECOND);
      for (let kill = 1; kill <= KILLS; kill++) {
        await sleep(BETWEEN_MS);
        await pulsar.kill();
        const killedMs = performance.now();
        await pulsar.startAgain();
        const healthyMs = performance.now();
        const before = load.stored;
        await until(
          async () => load.stored,
          (stored) => stored > before,
        );
        const storedMs = performance.now();
        await until(
          () => readiness(url),
          ({ status }) => status === 200,
        );
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
    120_000 + KILLS * 120_000,
  );

  it('is away for a while makes the process not ready, with the reason, and live; it goes on by itself', async () => {
    const { pulsar, url } = await startBoth();
    const load = new SteadyLoad(url, 'web', Date.UTC(2026, 0, 31, 12));
    load.start(200);
    await until(
      async () => load.stored,
      (stored) => stored > 0,
    );
    await pulsar.kill();
    const { text } = await until(
      () => readiness(url),
      ({ status }) => status === 503,
    );
    expect(text).toContain('no broker answers at');
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    await sleep(BETWEEN_MS);
    await pulsar.startAgain();
    await until(
      () => readiness(url),
      ({ status }) => status === 200,
    );
    await load.finish();
    await expectExactly(url, load);
  }, 400_000);
});
