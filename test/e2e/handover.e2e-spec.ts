import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import fc from 'fast-check';
import { describeWithMongodb, describeWithPulsar } from '#libs/testing';
import { allRows, type ApiRow, closeStream, fatesOf, postLog, requestsByMinute } from './api.js';
import type { ClusterProcess } from './cluster-process.js';
import { untilReported } from './foreign-producer.js';
import { Opened } from './opened.js';
import { recount } from './recount.js';
import { Replicas } from './replicas.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';
import { SteadyLoad } from './steady-load.js';
import { visitsLog } from './visits-log.js';

// Replicas come, go and are killed under load. Their logs tell who has taken what over, and how long nobody had it.

/** For a machine that has much else to do. */
const PATIENCE_MS = 600_000;
const HAS_TIME = (fc.readConfigureGlobal().numRuns ?? 200) >= 2_000;
const whereThereIsTime = HAS_TIME ? it : it.skip;
/** As aggregate has them for the shipped pipeline: four local tasks and four global ones. */
const TASKS = 8;
const TAKEN = 'task taken over';
const VISITS = visitsLog({ visitors: 400, seed: 47 });
const SERIES = ['requests_per_minute', 'visits_per_minute', 'top_paths', 'sessions'];

describeWithPulsar('replicas', (pulsar) => {
  describeWithMongodb('that share the tasks', ({ driver }) => {
    let replicas: Replicas;
    const opened = new Opened();

    beforeEach(async () => {
      replicas = await Replicas.open(pulsar, driver);
      opened.add(() => replicas.closeAll());
    });
    afterEach(() => opened.closeAll(), PATIENCE_MS);

    whereThereIsTime(
      'get their share, hand over, and are replaced [needs the time of npm run verify]',
      async () => {
        const [ingest, , dashboard] = ['ingest', 'enrich', 'dashboard'].map((app) => replicas.start(app));
        const first = replicas.start('aggregate');
        await first.url();
        const urls = { ingest: await ingest!.url(), dashboard: await dashboard!.url() };
        const load = new SteadyLoad(urls.ingest, 'web', Date.UTC(2026, 1, 3, 12));
        opened.add(() => load.abandon());
        load.start(1_000);
        await untilReported(urls.dashboard, 'web', 2_000, PATIENCE_MS);

        const second = replicas.start('aggregate');
        await second.url();
        await tell('1 to 2', second, { event: 'the new one was ready', reason: 'rebalanced' });
        const before = first.lines.length;
        const stopping = second.stop();
        await tell('2 to 1', first, { event: 'SIGTERM', reason: 'released', from: before });
        expect(await stopping).toBe(0);

        const third = replicas.start('aggregate');
        await third.url();
        await tell('1 to 2', third, { event: 'the new one was ready', reason: 'rebalanced' });
        const beforeKill = first.lines.length;
        await third.kill();
        await tell('killed', first, { event: 'kill -9', reason: 'expired', from: beforeKill });
        // What it has kept all along was never given back.
        expect(await first.facts('task given back', TASKS)).toHaveLength(TASKS);

        await load.finish();
        await closeAtLast(urls.ingest);
        const rows = await allRows(urls.dashboard, 'requests_per_minute', 'web');
        expect(requestsByMinute(rows)).toEqual(recount(load.log));
        expect(await fatesOf(urls.dashboard, 'web')).toMatchObject({ counted: load.sent, late: 0, dead: 0 });
      },
      PATIENCE_MS,
    );

    whereThereIsTime(
      'are restarted one after the other, and windows that were open end with the same numbers [needs the time of npm run verify]',
      async () => {
        const pipeline = pipelineThatWaits();
        opened.add(() => removeFolder(dirname(pipeline)));
        const settings = { MILLRACE_PIPELINES: pipeline };
        const ingest = await replicas.start('ingest', settings).url();
        const dashboard = await replicas.start('dashboard', settings).url();
        const apps = ['enrich', 'enrich', 'aggregate', 'aggregate'];
        const running = apps.map((app) => replicas.start(app, settings));
        const lines = VISITS.trimEnd().split('\n');
        const share = Math.ceil(lines.length / (apps.length + 1));
        for (let place = 0; place <= apps.length; place++) {
          const piece = `${lines.slice(place * share, (place + 1) * share).join('\n')}\n`;
          // Only when the one before is there again.
          await Promise.all(running.map((app) => app.url()));
          const restarted = running[place]?.stop();
          await postLog(ingest, 'web', piece, `piece-${place}`);
          expect(await (restarted ?? 0)).toBe(0);
          if (place < apps.length) running[place] = replicas.start(apps[place]!, settings);
        }
        await closeAtLast(ingest);
        const rows = await rowsOfAll(dashboard);
        expect(rows).toEqual(await rowsWithoutRestart(settings));
        expect(Object.values(rows).every(({ length }) => length > 0)).toBe(true);
        expect(new Map(Object.entries(rows)).get('requests_per_minute')).toHaveLength(recount(VISITS).size);
      },
      PATIENCE_MS,
    );

    /** One process, from the beginning to the end. */
    async function rowsWithoutRestart(settings: Readonly<Record<string, string>>): Promise<unknown> {
      const folder = temporaryFolder();
      opened.add(() => removeFolder(folder));
      const alone = await StandaloneProcess.start(folder, {
        MILLRACE_VISITOR_SECRET: 'of all runs',
        ...settings,
      });
      opened.add(() => alone.kill());
      await postLog(alone.url, 'web', VISITS);
      await closeAtLast(alone.url);
      return await rowsOfAll(alone.url);
    }
  });
});

