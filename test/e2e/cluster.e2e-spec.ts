import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { describeWithMongodb, describeWithPulsar } from '#libs/testing';
import { makeAccessLog } from './access-log.js';
import { allRows, closeStream, deadLines, postLog, requestsByMinute } from './api.js';
import { burstLog } from './burst-log.js';
import { ClusterProcess } from './cluster-process.js';
import { PulsarNamespace } from './pulsar-namespace.js';
import { recount } from './recount.js';
import { closedPort, openLine } from './tcp-line.js';

// Every app as a process of its own, over a real broker and a real database.

const LOG = makeAccessLog({ lines: 6_000, days: 2, broken: 12, seed: 8 });
const APPS = ['ingest', 'enrich', 'aggregate', 'alert', 'dashboard'] as const;
const BURST = burstLog({ minutes: 12, perMinute: 30, burstAt: 3, burstMinutes: 4, broken: 0 });
type App = (typeof APPS)[number];

interface Health {
  readonly status: number;
  readonly body: { readonly error: Record<string, Record<string, unknown>> };
}

async function health(url: string, probe = 'ready'): Promise<Health> {
  const response = await fetch(`${url}/health/${probe}`);
  return { status: response.status, body: (await response.json()) as Health['body'] };
}

describe('an app whose servers are away', () => {
  it('listens, names both, takes nothing in, and ends at once when it is told to', async () => {
    const [broker, store] = [await closedPort(), await closedPort()];
    const app = ClusterProcess.app('alert', {
      MILLRACE_BROKER: `ws://127.0.0.1:${broker}`,
      MILLRACE_STORE: `mongodb://someone:hidden-word@127.0.0.1:${store}/?replicaSet=rs0`,
    });
    const [, port = ''] = await app.line(/"port":"(\d+)".*app listens/);
    const url = `http://localhost:${port}`;
    expect(await health(url, 'live')).toMatchObject({ status: 200 });
    expect((await health(url)).body.error['process']).toMatchObject({ status: 'down' });
    await app.line(/"server":"log".*a server is awaited/);
    const { status, body } = await health(url);
    expect(status).toBe(503);
    expect(body.error).toMatchObject({
      process: { state: 'waiting' },
      log: { address: `ws://127.0.0.1:${broker}`, code: 'BROKER_UNAVAILABLE' },
      store: { address: `mongodb://***@127.0.0.1:${store}/?replicaSet=rs0`, code: 'STORE_UNAVAILABLE' },
    });
    expect(Date.parse(String(body.error['log']?.['since']))).toBeLessThanOrEqual(Date.now());
    const other = await fetch(`${url}/v1/pipelines`);
    expect([other.status, ((await other.json()) as { code: string }).code]).toEqual([503, 'APP_NOT_READY']);
    expect(await app.stop()).toBe(0);
    expect(app.lines.join('\n')).not.toContain('hidden-word');
  });

  it('ends with 78 where waiting does not help', async () => {
    const app = ClusterProcess.app('alert', { MILLRACE_BROKER: 'kafka://somewhere' });
    expect(await app.ended).toBe(78);
    expect(app.lines.join('\n')).toContain('CONFIGURATION_INVALID');
  });
});

