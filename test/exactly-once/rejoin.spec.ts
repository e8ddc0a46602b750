import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_SETTINGS, TaskHost } from '#libs/functions';
import { encodeFrame, type MessageConsumer, type MessageProducer, type Position } from '#libs/messaging';
import { CountingTask } from './counting-task.js';
import { type EmbeddedPorts, openEmbedded } from './embedded-ports.js';
import { Tally } from './tally.js';

// What a task stands on is taken from under it, as a broker does that drops a connection and a store that hangs: the
// task begins anew, at once, and goes on from its last commit.

const IN = 'persistent://public/default/p.enriched';
const OUT = 'persistent://public/default/p.sums';
const TOPICS = [
  { name: IN, partitions: 1, subscriptions: ['sums'] },
  { name: OUT, partitions: 1 },
];
const TASK = { pipeline: 'p', stage: 'sums', partition: 0 };
const PACES = { commitGapMs: 1, commitIntervalMs: 5, tickMs: 5, leaseRenewMs: 20 };

let folder: string;
let ports: EmbeddedPorts;
let host: TaskHost;
let writer: MessageProducer;
let written = 0;
const consumers: MessageConsumer[] = [];
const producers: MessageProducer[] = [];
const applied = new Tally();
const delivered = new Tally();

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-rejoin-'));
  ports = await openEmbedded(folder, TOPICS);
  writer = await ports.broker.openProducer({ topic: IN, partition: 0, producerName: 'enrich' });
  written = 0;
  watch(ports);
  start();
});

function start(): void {
  host = new TaskHost('test', ports, { ...DEFAULT_SETTINGS, ...PACES });
  host.add({
    task: TASK,
    kind: 'committed',
    make: () => ({
      task: TASK,
      inputs: [{ topic: IN, partition: 0, subscription: 'sums', kind: 'enriched' }],
      identity: { operator: 'sums', version: 1 },
      logic: new CountingTask(OUT, () => applied.add()),
    }),
  });
}

afterEach(async () => {
  await host.abort();
  await ports.close();
  rmSync(folder, { recursive: true, force: true });
});

function watch({ broker, commits }: EmbeddedPorts): void {
  const openConsumer = broker.openConsumer.bind(broker);
  broker.openConsumer = async (options) => {
    const consumer = await openConsumer(options);
    consumers.push(consumer);
    return consumer;
  };
  const openProducer = broker.openProducer.bind(broker);
  broker.openProducer = async (options) => {
    const producer = await openProducer(options);
    producers.push(producer);
    return producer;
  };
  // It delivers its rows.
  const commit = commits.commit.bind(commits);
  commits.commit = async (...args) => {
    const outcome = await commit(...args);
    delivered.add();
    return outcome;
  };
}

async function write(): Promise<void> {
  const at = (entry: number): Position => [0, entry, 0, 0];
  const covers = { after: at(written), upTo: at(++written) };
  await writer.send(
    encodeFrame({ v: 1, kind: 'enriched', covers }, [JSON.stringify({ key: 'k', value: 1 })]),
  );
}

/** Writes one more, and waits until it counts. */
async function expectProgress(): Promise<void> {
  const before = delivered.count;
  await write();
  for (let deliveries = before + 1; (await counted()) < written; deliveries++)
    await delivered.until(deliveries);
  expect(await counted()).toBe(written);
}

async function counted(): Promise<number> {
  const page = await ports.results.query({ pipeline: 'p', series: 'sums', limit: 10 });
  return page.rows.reduce((sum, row) => sum + Number(row.measures['count']), 0);
}

describe('a task whose commits are lost', () => {
  it('counts what the log drops, since it has it under these numbers', async () => {
    await expectProgress();
    await expectProgress();
    await host.abort();
    await ports.close();
    rmSync(join(folder, 'store'), { recursive: true });
    ports = await openEmbedded(folder, TOPICS);
    writer = await ports.broker.openProducer({ topic: IN, partition: 0, producerName: 'enrich' });
    watch(ports);
    start();
    await expectProgress();
    await host.drain();
    expect(lostMessages((await ports.telemetry.metrics()).text)).toBeGreaterThan(0);
  });

  it('is none that has its commits, however often it begins anew', async () => {
    await expectProgress();
    for (let turn = 0; turn < 3; turn++) {
      await producers.at(-1)?.close();
      await expectProgress();
    }
    await host.abort();
    start();
    await expectProgress();
    await host.drain();
    expect(lostMessages((await ports.telemetry.metrics()).text)).toBe(0);
  });
});

function lostMessages(metrics: string): number {
  return Number(/^millrace_task_lost_messages_total\{.*\} (\d+)$/m.exec(metrics)?.[1] ?? 0);
}

describe('a task', () => {
  it.each([
    ['consumer', consumers],
    ['producer', producers],
  ] as const)('begins anew when its %s is closed under it', async (_what, opened) => {
    await expectProgress();
    const startedMs = performance.now();
    await opened.at(-1)?.close();
    await expectProgress();
    // Far below the 30 s after which a task looks again that no retry helps.
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });

  it('that has lost its lease does not wait for a store that hangs', async () => {
    await expectProgress();
    const { commits, leases } = ports;
    const { commit } = commits;
    const renew = leases.renew.bind(leases);
    const hanging = new Tally();
    commits.commit = () => {
      hanging.add();
      return new Promise(() => undefined);
    };
    leases.renew = async (...args) => {
      if (hanging.count === 0) return await renew(...args);
      commits.commit = commit;
      leases.renew = renew;
      return false;
    };
    await expectProgress();
  });
});
