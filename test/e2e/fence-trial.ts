import { expect } from '@jest/globals';
import { SystemClock } from '#libs/kernel';
import type { Delivery } from '#libs/messaging';
import { WebSocketBroker } from '#libs/messaging-websocket';
import { Telemetry } from '#libs/observability';
import { PulsarAdmin, topicPath, type TopicStats } from '#libs/pulsar-admin';
import type { PulsarAddresses } from '#libs/testing';
import { makeAccessLog } from './access-log.js';
import { allRows, closeStream, fatesOf, postLog, requestsByMinute } from './api.js';
import { until } from './foreign-producer.js';
import { Opened } from './opened.js';
import { PulsarNamespace } from './pulsar-namespace.js';
import { recount } from './recount.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';

// One accident at one step of real processes over a real broker, with and without what is there against it. What is found
// afterwards is compared with an independent count.

const LOG = makeAccessLog({ lines: 2_000, days: 2, broken: 0, seed: 91 });
const KEY = 'log-91';
const PATIENCE_MS = 240_000;
/** As many as the shipped pipeline has of everything. */
export const PARTITIONS = [0, 1, 2, 3] as const;
const SERIES = ['requests_per_minute', 'visits_per_minute', 'top_paths', 'sessions'];
const SECRET = { MILLRACE_VISITOR_SECRET: 'of all runs' };

export interface FenceSchedule {
  /** A stage that does not run at first: all of its input is there when it begins. */
  readonly comesLate?: 'local' | 'global';
  /** Where the next process kills itself. */
  readonly dies?: string;
  /** What happens to the broker before the last process comes. */
  readonly meanwhile?: (broker: BrokerAccidents) => Promise<void>;
}

/** What brokers do to their clients now and then, and operators to brokers. */
export class BrokerAccidents {
  constructor(
    private readonly admin: PulsarAdmin,
    private readonly namespace: PulsarNamespace,
  ) {}

  /** What is stored in a partition is stored there once more, as by a broker that has forgotten its producers. */
  async repeatAll(noun: string, partition: number): Promise<void> {
    const stored = await storedIn(this.namespace, noun, partition);
    const path = this.namespace.topic(noun).replace('://', '/');
    const socket = new WebSocket(`${this.namespace.webSocket}/ws/v2/producer/${path}-partition-${partition}`);
    await new Promise<void>((answered, failed) => {
      let answers = 0;
      socket.addEventListener('message', () => {
        if (++answers === stored.length) answered();
      });
      socket.addEventListener('close', ({ reason }) => failed(new Error(`${path} closed: ${reason}`)));
      socket.addEventListener('open', () => {
        for (const { payload, properties } of stored)
          socket.send(JSON.stringify({ payload: Buffer.from(payload).toString('base64'), properties }));
      });
    });
    socket.close();
  }

  /** A subscription stands behind everything that is there, as after a reset to the wrong place. */
  async skipAll(noun: string, partition: number, subscription: string): Promise<void> {
    const path = `${topicPath(this.namespace.topic(noun), partition)}/subscription/${subscription}/skip_all`;
    const response = await fetch(`${this.admin.address}/admin/v2/${path}`, { method: 'POST' });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  }
}

/** Runs a schedule in a namespace of its own. Gives a line for everything that is wrong in the end. */
export async function damageOf(
  schedule: FenceSchedule,
  addresses: PulsarAddresses,
  without: string,
): Promise<readonly string[]> {
  const opened = new Opened();
  try {
    const namespace = await PulsarNamespace.make(addresses);
    opened.add(() => namespace.remove());
    const folder = temporaryFolder();
    opened.add(() => removeFolder(folder));
    const start = async (more: Readonly<Record<string, string>>): Promise<StandaloneProcess> => {
      const settings = { ...namespace.settings, ...SECRET, MILLRACE_WITHOUT_FENCE: without, ...more };
      const process = await StandaloneProcess.start(folder, settings);
      opened.add(() => process.kill());
      return process;
    };
    const admin = new PulsarAdmin({ address: addresses.admin });
    const { comesLate, dies, meanwhile } = schedule;
    if (comesLate !== undefined) {
      const held = PARTITIONS.map((partition) => `web/${comesLate}/${partition}=1h`);
      const first = await start({ MILLRACE_HOLD_TASKS: held.join(',') });
      await postLog(first.url, 'web', LOG.text, KEY);
      await untilRead(admin, namespace, comesLate === 'local' ? ['raw'] : ['raw', 'enriched']);
      await first.kill();
    }
    if (dies !== undefined) await runUntilDead(await start({ MILLRACE_FAILPOINT: dies }));
    await meanwhile?.(new BrokerAccidents(admin, namespace));
    return await findings(await start({}), namespace, await rowsWithoutAccident());
  } finally {
    await opened.closeAll();
  }
}

