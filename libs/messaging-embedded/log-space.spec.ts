import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogFullError, type MessageConsumer, type MessageProducer } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import { ManualClock, receiveMany, textOf } from '#libs/testing';
import { EmbeddedBroker } from './embedded-broker.js';

const RAW = 'persistent://public/default/web.raw';
const ENRICHED = 'persistent://public/default/web.enriched';
const MAX_BYTES = 1024 * 1024;
/** 3 pages with their head. */
const PAYLOAD_BYTES = 10_000;
const STORED_BYTES = 3 * 4096;

let folder: string;
let clock: ManualClock;
let telemetry: Telemetry;
let broker: EmbeddedBroker;
let otherBytes = 0;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-log-'));
  clock = new ManualClock(1_000_000);
  otherBytes = 0;
  telemetry = new Telemetry({ logLevel: 'silent' });
  broker = await openBroker();
});
afterEach(async () => {
  await broker.close();
  await rm(folder, { recursive: true, force: true });
});

function openBroker(): Promise<EmbeddedBroker> {
  return EmbeddedBroker.open({ folder, clock, telemetry, maxBytes: MAX_BYTES, otherBytes: () => otherBytes });
}

async function openEnds(
  topic: string,
  partition = 0,
): Promise<{ producer: MessageProducer; consumer: MessageConsumer }> {
  return {
    producer: await broker.openProducer({ topic, partition, producerName: 'p' }),
    consumer: await broker.openConsumer({ topic, partition, subscription: 's' }),
  };
}

/** Payloads begin with their number. */
function payload(n: number): Uint8Array {
  return Buffer.from(`${n} `.padEnd(PAYLOAD_BYTES, '.'));
}

/** Sends one after the other until the log is full; gives how many were stored. */
async function fill(producer: MessageProducer, atMost = 1_000): Promise<number> {
  for (let n = 0; n < atMost; n++) {
    try {
      await producer.send({ payload: payload(n) });
    } catch (error) {
      expect(error).toBeInstanceOf(LogFullError);
      return n;
    }
    clock.advance(1);
  }
  return atMost;
}

async function numbersLeft(topic: string, partition = 0): Promise<number[]> {
  const reader = await broker.openReader({ topic, partition, from: 'earliest' });
  const left = await receiveMany(reader, 10_000, 0);
  await reader.close();
  return left.map((delivery) => Number.parseInt(textOf(delivery), 10));
}

