import { afterEach, describe, expect, it } from '@jest/globals';
import { join, resolve } from 'node:path';
import { describeWithPulsar } from '#libs/testing';
import { closeStream, getJson, postLog } from './api.js';
import { burstLog } from './burst-log.js';
import { ClusterProcess } from './cluster-process.js';
import { compileExample } from './compiled-example.js';
import { until } from './until.js';
import { Opened } from './opened.js';
import { PulsarNamespace } from './pulsar-namespace.js';
import { untilReadyIs } from './readiness.js';
import { removeFolder, temporaryFolder } from './standalone-process.js';
import { closedPort, openLine } from './tcp-line.js';

// examples/06-subscribe-to-alerts as processes: every transition of the rule is told, also to a service that is killed, and none
// twice, but for what was under way when it died.

const EXAMPLE = '06-subscribe-to-alerts';
const LOG = burstLog({ minutes: 12, perMinute: 30, burstAt: 3, burstMinutes: 4, broken: 0 });
const TRANSITIONS = 3;

const opened = new Opened();
afterEach(() => opened.closeAll(), 120_000);

function exampleFolder(): string {
  const folder = temporaryFolder();
  opened.add(() => removeFolder(folder));
  compileExample(EXAMPLE, folder);
  return folder;
}

function start(args: readonly string[], settings: Readonly<Record<string, string>>): ClusterProcess {
  const process = ClusterProcess.start(args, { MILLRACE_PORT: '0', ...settings });
  opened.add(() => process.kill());
  return process;
}

function startStandalone(settings: Readonly<Record<string, string>>, dataDir: string): ClusterProcess {
  return start(['dist/apps/standalone/main.js'], {
    ...{ MILLRACE_DATA_DIR: dataDir, MILLRACE_DEMO: 'false', MILLRACE_COMMIT_GAP: '5ms' },
    ...settings,
  });
}

async function giveAlerts(url: string, streams: readonly string[]): Promise<void> {
  for (const stream of streams) {
    await postLog(url, stream, LOG, stream);
    await closeStream(url, stream);
  }
}

/** Ids of the transitions that the product itself knows of. */
async function transitionsOf(url: string, streams: number): Promise<readonly string[]> {
  interface Transition {
    readonly episode: string;
    readonly sequence: number;
  }
  const all = await until(
    async () => {
      const { alerts } = await getJson<{ alerts: { rule: string; fingerprint: string }[] }>(
        `${url}/v1/alerts`,
      );
      const ours = alerts.filter(({ rule }) => rule === 'high-error-ratio');
      const histories = await Promise.all(
        ours.map(({ fingerprint }) =>
          getJson<{ history: Transition[] }>(`${url}/v1/alerts/${encodeURIComponent(fingerprint)}`),
        ),
      );
      return histories.flatMap(({ history }) => history);
    },
    (found) => found.length === streams * TRANSITIONS,
  );
  return all.map(({ episode, sequence }) => `${episode}/${sequence}`).sort();
}

/** Ids of the transitions that a program has written a line of. */
function idsIn(lines: readonly string[], who: string): readonly string[] {
  return lines.flatMap((line) =>
    line.startsWith(`${who}: `) ? [...(/\(([^()]+)\)$/.exec(line) ?? [])].slice(1) : [],
  );
}

async function untilTold(
  processes: readonly ClusterProcess[],
  wanted: readonly string[],
  who = 'pager',
): Promise<readonly string[]> {
  const ids = (): readonly string[] => processes.flatMap(({ lines }) => idsIn(lines, who));
  await until(
    async () => wanted.filter((id) => !ids().includes(id)),
    (missing) => missing.length === 0,
  );
  return ids();
}

describe('a subscriber in the process of the embedded log', () => {
  it('is told each transition, over kill -9', async () => {
    const folder = exampleFolder();
    const settings = { MILLRACE_FUNCTIONS: join(folder, 'pager.js') };
    const first = startStandalone(settings, join(folder, 'data'));
    await giveAlerts(await first.url(), ['a', 'b']);
    await first.line(/^pager: /);
    await first.kill();
    const second = startStandalone(settings, join(folder, 'data'));
    const url = await second.url();
    await giveAlerts(url, ['a', 'b', 'c']);
    const wanted = await transitionsOf(url, 3);
    const told = await untilTold([first, second], wanted);
    expect([...new Set(told)].sort()).toEqual(wanted);
    await untilReadyIs(url, 200, 'subscriptions');
    expect(await second.stop()).toBe(0);
  }, 300_000);
});

describeWithPulsar('subscribers over WebSocket', (addresses) => {
  it('are told each transition: a service that comes first, is killed and has a replica, and a script without a client', async () => {
    const namespace = await PulsarNamespace.make(addresses);
    opened.add(() => namespace.remove());
    const folder = exampleFolder();
    // The service is there before its broker can be reached, and before its topic.
    const port = await closedPort();
    const broker = `ws://127.0.0.1:${port}`;
    const service = (): ClusterProcess =>
      start([join(folder, 'main.js')], { ...namespace.settings, MILLRACE_BROKER: broker });
    const first = service();
    await untilReadyIs(await first.url(), 503, 'BROKER_UNAVAILABLE');
    const line = await openLine(port, Number(new URL(addresses.webSocket).port));
    opened.add(() => line.cut());
    await untilReadyIs(await first.url(), 503, 'TOPIC_MISSING');
    const standalone = startStandalone(namespace.settings, join(folder, 'data'));
    const url = await standalone.url();
    await untilReadyIs(await first.url(), 200);
    const script = start(
      [
        resolve('examples', EXAMPLE, 'subscribe-websocket.mjs'),
        addresses.webSocket,
        `public/${namespace.name}`,
      ],
      {},
    );
    await script.line(/listening/);

    await giveAlerts(url, ['a', 'b']);
    await first.line(/^pager: /);
    await first.kill();
    const second = service();
    const replica = service();
    await giveAlerts(url, ['c']);
    await untilTold([first, second, replica], await transitionsOf(url, 3));
    // Whichever reads hands over when it is stopped, and what it has done is not done again.
    const reader = idsIn(second.lines, 'pager').length > 0 ? second : replica;
    expect(await reader.stop()).toBe(0);
    await giveAlerts(url, ['d']);
    const wanted = await transitionsOf(url, 4);
    const told = await untilTold([first, second, replica], wanted);
    expect([...new Set(told)].sort()).toEqual(wanted);
    const repeats = told.length - wanted.length;
    expect(repeats).toBeLessThanOrEqual(idsIn(first.lines, 'pager').length);
    expect([...(await untilTold([script], wanted, 'websocket'))].sort()).toEqual(wanted);
    expect(await script.stop()).toBe(0);
  }, 300_000);
});
