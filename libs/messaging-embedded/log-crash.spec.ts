import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '#libs/kernel';
import { Telemetry } from '#libs/observability';
import { forkTypeScript, killProcess, receiveMany } from '#libs/testing';
import { EmbeddedBroker } from './embedded-broker.js';

const topic = 'persistent://public/default/web.raw';
/** The second cap is so low that the log removes while it is killed. */
const CAPS = [64 * 1024 * 1024, 4 * 1024 * 1024];

interface Said {
  readonly partition: number;
  readonly stored?: number;
  readonly acknowledged?: number;
}

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-log-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test.each(CAPS)(
  'a kill -9 in mid-write loses nothing and doubles nothing (cap %i)',
  async (maxBytes) => {
    const stored = [-1, -1];
    const acknowledged = [-1, -1];
    for (let round = 0; round < 4; round++) {
      await sendUntilKilled(maxBytes, 300 + round * 171, ({ partition, ...said }) => {
        stored[partition] = Math.max(stored[partition]!, said.stored ?? -1);
        acknowledged[partition] = Math.max(acknowledged[partition]!, said.acknowledged ?? -1);
      });
      const broker = await openBroker(maxBytes);
      for (const partition of [0, 1]) await expectWhole(broker, partition, { stored, acknowledged });
      await broker.close();
    }
  },
  60_000,
);

function openBroker(maxBytes: number): Promise<EmbeddedBroker> {
  return EmbeddedBroker.open({
    folder,
    clock: new SystemClock(),
    telemetry: new Telemetry({ logLevel: 'silent' }),
    maxBytes,
  });
}

/** Kills it after so many messages, with others under way. */
async function sendUntilKilled(maxBytes: number, count: number, onSaid: (said: Said) => void): Promise<void> {
  const child = forkTypeScript(join(import.meta.dirname, 'send-until-killed.ts'), [folder, String(maxBytes)]);
  let heard = 0;
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code, signal) =>
      reject(new Error(`the sender ended by itself: ${String(code ?? signal)}`)),
    );
    child.on('message', (said: Said) => {
      onSaid(said);
      if (++heard === count) resolve();
    });
  });
  await killProcess(child);
}

/** What is there is an unbroken run of numbers, that holds everything said to be stored, and what nobody acknowledged. */
async function expectWhole(
  broker: EmbeddedBroker,
  partition: number,
  said: { readonly stored: readonly number[]; readonly acknowledged: readonly number[] },
): Promise<void> {
  const reader = await broker.openReader({ topic, partition, from: 'earliest' });
  const numbers = (await receiveMany(reader, 1_000_000, 0)).map((delivery) => delivery.sequenceId!);
  const first = numbers[0]!;
  expect(numbers).toEqual(numbers.map((_, i) => first + i));
  expect(numbers.at(-1)!).toBeGreaterThanOrEqual(said.stored[partition]!);

  const producer = await broker.openProducer({ topic, partition, producerName: 'p' });
  expect(producer.lastSequenceId).toBe(numbers.at(-1));

  const consumer = await broker.openConsumer({ topic, partition, subscription: 's' });
  const backlog = (await receiveMany(consumer, 1_000_000, 0)).map((delivery) => delivery.sequenceId!);
  const next = backlog[0] ?? producer.lastSequenceId + 1;
  expect(next).toBeGreaterThan(said.acknowledged[partition]!);
  expect(backlog).toEqual(numbers.filter((number) => number >= next));
}