const READERS = { raw: 'enrich', enriched: 'aggregate' } as const;

/** Until everything that is there has been read, committed and passed on. */
async function untilRead(
  admin: PulsarAdmin,
  namespace: PulsarNamespace,
  nouns: readonly (keyof typeof READERS)[],
): Promise<void> {
  for (const noun of nouns) {
    for (const partition of PARTITIONS) {
      const stats = (): Promise<TopicStats> => admin.topics.stats(namespace.topic(noun), partition);
      await until(
        stats,
        ({ subscriptions, msgInCounter }) =>
          msgInCounter > 0 && subscriptions[READERS[noun]]?.msgBacklog === 0,
        PATIENCE_MS,
      );
    }
  }
}

async function runUntilDead(process: StandaloneProcess): Promise<void> {
  void postLog(process.url, 'web', LOG.text, KEY).catch(() => undefined);
  const end = await process.ended;
  if (end !== 'SIGKILL') throw new Error(`it ended by ${String(end)}`);
}

async function findings(
  { url }: StandaloneProcess,
  namespace: PulsarNamespace,
  wanted: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<readonly string[]> {
  await until(() => succeeds(postLog(url, 'web', LOG.text, KEY)), Boolean, PATIENCE_MS);
  await until(() => succeeds(closeStream(url, 'web')), Boolean, PATIENCE_MS);
  const found: string[] = [];
  for (const [series, rows] of await rowsOfAll(url)) {
    const wrong = [...rows.symmetricDifference(wanted.get(series) ?? new Set())];
    if (wrong.length > 0) found.push(`${wrong.length} rows of ${series} are wrong, missing or too many`);
  }
  const { counted } = await fatesOf(url, 'web');
  if (counted !== 2_000) found.push(`${counted} of 2000 events are counted`);
  const repeated = await repeatedResults(namespace);
  if (repeated > 0) found.push(`${repeated} messages are more than once on results`);
  return found;
}

let rowsWanted: Promise<ReadonlyMap<string, ReadonlySet<string>>> | undefined;

/** Of one process over the embedded log, whose counts are those of an independent program. */
function rowsWithoutAccident(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  return (rowsWanted ??= runAlone());
}

async function runAlone(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const folder = temporaryFolder();
  const alone = await StandaloneProcess.start(folder, SECRET);
  try {
    await postLog(alone.url, 'web', LOG.text, KEY);
    await until(() => succeeds(closeStream(alone.url, 'web')), Boolean, PATIENCE_MS);
    expect(requestsByMinute(await allRows(alone.url, 'requests_per_minute', 'web'))).toEqual(
      recount(LOG.text),
    );
    return await rowsOfAll(alone.url);
  } finally {
    await alone.kill();
    removeFolder(folder);
  }
}

/** Everything but how often a row was corrected, which depends on when what arrived. */
async function rowsOfAll(url: string): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const found = new Map<string, ReadonlySet<string>>();
  for (const series of SERIES) {
    const rows = await allRows(url, series, 'web');
    found.set(
      series,
      new Set(
        rows.map(({ windowStart, windowEnd, key, measures, phase }) =>
          JSON.stringify([windowStart, windowEnd, key, measures, phase]),
        ),
      ),
    );
  }
  return found;
}

function succeeds(attempt: Promise<unknown>): Promise<boolean> {
  return attempt.then(
    () => true,
    () => false,
  );
}

/** Messages on `results` whose id was there before. */
async function repeatedResults(namespace: PulsarNamespace): Promise<number> {
  const ids: string[] = [];
  for (const partition of PARTITIONS) {
    const stored = await storedIn(namespace, 'results', partition);
    ids.push(...stored.map(({ properties }) => String(properties['ce_id'])));
  }
  return ids.length - new Set(ids).size;
}

async function storedIn(
  namespace: PulsarNamespace,
  noun: string,
  partition: number,
): Promise<readonly Delivery[]> {
  const telemetry = new Telemetry({ logLevel: 'silent' });
  const broker = new WebSocketBroker({ address: namespace.webSocket, clock: new SystemClock(), telemetry });
  try {
    const reader = await broker.openReader({ topic: namespace.topic(noun), partition, from: 'earliest' });
    const found: Delivery[] = [];
    for (let more = true; more;) {
      const some = await reader.receive({ maxMessages: 1_000, maxBytes: 2 ** 24, waitMs: 2_000 });
      found.push(...some);
      more = some.length > 0;
    }
    await reader.close();
    return found;
  } finally {
    await broker.close();
  }
}