/** The shipped one, but a stream that pauses while processes start is not idle: what comes next would be late then. */
function pipelineThatWaits(): string {
  const folder = temporaryFolder();
  const shipped = resolve(import.meta.dirname, '../../pipelines');
  for (const name of ['web.yaml', 'alerts.yaml']) {
    const text = readFileSync(join(shipped, name), 'utf8');
    writeFileSync(join(folder, name), text.replace('idleAfter: 10s', 'idleAfter: 1h'));
  }
  return join(folder, 'web.yaml');
}

/** A machine that has much else to do may take longer than one answer waits. */
async function closeAtLast(url: string): Promise<void> {
  for (;;) {
    try {
      return await closeStream(url, 'web');
    } catch (error) {
      if (!String(error).includes('CLOSE_TIMEOUT')) throw error;
    }
  }
}

/** Waits until half of the tasks have moved to a process, and prints how long it took from now. */
async function tell(
  what: string,
  taker: ClusterProcess,
  { event, reason, from = 0 }: { readonly event: string; readonly reason: string; readonly from?: number },
): Promise<void> {
  const startedMs = Date.now();
  const taken = await taker.facts(TAKEN, TASKS / 2, from);
  expect(taken.map((fact) => fact['reason'])).toEqual(taken.map(() => reason));
  expect(taken).toHaveLength(TASKS / 2);
  const lastMs = Math.max(...taken.map(({ time }) => Number(time)));
  const seconds = taken.map((fact) => Number(fact['seconds']).toFixed(2));
  process.stderr.write(
    `${what}: ${taken.length} tasks ${reason}, the last ${lastMs - startedMs} ms after ${event}; without an owner for ${seconds.join(', ')} s\n`,
  );
}

/** Every row of every series, in an order of its own. */
async function rowsOfAll(url: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const entries = await Promise.all(
    SERIES.map(async (name) => [name, (await allRows(url, name, 'web')).map(textOf).sort()] as const),
  );
  return Object.fromEntries(entries);
}

/** Everything but how often it was corrected, which depends on when what arrived. */
function textOf({ windowStart, windowEnd, key, measures, phase }: ApiRow): string {
  return JSON.stringify({ windowStart, windowEnd, key, measures, phase });
}
