import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DEFAULT_SETTINGS,
  defineFunction,
  FunctionTaskLogic,
  type RuntimePorts,
  TaskHost,
} from '#libs/functions';
import { CONTENT_TYPE, SEQUENCE_PROPERTY } from '#libs/messaging';
import { textOf } from '#libs/testing';
import { openEmbedded } from './embedded-ports.js';
import { Tally } from './tally.js';

// An async function over the real embedded log and store reads public messages, numbered and not, and is ended again
// and again in the middle of its calls. In the end each message counts once, in order for its key.

const IN = 'persistent://public/default/p.in';
const OUT = 'persistent://public/default/p.out';
const TASK = { pipeline: 'p', stage: 'sums', partition: 0 };
const PACES = { commitGapMs: 1, commitIntervalMs: 5, tickMs: 5, maxCommitEvents: 7 };
const MESSAGES = 60;

/** Of all runs. */
const calls = new Tally();

const SUMS = defineFunction<{ n: number }, { key: string; n: number; sum: number }>({
  name: 'sums',
  input: 'p.in',
  output: 'p.out',
  maxInFlight: 3,
  async process({ data }, { state, key, signal }) {
    calls.add();
    const sum = state.value<number>('sum');
    for (let turns = data.n % 4; turns >= 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
    sum.set((sum.get() ?? 0) + data.n);
    return { key, n: data.n, sum: sum.get() ?? 0 };
  },
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-functions-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const TOPICS = [
  { name: IN, partitions: 1, subscriptions: ['sums'] },
  { name: OUT, partitions: 1 },
  { name: 'persistent://public/default/p.dead', partitions: 1 },
];

/** Some messages of a program that numbers nothing, one that is no JSON among them. */
async function writeInput({ broker }: RuntimePorts): Promise<void> {
  const producer = await broker.openProducer({ topic: IN, partition: 0, producerName: 'somebody' });
  for (let n = 0; n < MESSAGES; n++) {
    const payload = Buffer.from(n === 30 ? 'no json' : JSON.stringify({ n }));
    await producer.send({
      payload,
      key: `k${n % 3}`,
      eventTimeMs: n,
      properties: { [CONTENT_TYPE]: 'application/json' },
    });
  }
  await producer.close();
}

function run(ports: RuntimePorts): TaskHost {
  const { clock, telemetry } = ports;
  const host = new TaskHost('test', ports, { ...DEFAULT_SETTINGS, ...PACES });
  const logic = (): FunctionTaskLogic =>
    new FunctionTaskLogic({
      definition: SUMS as never,
      pipeline: 'p',
      partition: 0,
      partitions: 1,
      time: { maxOutOfOrdernessMs: 0, maxFutureSkewMs: 0, idleAfterMs: 1_000 },
      topics: (topic) => ({ name: `persistent://public/default/${topic}`, partitions: 1 }),
      clock,
      telemetry,
      random: () => 0,
    });
  host.add({
    task: TASK,
    kind: 'committed',
    make: () => ({
      task: TASK,
      inputs: [{ topic: IN, partition: 0, subscription: 'sums', kind: 'messages' }],
      identity: { operator: 'function/sums', version: 1 },
      logic: logic(),
    }),
  });
  return host;
}

describe('an async function that is ended in the middle of its calls', () => {
  it('counts every message once, and sends every output once and in order', async () => {
    const first = await openEmbedded(folder, TOPICS);
    await writeInput(first);
    await first.close();
    for (const how of ['abort', 'drain', 'abort', 'abort', 'drain'] as const) {
      const ports = await openEmbedded(folder, TOPICS);
      const host = run(ports);
      // Some of them are under way then.
      await calls.until(calls.count + 9);
      await host[how]();
      await ports.close();
    }
    const ports = await openEmbedded(folder, TOPICS);
    const host = run(ports);
    const reader = await ports.broker.openReader({ topic: OUT, partition: 0, from: 'earliest' });
    const found = [];
    while (found.length < MESSAGES - 1)
      found.push(...(await reader.receive({ maxMessages: 100, maxBytes: 1e6, waitMs: 5_000 })));
    await host.drain();
    await ports.close();
    const outputs = found.map(
      (message) => JSON.parse(textOf(message)) as { key: string; n: number; sum: number },
    );
    expect(outputs.map(({ n }) => n)).toEqual(
      Array.from({ length: MESSAGES }, (_, n) => n).filter((n) => n !== 30),
    );
    for (const key of ['k0', 'k1', 'k2']) {
      let sum = 0;
      for (const output of outputs.filter((each) => each.key === key))
        expect(output.sum).toBe((sum += output.n));
    }
    expect(found.map(({ properties }) => properties[SEQUENCE_PROPERTY])).toEqual(
      found.map((_, index) => String(index)),
    );
  }, 300_000);
});
