import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_SETTINGS, TaskHost } from '#libs/functions';
import { BEFORE_FIRST, encodeFrame, type Position, SEQUENCE_PROPERTY } from '#libs/messaging';
import { CountingTask } from './counting-task.js';
import { type EmbeddedPorts, openEmbedded } from './embedded-ports.js';

// A task over the real embedded log and store is ended at random messages, like a process that dies: what was in
// memory is gone. The input comes with repeats, as a restarted enrich writes it. In the end every number counts once,
// and the messages it sent are numbered without a gap.

/** Each run opens a log and a store several times. */
const RUNS = (fc.readConfigureGlobal().numRuns ?? 200) / 10;
const IN = 'persistent://public/default/p.enriched';
const OUT = 'persistent://public/default/p.sums';
/** A commit every three numbers, so that every end falls between other commits. */
const PACES = { commitGapMs: 1, commitIntervalMs: 5, tickMs: 5, maxCommitEvents: 3 };
const TASK = { pipeline: 'p', stage: 'sums', partition: 0 };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-restarts-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const TOPICS = [
  { name: IN, partitions: 1, subscriptions: ['sums'] },
  { name: OUT, partitions: 1 },
];

/** Resolves after each commit: it delivers its rows. */
let delivery = Promise.withResolvers<void>();

async function open(data: string): Promise<EmbeddedPorts> {
  const ports = await openEmbedded(data, TOPICS);
  const { commits } = ports;
  const commit = commits.commit.bind(commits);
  commits.commit = async (...args) => {
    const outcome = await commit(...args);
    delivery.resolve();
    delivery = Promise.withResolvers();
    return outcome;
  };
  return ports;
}

/** Frames of two numbers each; now and then the writer goes back and writes some again. */
async function writeInput(ports: EmbeddedPorts, frames: number, repeats: readonly number[]): Promise<void> {
  const producer = await ports.broker.openProducer({ topic: IN, partition: 0, producerName: 'enrich' });
  const at = (entry: number): Position => (entry < 0 ? BEFORE_FIRST : [0, entry, 0, 0]);
  const write = async (entry: number): Promise<void> => {
    const items = [0, 1].map((n) => JSON.stringify({ key: `k${(entry + n) % 3}`, value: entry * 2 + n }));
    const covers = { after: at(entry - 1), upTo: at(entry) };
    await producer.send(encodeFrame({ v: 1, kind: 'enriched', covers }, items));
  };
  for (let entry = 0; entry < frames; entry++) {
    await write(entry);
    if (repeats.includes(entry))
      for (let again = Math.max(0, entry - 3); again <= entry; again++) await write(again);
  }
  await producer.close();
}

/** Runs the task until it has taken in `messages` messages, then ends it without a commit; Infinity: until it is done. */
async function runUntil(ports: EmbeddedPorts, messages: number, total: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const host = new TaskHost('test', ports, {
      ...DEFAULT_SETTINGS,
      ...PACES,
    });
    let taken = 0;
    const end = (how: Promise<void>): void => void how.then(resolve, reject);
    const onApply = (): void => {
      taken++;
      if (taken === messages) end(host.abort());
    };
    const inputs = [{ topic: IN, partition: 0, subscription: 'sums', kind: 'enriched' as const }];
    const identity = { operator: 'sums', version: 1 };
    host.add({
      task: TASK,
      kind: 'committed',
      make: () => ({ task: TASK, inputs, identity, logic: new CountingTask(OUT, onApply) }),
    });
    if (messages === Infinity) void whenDone(ports, total).then(() => end(host.drain()));
  });
}

async function whenDone(ports: EmbeddedPorts, total: number): Promise<void> {
  for (;;) {
    const next = delivery.promise;
    const page = await ports.results.query({ pipeline: 'p', series: 'sums', limit: 10 });
    if (page.rows.reduce((sum, row) => sum + Number(row.measures['count']), 0) === total) return;
    await next;
  }
}

async function numbersSent(ports: EmbeddedPorts): Promise<readonly number[]> {
  const reader = await ports.broker.openReader({ topic: OUT, partition: 0, from: 'earliest' });
  const deliveries = await reader.receive({ maxMessages: 10_000, maxBytes: 2 ** 24, waitMs: 0 });
  await reader.close();
  return deliveries.map(({ properties }) => Number(properties[SEQUENCE_PROPERTY]));
}

describe('a task that is ended at any message', () => {
  it('counts every number once and sends every message once', async () => {
    let run = 0;
    const ends = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(ends, fc.array(fc.nat(29), { maxLength: 4 }), async (endsAfter, repeats) => {
        const frames = 30;
        const data = join(folder, String(run++));
        let ports = await open(data);
        await writeInput(ports, frames, repeats);
        for (const messages of endsAfter) {
          await Promise.race([runUntil(ports, messages, frames * 2), whenDone(ports, frames * 2)]);
          await ports.close();
          ports = await open(data);
        }
        await runUntil(ports, Infinity, frames * 2);
        const page = await ports.results.query({ pipeline: 'p', series: 'sums', limit: 10 });
        const sum = page.rows.reduce((total, row) => total + Number(row.measures['sum']), 0);
        expect(page.rows.reduce((total, row) => total + Number(row.measures['count']), 0)).toBe(frames * 2);
        expect(sum).toBe((frames * 2 * (frames * 2 - 1)) / 2);
        const sent = await numbersSent(ports);
        expect(sent).toEqual(sent.map((_, index) => index));
        await ports.close();
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  }, 600_000);
});
