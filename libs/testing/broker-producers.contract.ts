import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  ClosedError,
  MAX_MESSAGE_BYTES,
  type MessageBroker,
  MessageTooLargeError,
  ProducerBusyError,
} from '#libs/messaging';
import {
  aMessage,
  type BrokerContract,
  type BrokerFixture,
  freshTopic,
  sendTexts,
  texts,
} from './broker-fixture.js';
import { receiveMany, textOf } from './builders.js';

/** What is sent: stored, in order, whole, each number once. */
export function describeProducers(contract: BrokerContract): void {
  let fixture: BrokerFixture;
  let broker: MessageBroker;
  let topic: string;

  beforeEach(async () => {
    fixture = await contract.open();
    broker = fixture.broker;
    topic = freshTopic(contract);
    await broker.ensureTopic({ name: topic, partitions: 2, subscriptions: ['s'] });
  });
  afterEach(async () => {
    await fixture.dispose();
  });

  async function stored(partition = 0, from: MessageBroker = broker): Promise<string[]> {
    const reader = await from.openReader({ topic, partition, from: 'earliest' });
    const found: string[] = [];
    for (;;) {
      const next = await reader.receive({ maxMessages: 1_000, maxBytes: 64_000_000, waitMs: 300 });
      if (next.length === 0) break;
      found.push(...next.map(textOf));
    }
    await reader.close();
    return found;
  }

  describe('a message', () => {
    test('comes as it was sent, with its place', async () => {
      const producer = await broker.openProducer({ topic, partition: 1, producerName: 'task/1' });
      const payload = Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i));
      const sentMs = Date.now();
      const receipt = await producer.send({
        payload,
        key: 'schlüssel 🔑',
        eventTimeMs: 1_700_000_000_123,
        properties: { 'content-type': 'x/y', empty: '', ümläut: '✓' },
        sequenceId: 7,
      });
      const reader = await broker.openReader({ topic, partition: 1, from: 'earliest' });
      const [received] = await receiveMany(reader, 1);
      expect(Buffer.from(received!.payload).equals(payload)).toBe(true);
      expect(receipt).toEqual({ duplicate: false, position: received!.position });
      expect(received).toMatchObject({
        topic,
        partition: 1,
        key: 'schlüssel 🔑',
        eventTimeMs: 1_700_000_000_123,
        properties: { 'content-type': 'x/y', empty: '', ümläut: '✓' },
        producerName: 'task/1',
        sequenceId: 7,
      });
      expect(Math.abs(received!.publishTimeMs - sentMs)).toBeLessThan(60_000);
    });

    test('keeps an event time of any age, and properties and keys of any text', async () => {
      const producer = await broker.openProducer({ topic, partition: 0, producerName: 'p' });
      const times = [
        0,
        -1,
        1,
        -8.64e15,
        8.64e15,
        Date.UTC(-44, 2, 15),
        Date.UTC(12_345, 0, 1),
        1_700_000_000_999,
      ];
      const properties = { 'a b': 'x\n"y"', '': 'no name', long: 'é'.repeat(5_000) };
      for (const eventTimeMs of times)
        await producer.send(aMessage('', { eventTimeMs, key: `k ${eventTimeMs}`, properties }));
      const reader = await broker.openReader({ topic, partition: 0, from: 'earliest' });
      const received = await receiveMany(reader, times.length);
      expect(received.map(({ eventTimeMs }) => eventTimeMs)).toEqual(times);
      for (const each of received) {
        expect(each.properties).toEqual(properties);
        expect(each.key).toBe(`k ${each.eventTimeMs}`);
      }
    });

    test('of the largest size comes whole, many in a row and in order', async () => {
      const producer = await broker.openProducer({ topic, partition: 0, producerName: 'p' });
      const large = (i: number): Buffer => Buffer.alloc(MAX_MESSAGE_BYTES, i);
      await Promise.all(
        Array.from({ length: 12 }, (_, i) => producer.send({ payload: large(i), sequenceId: i })),
      );
      const consumer = await broker.openConsumer({ topic, partition: 0, subscription: 's' });
      const received = await receiveMany(consumer, 12, 30_000);
      expect(received.map(({ payload }) => payload[0])).toEqual(Array.from({ length: 12 }, (_, i) => i));
      for (const { payload } of received) {
        expect(Buffer.from(payload).equals(large(payload[0]!))).toBe(true);
      }
    }, 60_000);

    test('without key, time and properties comes without them', async () => {
      const producer = await broker.openProducer({ topic, partition: 0, producerName: 'p' });
      await producer.send(aMessage('plain'));
      const reader = await broker.openReader({ topic, partition: 0, from: 'earliest' });
      const [received] = await receiveMany(reader, 1);
      expect(received!.key).toBeUndefined();
      expect(received!.eventTimeMs).toBeUndefined();
      expect(received!.properties).toEqual({});
      expect(textOf(received!)).toBe('plain');
    });

    test('may be empty, and as large as the limit, not larger', async () => {
      const producer = await broker.openProducer({ topic, partition: 0, producerName: 'p' });
      const largest = Buffer.alloc(MAX_MESSAGE_BYTES);
      for (let i = 0; i < largest.length; i++) largest[i] = (i * 31) & 255;
      await producer.send(aMessage('', { key: 'empty' }));
      await producer.send({ payload: largest });
      await expect(producer.send({ payload: Buffer.alloc(MAX_MESSAGE_BYTES + 1) })).rejects.toBeInstanceOf(
        MessageTooLargeError,
      );
      await producer.send(aMessage('after'));
      const reader = await broker.openReader({ topic, partition: 0, from: 'earliest' });
      const received = await receiveMany(reader, 3);
      expect(received.map(({ payload }) => payload.byteLength)).toEqual([0, MAX_MESSAGE_BYTES, 5]);
      expect(Buffer.from(received[1]!.payload).equals(largest)).toBe(true);
    });

    test('stays valid in the hands of the receiver while others come', async () => {
      const producer = await broker.openProducer({ topic, partition: 0, producerName: 'p' });
      await sendTexts(producer, texts(300, 'a rather longer payload, number '));
      const reader = await broker.openReader({ topic, partition: 0, from: 'earliest' });
      const received = await receiveMany(reader, 300);
      await sendTexts(producer, texts(300, 'and another'));
      await receiveMany(reader, 300);
      expect(received.map(textOf)).toEqual(texts(300, 'a rather longer payload, number '));
    });
  });

  describe('order', () => {
    test('is that of the calls, where they overlap too', async () => {
      const producer = await broker.openProducer({ topic, partition: 0, producerName: 'p' });
      await sendTexts(producer, texts(500));
      expect(await stored()).toEqual(texts(500));
    });

    test('is kept per partition, and partitions do not mix', async () => {
      const producers = await Promise.all(
        [0, 1].map((partition) => broker.openProducer({ topic, partition, producerName: 'p' })),
      );
      await Promise.all(producers.map((producer, i) => sendTexts(producer, texts(100, `p${i}-`))));
      expect(await stored(0)).toEqual(texts(100, 'p0-'));
      expect(await stored(1)).toEqual(texts(100, 'p1-'));
    });
  });

  describe('sequence ids', () => {
    test('are stored once: what is not above the last is a duplicate', async () => {
      const producer = await broker.openProducer({ topic, partition: 0, producerName: 'p' });
      expect(producer.lastSequenceId).toBe(-1);
      for (const sequenceId of [0, 1, 5]) {
        expect(await producer.send(aMessage(`n${sequenceId}`, { sequenceId }))).toMatchObject({
          duplicate: false,
        });
        expect(producer.lastSequenceId).toBe(sequenceId);
      }
      for (const sequenceId of [0, 3, 5]) {
        expect(await producer.send(aMessage('again', { sequenceId }))).toEqual({ duplicate: true });
      }
      expect(await producer.send(aMessage('n6', { sequenceId: 6 }))).toMatchObject({ duplicate: false });
      expect(await stored()).toEqual(['n0', 'n1', 'n5', 'n6']);
    });

    test('are judged in the order of the calls, where they overlap too', async () => {
      const producer = await broker.openProducer({ topic, partition: 0, producerName: 'p' });
      const numbers = [0, 1, 2, 1, 3, 0, 3, 4];
      const receipts = await Promise.all(
        numbers.map((sequenceId) => producer.send(aMessage(`n${sequenceId}`, { sequenceId }))),
      );
      expect(receipts.map(({ duplicate }) => duplicate)).toEqual([
        false,
        false,
        false,
        true,
        false,
        true,
        true,
        false,
      ]);
      expect(await stored()).toEqual(['n0', 'n1', 'n2', 'n3', 'n4']);
      expect(producer.lastSequenceId).toBe(4);
    });

    test('count for one name and partition', async () => {
      const places = [
        { partition: 0, producerName: 'a' },
        { partition: 0, producerName: 'b' },
        { partition: 1, producerName: 'a' },
      ];
      for (const place of places) {
        const producer = await broker.openProducer({ topic, ...place });
        expect(producer.lastSequenceId).toBe(-1);
        expect(await producer.send(aMessage('x', { sequenceId: 3 }))).toMatchObject({ duplicate: false });
      }
      expect(await stored(0)).toEqual(['x', 'x']);
    });

    test('are remembered for the next producer of the name', async () => {
      const first = await broker.openProducer({ topic, partition: 0, producerName: 'p' });
      await first.send(aMessage('n4', { sequenceId: 4 }));
      await first.close();
      const second = await broker.openProducer({ topic, partition: 0, producerName: 'p' });
      expect(second.lastSequenceId).toBe(4);
      expect(await second.send(aMessage('again', { sequenceId: 4 }))).toEqual({ duplicate: true });
      expect(await second.send(aMessage('n5', { sequenceId: 5 }))).toMatchObject({ duplicate: false });
      expect(await stored()).toEqual(['n4', 'n5']);
    });

    test('may be left out: then every message counts', async () => {
      const producer = await broker.openProducer({ topic, partition: 0, producerName: 'p' });
      await sendTexts(producer, ['x', 'x', 'x']);
      expect(await stored()).toEqual(['x', 'x', 'x']);
    });
  });

  describe('a producer', () => {
    test('is the only one of its name and partition', async () => {
      const first = await broker.openProducer({ topic, partition: 0, producerName: 'p' });
      const same = { topic, partition: 0, producerName: 'p' };
      await expect(broker.openProducer(same)).rejects.toBeInstanceOf(ProducerBusyError);
      await (await broker.openProducer({ ...same, partition: 1 })).close();
      await (await broker.openProducer({ ...same, producerName: 'q' })).close();
      await first.close();
      await (await broker.openProducer(same)).close();
    });

    test('is closed after close, when what was sent is stored', async () => {
      const producer = await broker.openProducer({ topic, partition: 0, producerName: 'p' });
      const sent = sendTexts(producer, texts(20));
      await producer.close();
      await producer.close();
      await sent;
      await expect(producer.send(aMessage('late'))).rejects.toBeInstanceOf(ClosedError);
      expect(await stored()).toEqual(texts(20));
    });
  });

  const ifDurable = contract.capabilities.durable ? test : test.skip;
  ifDurable('messages, order and numbers outlive the process', async () => {
    const producer = await broker.openProducer({ topic, partition: 0, producerName: 'p' });
    await Promise.all(texts(100).map((text, sequenceId) => producer.send(aMessage(text, { sequenceId }))));
    const reopened = await fixture.reopen();
    await reopened.ensureTopic({ name: topic, partitions: 2, subscriptions: ['s'] });
    expect(await stored(0, reopened)).toEqual(texts(100));
    const again = await reopened.openProducer({ topic, partition: 0, producerName: 'p' });
    expect(again.lastSequenceId).toBe(99);
    expect(await again.send(aMessage('again', { sequenceId: 99 }))).toEqual({ duplicate: true });
    await again.send(aMessage('m100', { sequenceId: 100 }));
    expect(await stored(0, reopened)).toEqual(texts(101));
  });
}
