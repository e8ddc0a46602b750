import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_SETTINGS, type StateFormat, type StateIdentity, TaskHost } from '#libs/functions';
import type { JsonValue } from '#libs/kernel';
import { encodeFrame, type MessageProducer, type Position } from '#libs/messaging';
import { CountingTask } from './counting-task.js';
import { type EmbeddedPorts, openEmbedded } from './embedded-ports.js';
import { Tally } from './tally.js';

// Processes of two releases share a store, as they do while a new one is rolled out or back. The newer one keeps counts in
// cells of another form: `{ n, total }`, where the older one has `[n, total]`.

const IN = 'persistent://public/default/p.enriched';
const OUT = 'persistent://public/default/p.sums';
const TOPICS = [
  { name: IN, partitions: 1, subscriptions: ['sums'] },
  { name: OUT, partitions: 1 },
];
const TASK = { pipeline: 'p', stage: 'sums', partition: 0 };
const PACES = { commitGapMs: 1, commitIntervalMs: 5, tickMs: 5, leaseRenewMs: 50, rosterMs: 10 };

const OLD: StateIdentity = { operator: 'sums', version: 1 };
const NEW: StateIdentity = {
  operator: 'sums',
  version: 2,
  migrations: { 2: (cells) => new Map([...cells].map(([name, value]) => [name, named(value)])) },
  downgrades: { 1: (changes) => new Map([...changes].map(([name, value]) => [name, listed(value)])) },
};

/** As the newer release keeps its state. */
class NewCountingTask extends CountingTask {
  override restore(cells: ReadonlyMap<string, JsonValue>): void {
    super.restore(new Map([...cells].map(([name, value]) => [name, listed(value) as JsonValue])));
  }
  override *changes(): Generator<[string, JsonValue]> {
    for (const [name, value] of super.changes()) yield [name, named(value)];
  }
  override cells(): Iterable<[string, JsonValue]> {
    return [...super.cells()].map(([name, value]) => [name, named(value)]);
  }
}

let folder: string;
let ports: EmbeddedPorts;
let writer: MessageProducer;
let written = 0;
let hosts: TaskHost[];
const delivered = new Tally();

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-upgrade-'));
  ports = await openEmbedded(folder, TOPICS);
  writer = await ports.broker.openProducer({ topic: IN, partition: 0, producerName: 'enrich' });
  written = 0;
  hosts = [];
  // It delivers its rows.
  const commit = ports.commits.commit.bind(ports.commits);
  ports.commits.commit = async (...args) => {
    const outcome = await commit(...args);
    delivered.add();
    return outcome;
  };
});

afterEach(async () => {
  for (const host of hosts) await host.abort();
  await ports.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(release: 'old' | 'new', stateFormat: StateFormat = 'stored'): TaskHost {
  const host = new TaskHost(`${release}-${hosts.length}`, ports, {
    ...DEFAULT_SETTINGS,
    ...PACES,
    stateFormat,
  });
  const Logic = release === 'old' ? CountingTask : NewCountingTask;
  host.add({
    task: TASK,
    kind: 'committed',
    make: () => ({
      task: TASK,
      inputs: [{ topic: IN, partition: 0, subscription: 'sums', kind: 'enriched' }],
      identity: release === 'old' ? OLD : NEW,
      logic: new Logic(OUT, () => undefined),
    }),
  });
  hosts.push(host);
  return host;
}

/** Writes one more, and waits until all that was written counts, once. */
async function expectProgress(): Promise<void> {
  const before = delivered.count;
  const at = (entry: number): Position => [0, entry, 0, 0];
  const covers = { after: at(written), upTo: at(++written) };
  await writer.send(
    encodeFrame({ v: 1, kind: 'enriched', covers }, [JSON.stringify({ key: 'k', value: 1 })]),
  );
  for (let deliveries = before + 1; (await counted()) < written; deliveries++)
    await delivered.until(deliveries);
  expect(await counted()).toBe(written);
}

async function counted(): Promise<number> {
  const page = await ports.results.query({ pipeline: 'p', series: 'sums', limit: 10 });
  return page.rows.reduce((sum, row) => sum + Number(row.measures['count']), 0);
}

async function storedVersions(): Promise<readonly unknown[]> {
  const stored = await ports.commits.load(TASK);
  return (stored?.state ?? []).map(({ bytes }) => {
    const text = Buffer.from(bytes).toString('utf8');
    return (JSON.parse(text.slice(0, text.indexOf('\n'))) as { version: unknown }).version;
  });
}

describe('a rolling upgrade', () => {
  it('goes forth and back while state is written as it is stored', async () => {
    const first = start('old');
    await expectProgress();
    const newer = start('new');
    await first.drain();
    await expectProgress();
    expect(new Set(await storedVersions())).toEqual(new Set([1]));
    start('old');
    await newer.drain();
    await expectProgress();
  });

  it('is told when to write the new version; the former release then refuses and says why, and the new one goes on', async () => {
    const first = start('old');
    await expectProgress();
    const newer = start('new', 'newest');
    await first.drain();
    await expectProgress();
    expect(await storedVersions()).toEqual([2]);
    const late = start('old');
    await newer.drain();
    await until(late, 'STATE_UNKNOWN');
    expect(late.statuses()[0]?.problem?.detail).toBe(
      "p/sums/0 has state of operator 'sums', version 2 (format 1); this program knows operator 'sums', version 1 (format 1)",
    );
    start('new');
    await expectProgress();
  });

  it('ends with a restart of the new release that writes the new version', async () => {
    start('old');
    await expectProgress();
    const kept = start('new');
    await hosts[0]!.drain();
    await expectProgress();
    start('new', 'newest');
    await kept.drain();
    await expectProgress();
    expect(await storedVersions()).toEqual([2]);
  });
});

async function until(host: TaskHost, code: string): Promise<void> {
  while (host.statuses()[0]?.problem?.code !== code) await new Promise((resolve) => setImmediate(resolve));
}

function named(value: JsonValue): JsonValue {
  const [n, total] = value as [number, number];
  return { n, total };
}

function listed(value: JsonValue | undefined): JsonValue | undefined {
  if (value === undefined) return undefined;
  const { n, total } = value as { n: number; total: number };
  return [n, total];
}
