import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Telemetry } from '#libs/observability';
import { ManualClock } from '#libs/testing';
import { EmbeddedProducer } from './embedded-producer.js';
import { LogCore } from './log-core.js';

const topic = 'persistent://public/default/web.raw';

let folder: string;
let core: LogCore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-log-'));
  const telemetry = new Telemetry({ logLevel: 'silent' });
  core = new LogCore({ folder, clock: new ManualClock(), telemetry, maxBytes: 1_000_000 });
});
afterEach(async () => {
  await core.close();
  await rm(folder, { recursive: true, force: true });
});

function openProducer(): EmbeddedProducer {
  const log = core.partition(topic, 0)!;
  return new EmbeddedProducer({
    core,
    log,
    producerName: 'p',
    maxMessageBytes: 1_000,
    onClose: () => undefined,
  });
}

/** The next transaction fails, as on a full disk. */
function failNextWrite(): void {
  const { root } = core.database;
  const transaction = root.transaction.bind(root);
  root.transaction = async () => {
    root.transaction = transaction;
    throw new Error('no space left on device');
  };
}

test('a write that fails leaves everything as it was, and can be done again', async () => {
  await core.ensureTopic({ name: topic, partitions: 1, subscriptions: ['s'] });
  const producer = openProducer();
  const send = (sequenceId: number): Promise<unknown> =>
    producer.send({ payload: Buffer.from(`${sequenceId}`), sequenceId });
  await send(0);
  const usedBytes = core.space.usedBytes;
  failNextWrite();
  // The third comes while the first two are under way, and could be stored by the write after theirs.
  const underWay = [send(1), send(2)].map((sent) => sent.catch((error: unknown) => error));
  await Promise.resolve();
  await Promise.resolve();
  underWay.push(send(3).catch((error: unknown) => error));
  for (const outcome of await Promise.all(underWay)) {
    expect(outcome).toMatchObject({ code: 'LOG_WRITE_FAILED', retry: 'backoff' });
  }
  expect(core.space.usedBytes).toBe(usedBytes);
  expect(producer.lastSequenceId).toBe(0);
  await new Promise((resolve) => setImmediate(resolve));
  expect(await send(1)).toEqual({ duplicate: false, position: [0, 1, 0, 0] });
  expect(await send(1)).toEqual({ duplicate: true });
  expect(core.partition(topic, 0)!.storedEndId).toBe(2);
});

test('a topic whose making fails is not there, and can be made again', async () => {
  failNextWrite();
  const spec = { name: topic, partitions: 2, subscriptions: ['s'] };
  await expect(core.ensureTopic(spec)).rejects.toMatchObject({ code: 'LOG_WRITE_FAILED' });
  expect(core.partition(topic, 0)).toBeUndefined();
  await core.ensureTopic(spec);
  expect(core.partition(topic, 1)!.hasSubscription('s')).toBe(true);
});