async function metric(name: string): Promise<number> {
  const { text } = await telemetry.metrics();
  const lines = text.split('\n').filter((line) => line.startsWith(name));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

describe('the cap', () => {
  test('refuses what has no room, and removes nothing that is unread', async () => {
    await broker.ensureTopic({ name: RAW, partitions: 1, subscriptions: ['s'] });
    const { producer, consumer } = await openEnds(RAW);
    const stored = await fill(producer);
    expect(stored).toBe(Math.floor(MAX_BYTES / STORED_BYTES));
    expect(broker.usedBytes).toBeLessThanOrEqual(MAX_BYTES);
    await expect(producer.send({ payload: payload(0) })).rejects.toMatchObject({
      code: 'LOG_FULL',
      retry: 'backoff',
    });
    expect(await receiveMany(consumer, 10_000, 0)).toHaveLength(stored);
    expect(await metric('millrace_log_removed_messages_total')).toBe(0);
  });

  test.each([
    ['half', MAX_BYTES / 2, 1 / 2],
    ['all', 2 * MAX_BYTES, 1 / 4],
  ])('is what others leave of it, and at least a quarter: others take %s', async (_, others, share) => {
    otherBytes = others;
    await broker.ensureTopic({ name: RAW, partitions: 1, subscriptions: ['s'] });
    const { producer } = await openEnds(RAW);
    expect(await fill(producer)).toBe(Math.floor((MAX_BYTES * share) / STORED_BYTES));
  });

  test('makes room from what every subscription has acknowledged, oldest first', async () => {
    await broker.ensureTopic({ name: RAW, partitions: 1, subscriptions: ['s', 'other'] });
    const { producer, consumer } = await openEnds(RAW);
    const other = await broker.openConsumer({ topic: RAW, partition: 0, subscription: 'other' });
    const stored = await fill(producer);
    const received = await receiveMany(consumer, stored, 0);
    await consumer.acknowledgeUpTo(received.at(-1)!.position);
    await expect(producer.send({ payload: payload(0) })).rejects.toBeInstanceOf(LogFullError);
    await other.acknowledgeUpTo(received[39]!.position);
    expect(await fill(producer, 30)).toBe(30);
    const left = await numbersLeft(RAW);
    const firstLeft = left[0]!;
    expect(firstLeft).toBeGreaterThanOrEqual(30);
    expect(firstLeft).toBeLessThanOrEqual(40);
    expect(await metric('millrace_log_removed_messages_total')).toBe(firstLeft);
    expect(await metric('millrace_log_bytes')).toBe(broker.usedBytes);
    expect(broker.usedBytes).toBeLessThanOrEqual(MAX_BYTES);
    expect(await receiveMany(other, 10_000, 0)).toHaveLength(stored + 30 - firstLeft);
  });

  test('takes from all topics by age, and what nobody subscribed to counts as acknowledged', async () => {
    await broker.ensureTopic({ name: RAW, partitions: 2 });
    await broker.ensureTopic({ name: ENRICHED, partitions: 1, subscriptions: ['s'] });
    const producers = await Promise.all(
      [0, 1].map((partition) => broker.openProducer({ topic: RAW, partition, producerName: 'p' })),
    );
    const { producer } = await openEnds(ENRICHED);
    await fill(producer, 10);
    await fill(producers[0]!, 10);
    await fill(producers[1]!, 200);
    expect(await numbersLeft(RAW, 0)).toEqual([]);
    const left = await numbersLeft(RAW, 1);
    expect(left.at(-1)).toBe(199);
    expect(left).toEqual(left.map((_, i) => left[0]! + i));
    expect(await numbersLeft(ENRICHED)).toEqual(Array.from({ length: 10 }, (_, n) => n));
    expect(broker.usedBytes).toBeLessThanOrEqual(MAX_BYTES);
  });

  test('keeps room in every topic, so that a full one never locks up the next stage', async () => {
    await broker.ensureTopic({ name: RAW, partitions: 1, subscriptions: ['s'] });
    await broker.ensureTopic({ name: ENRICHED, partitions: 1, subscriptions: ['s'] });
    const raw = await openEnds(RAW);
    const enriched = await openEnds(ENRICHED);
    const stored = await fill(raw.producer);
    expect(stored).toBeGreaterThan(60);
    // The next stage: read one, write one, only then acknowledge; and its reader does the same.
    for (let n = 0; n < stored * 2; n++) {
      const [received] = await receiveMany(raw.consumer, 1, 0);
      await enriched.producer.send({ payload: received!.payload });
      await raw.consumer.acknowledgeUpTo(received!.position);
      const [passed] = await receiveMany(enriched.consumer, 1, 0);
      await enriched.consumer.acknowledgeUpTo(passed!.position);
      await raw.producer.send({ payload: payload(stored + n) }).catch((error: unknown) => {
        expect(error).toBeInstanceOf(LogFullError);
      });
      if (await raw.consumer.isCaughtUp()) break;
    }
    expect(await fill(enriched.producer)).toBeGreaterThan(0);
  });

  test('counts the same after a restart', async () => {
    await broker.ensureTopic({ name: RAW, partitions: 1, subscriptions: ['s'] });
    const { producer, consumer } = await openEnds(RAW);
    await fill(producer, 60);
    await producer.send({ payload: Buffer.from('small') });
    const received = await receiveMany(consumer, 20, 0);
    await consumer.acknowledgeUpTo(received.at(-1)!.position);
    const { usedBytes } = broker;
    await broker.close();
    broker = await openBroker();
    expect(broker.usedBytes).toBe(usedBytes);
    expect((await numbersLeft(RAW)).slice(0, 3)).toEqual([0, 1, 2]);
  });

  test('never uses an id again, also where nothing is left', async () => {
    await broker.ensureTopic({ name: RAW, partitions: 1, subscriptions: ['s'], retentionMs: 0 });
    const first = await openEnds(RAW);
    const { position } = await first.producer.send({ payload: payload(0) });
    await first.consumer.acknowledgeUpTo(position!);
    await broker.checkHealth();
    expect(broker.usedBytes).toBe(0);
    await broker.close();
    broker = await openBroker();
    const second = await openEnds(RAW);
    const next = await second.producer.send({ payload: payload(1) });
    expect(next.position![1]).toBe(position![1] + 1);
    expect((await receiveMany(second.consumer, 2, 0)).map((delivery) => delivery.position)).toEqual([
      next.position,
    ]);
  });
});

describe('retention', () => {
  test('of 0 removes what has been acknowledged by all, at once', async () => {
    await broker.ensureTopic({ name: RAW, partitions: 1, subscriptions: ['s'], retentionMs: 0 });
    const { producer, consumer } = await openEnds(RAW);
    await fill(producer, 20);
    const received = await receiveMany(consumer, 20, 0);
    await consumer.acknowledgeUpTo(received[9]!.position);
    await broker.checkHealth();
    expect((await numbersLeft(RAW))[0]).toBeGreaterThanOrEqual(9);
    await consumer.acknowledgeUpTo(received[19]!.position);
    await broker.checkHealth();
    expect(await numbersLeft(RAW)).toEqual([]);
    expect(broker.usedBytes).toBe(0);
    expect(await metric('millrace_log_removed_messages_total')).toBe(20);
  });

  test('of a time counts from the acknowledgement, and leaves the unread alone', async () => {
    await broker.ensureTopic({ name: RAW, partitions: 1, subscriptions: ['s'], retentionMs: 60_000 });
    const { producer, consumer } = await openEnds(RAW);
    await fill(producer, 20);
    clock.advance(120_000);
    const received = await receiveMany(consumer, 20, 0);
    await consumer.acknowledgeUpTo(received[9]!.position);
    clock.advance(59_000);
    await broker.checkHealth();
    expect(await numbersLeft(RAW)).toHaveLength(20);
    clock.advance(2_000);
    await broker.checkHealth();
    const left = await numbersLeft(RAW);
    expect(left[0]).toBeGreaterThanOrEqual(9);
    expect(left[0]).toBeLessThanOrEqual(10);
    expect(left.at(-1)).toBe(19);
    clock.advance(600_000);
    await broker.checkHealth();
    expect(await numbersLeft(RAW)).toEqual(left);
  });
});

test('where a send has no room, those called after it fail too, so that no number is passed over', async () => {
  await broker.ensureTopic({ name: RAW, partitions: 1, subscriptions: ['s'] });
  const { producer, consumer } = await openEnds(RAW);
  let sequenceId = 0;
  await fill(producer, 84);
  // The large one lacks room; the small ones after it would fit.
  const sizes = [100, 30_000, 100, 100];
  const outcomes = await Promise.allSettled(
    sizes.map((bytes) => producer.send({ payload: Buffer.alloc(bytes, '.'), sequenceId: sequenceId++ })),
  );
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected']);
  expect(producer.lastSequenceId).toBe(0);
  const received = await receiveMany(consumer, 80, 0);
  await consumer.acknowledgeUpTo(received.at(-1)!.position);
  for (let again = 1; again < 4; again++) {
    expect(await producer.send({ payload: Buffer.from('.'), sequenceId: again })).toMatchObject({
      duplicate: false,
    });
  }
});