describeWithPulsar('every app as a process', (pulsar) => {
  describeWithMongodb('over MongoDB', ({ driver }) => {
    let settings: Record<string, string>;
    let closers: (() => unknown)[];

    beforeEach(async () => {
      closers = [];
      const database = `millrace-cluster-${randomUUID().slice(0, 8)}`;
      closers.push(async () => {
        const client = new MongoClient(driver);
        await client.db(database).dropDatabase();
        await client.close();
      });
      const namespace = await PulsarNamespace.make(pulsar);
      closers.push(() => namespace.remove());
      const MILLRACE_STORE = driver.replace('/?', `/${database}?`);
      settings = { ...namespace.settings, MILLRACE_STORE, MILLRACE_APPLY_TOPOLOGY: 'true' };
    });
    afterEach(async () => {
      for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
    }, 300_000);

    function start(name: App): ClusterProcess {
      const app = ClusterProcess.app(name, settings);
      closers.push(() => app.kill());
      return app;
    }

    it('gives the rows of an independent count, though each is stopped and started alone in the middle', async () => {
      const running = new Map<App, ClusterProcess>(APPS.map((name) => [name, start(name)]));
      const url = (name: App): Promise<string> => running.get(name)!.url();
      const lines = LOG.text.split('\n');
      const share = Math.ceil(lines.length / (APPS.length + 1));
      for (const [i, name] of [...APPS, undefined].entries()) {
        const part = lines.slice(0, (i + 1) * share).join('\n');
        // All so far, under the same key: what was sent before is a repeat.
        await postLog(await url('ingest'), 'web', `${part}\n`, 'log-8');
        if (name === undefined) continue;
        expect([name, await running.get(name)!.stop()]).toEqual([name, 0]);
        running.set(name, start(name));
      }
      await closeStream(await url('ingest'), 'web');
      const dashboard = await url('dashboard');
      const rows = await allRows(dashboard, 'requests_per_minute', 'web');
      expect(requestsByMinute(rows)).toEqual(recount(LOG.text));
      expect(new Set(await deadLines(dashboard, 'web'))).toEqual(new Set(LOG.brokenLines));
      for (const name of APPS) {
        expect([name, (await health(await url(name))).status]).toEqual([name, 200]);
        expect([name, await running.get(name)!.stop()]).toEqual([name, 0]);
      }
    }, 300_000);

    it('goes on by itself when its servers come, and says meanwhile which are away', async () => {
      const [toPulsar, toMongodb] = [await closedPort(), await closedPort()];
      const app = ClusterProcess.app('dashboard', {
        ...settings,
        MILLRACE_BROKER: `ws://127.0.0.1:${toPulsar}`,
        MILLRACE_STORE: settings['MILLRACE_STORE']!.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${toMongodb}`),
      });
      closers.push(() => app.kill());
      const [, port = ''] = await app.line(/"port":"(\d+)".*app listens/);
      await app.line(/"server":"log".*a server is awaited/);
      expect(Object.keys((await health(`http://localhost:${port}`)).body.error).sort()).toEqual([
        'log',
        'process',
        'store',
      ]);
      const store = await openLine(toMongodb, Number(new URL(driver).port));
      closers.push(() => store.cut());
      const log = await openLine(toPulsar, Number(new URL(pulsar.webSocket).port));
      closers.push(() => log.cut());
      const url = await app.url();
      expect(await health(url)).toMatchObject({ status: 200, body: { status: 'ok' } });
      await log.cut();
      const { status, body } = await health(url);
      expect([status, Object.keys(body.error)]).toEqual([503, ['log']]);
      expect(body.error['log']).toMatchObject({ address: `ws://127.0.0.1:${toPulsar}` });
      expect((await health(url, 'live')).status).toBe(200);
      expect(await app.stop()).toBe(0);
    }, 300_000);

    it('as one command: the page and the intake at one address, one log, one stop', async () => {
      const cluster = ClusterProcess.start(['scripts/cluster/command.mjs'], {
        ...settings,
        MILLRACE_PORT: String(await closedPort()),
      });
      closers.push(() => cluster.kill());
      const [, url = ''] = await cluster.line(/Millrace runs: open (\S+)/);
      await postLog(url, 'web', LOG.text);
      await closeStream(url, 'web');
      const rows = await allRows(url, 'requests_per_minute', 'web');
      expect(requestsByMinute(rows)).toEqual(recount(LOG.text));
      expect(await (await fetch(url)).text()).toContain('<!doctype html>');
      const started = cluster.lines.filter((line) => / is process \d+/.test(line));
      // And a service behind them, which is told each transition of an alert.
      expect(started).toHaveLength(APPS.length + 1);
      await postLog(url, 'burst', BURST);
      await closeStream(url, 'burst');
      await cluster.line(/^subscriber .* of burst is resolved/);
      const told = cluster.lines.flatMap((line) => /of burst is (\w+)/.exec(line)?.[1] ?? []);
      expect(told).toEqual(['pending', 'firing', 'resolved']);
      expect(await cluster.stop()).toBe(0);
      expect(started.map(pidOf).filter(isRunning)).toEqual([]);
    }, 300_000);

    it('as one command: one that dies is named, and takes the others along', async () => {
      const cluster = ClusterProcess.start(['scripts/cluster/command.mjs'], {
        ...settings,
        MILLRACE_PORT: String(await closedPort()),
      });
      closers.push(() => cluster.kill());
      await cluster.line(/Millrace runs/);
      const started = cluster.lines.filter((line) => / is process \d+/.test(line));
      process.kill(pidOf(started.find((line) => line.includes('enrich is'))!), 'SIGKILL');
      expect(await cluster.ended).toBe(1);
      expect(cluster.lines.join('\n')).toContain('enrich has ended by SIGKILL');
      expect(started.map(pidOf).filter(isRunning)).toEqual([]);
    }, 300_000);
  });
});

function pidOf(line: string): number {
  return Number(/is process (\d+)/.exec(line)?.[1]);
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
