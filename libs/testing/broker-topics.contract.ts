import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  ClosedError,
  comparePositions,
  type Delivery,
  type MessageBroker,
  TopicMismatchError,
  TopicMissingError,
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

/** Topics, readers, health. */
export function describeTopics(contract: BrokerContract): void {
  let fixture: BrokerFixture;
  let broker: MessageBroker;
  let topic: string;

  beforeEach(async () => {
    fixture = await contract.open();
    broker = fixture.broker;
    topic = freshTopic(contract);
  });
  afterEach(async () => {
    await fixture.dispose();
  });

  async function publish(count: number): Promise<void> {
    await broker.ensureTopic({ name: topic, partitions: 1, subscriptions: ['kept'] });
    const producer = await broker.openProducer({ topic, partition: 0, producerName: 'p' });
    await sendTexts(producer, texts(count));
    await producer.close();
  }

  describe('topics', () => {
    test('says what it can do', () => {
      const { durable, shared } = contract.capabilities;
      expect(broker.capabilities).toMatchObject({ durable, shared });
    });

    test('are made once, and checked after that', async () => {
      await broker.ensureTopic({ name: topic, partitions: 2, subscriptions: ['s'] });
      await broker.ensureTopic({ name: topic, partitions: 2, subscriptions: ['s'] });
      await expect(broker.ensureTopic({ name: topic, partitions: 3 })).rejects.toBeInstanceOf(
        TopicMismatchError,
      );
    });

    test('are made once by two who want them at the same time', async () => {
      const spec = { name: topic, partitions: 2, subscriptions: ['s'] };
      await Promise.all([broker.ensureTopic(spec), broker.ensureTopic(spec)]);
      const consumer = await broker.openConsumer({ topic, partition: 1, subscription: 's' });
      expect(await consumer.isCaughtUp()).toBe(true);
    });

    test('are missing until they are made, and beyond their last partition', async () => {
      const missing = { topic, partition: 0 };
      await expect(broker.openProducer({ ...missing, producerName: 'p' })).rejects.toBeInstanceOf(
        TopicMissingError,
      );
      await expect(broker.openConsumer({ ...missing, subscription: 's' })).rejects.toBeInstanceOf(
        TopicMissingError,
      );
      await expect(broker.openReader({ ...missing, from: 'earliest' })).rejects.toBeInstanceOf(
        TopicMissingError,
      );
      await broker.ensureTopic({ name: topic, partitions: 2, subscriptions: ['s'] });
      const beyond = { topic, partition: 2 };
      await expect(broker.openProducer({ ...beyond, producerName: 'p' })).rejects.toBeInstanceOf(
        TopicMissingError,
      );
      await expect(broker.openReader({ ...beyond, from: 'latest' })).rejects.toBeInstanceOf(
        TopicMissingError,
      );
    });

    test('get further subscriptions later, which see what is kept', async () => {
      await publish(3);
      await broker.ensureTopic({ name: topic, partitions: 1, subscriptions: ['later'] });
      const consumer = await broker.openConsumer({ topic, partition: 0, subscription: 'later' });
      expect((await receiveMany(consumer, 3)).map(textOf)).toEqual(texts(3));
    });

    test('say how many partitions they have, and are not made by that', async () => {
      expect(await broker.partitionsOf(topic)).toBeUndefined();
      await broker.ensureTopic({ name: topic, partitions: 3 });
      expect(await broker.partitionsOf(topic)).toBe(3);
    });

    test('get subscriptions of those who have not made them: from the first message kept, or from now on', async () => {
      const asked = { topic, subscription: 'all', from: 'earliest' } as const;
      await expect(broker.ensureSubscription(asked)).rejects.toBeInstanceOf(TopicMissingError);
      await publish(3);
      await broker.ensureSubscription(asked);
      await broker.ensureSubscription({ topic, subscription: 'new', from: 'latest' });
      const all = await broker.openConsumer({ topic, partition: 0, subscription: 'all' });
      const [first] = await receiveMany(all, 3);
      await all.acknowledgeUpTo(first!.position);
      await all.close();
      // Asked again, it stays where it stands.
      await broker.ensureSubscription({ ...asked, from: 'latest' });
      const producer = await broker.openProducer({ topic, partition: 0, producerName: 'p2' });
      await producer.send(aMessage('next'));
      const again = await broker.openConsumer({ topic, partition: 0, subscription: 'all' });
      expect((await receiveMany(again, 3)).map(textOf)).toEqual(['m1', 'm2', 'next']);
      const latest = await broker.openConsumer({ topic, partition: 0, subscription: 'new' });
      expect((await receiveMany(latest, 1)).map(textOf)).toEqual(['next']);
    });
  });

  describe('a reader', () => {
    test('from the earliest message reads all, in order, with ascending positions', async () => {
      await publish(50);
      const reader = await broker.openReader({ topic, partition: 0, from: 'earliest' });
      const received = await receiveMany(reader, 50);
      expect(received.map(textOf)).toEqual(texts(50));
      for (let i = 1; i < received.length; i++) {
        expect(comparePositions(received[i - 1]!.position, received[i]!.position)).toBeLessThan(0);
      }
    });

    test('from the latest reads only what comes now', async () => {
      await publish(5);
      const reader = await broker.openReader({ topic, partition: 0, from: 'latest' });
      expect(await reader.receive({ maxMessages: 10, maxBytes: 1_000, waitMs: 0 })).toEqual([]);
      const producer = await broker.openProducer({ topic, partition: 0, producerName: 'p2' });
      await producer.send(aMessage('new'));
      expect((await receiveMany(reader, 1)).map(textOf)).toEqual(['new']);
    });

    test('from a position reads what stands after it', async () => {
      await publish(5);
      const first = await broker.openReader({ topic, partition: 0, from: 'earliest' });
      const received = await receiveMany(first, 5);
      const second = await broker.openReader({ topic, partition: 0, from: received[2]!.position });
      expect((await receiveMany(second, 2)).map(textOf)).toEqual(['m3', 'm4']);
      const third = await broker.openReader({ topic, partition: 0, from: received[4]!.position });
      expect(await third.receive({ maxMessages: 1, maxBytes: 1, waitMs: 0 })).toEqual([]);
    });

    test('sees the messages that a subscription also gets, and takes none away', async () => {
      await publish(3);
      const readers = await Promise.all(
        [0, 1].map(() => broker.openReader({ topic, partition: 0, from: 'earliest' })),
      );
      for (const reader of readers) expect((await receiveMany(reader, 3)).map(textOf)).toEqual(texts(3));
      const consumer = await broker.openConsumer({ topic, partition: 0, subscription: 'kept' });
      expect((await receiveMany(consumer, 3)).map(textOf)).toEqual(texts(3));
    });

    test('knows whether it has received all that is stored', async () => {
      await publish(3);
      const reader = await broker.openReader({ topic, partition: 0, from: 'earliest' });
      expect(await reader.isCaughtUp()).toBe(false);
      await receiveMany(reader, 3);
      expect(await reader.isCaughtUp()).toBe(true);
      const latest = await broker.openReader({ topic, partition: 0, from: 'latest' });
      expect(await latest.isCaughtUp()).toBe(true);
    });

    test('is closed after close', async () => {
      await publish(1);
      const reader = await broker.openReader({ topic, partition: 0, from: 'earliest' });
      await reader.close();
      await reader.close();
      await expect(reader.receive({ maxMessages: 1, maxBytes: 1, waitMs: 0 })).rejects.toBeInstanceOf(
        ClosedError,
      );
    });
  });

  const ifLive = contract.capabilities.nonPersistent ? describe : describe.skip;
  ifLive('a topic that is not persistent', () => {
    test('gives a reader what is published while it is open', async () => {
      const live = freshTopic(contract, 'non-persistent');
      await broker.ensureTopic({ name: live, partitions: 1 });
      await broker.ensureTopic({ name: live, partitions: 1 });
      await expect(broker.ensureTopic({ name: live, partitions: 2 })).rejects.toBeInstanceOf(
        TopicMismatchError,
      );
      const producer = await broker.openProducer({ topic: live, partition: 0, producerName: 'p' });
      const before = await producer.send(aMessage('nobody hears this'));
      expect(before).toEqual({ duplicate: false });
      const reader = await broker.openReader({ topic: live, partition: 0, from: 'latest' });
      // A reader hears nothing before the broker knows that it has room, a moment after it was opened.
      let heard: Delivery | undefined;
      while (heard === undefined) {
        await producer.send(aMessage('heard', { key: 'k', properties: { a: 'b' } }));
        [heard] = await reader.receive({ maxMessages: 1, maxBytes: 1_000, waitMs: 1_000 });
      }
      expect(textOf(heard)).toBe('heard');
      expect(heard).toMatchObject({ topic: live, partition: 0, key: 'k', properties: { a: 'b' } });
      await reader.close();
      await expect(reader.receive({ maxMessages: 1, maxBytes: 1, waitMs: 0 })).rejects.toBeInstanceOf(
        ClosedError,
      );
    });
  });

  describe('the broker', () => {
    test('is healthy while it is open', async () => {
      await expect(broker.checkHealth()).resolves.toBeUndefined();
    });

    test('closes everything that was opened through it, and says so after that', async () => {
      await publish(1);
      const producer = await broker.openProducer({ topic, partition: 0, producerName: 'p' });
      const consumer = await broker.openConsumer({ topic, partition: 0, subscription: 'kept' });
      const reader = await broker.openReader({ topic, partition: 0, from: 'latest' });
      const waiting = expect(
        reader.receive({ maxMessages: 1, maxBytes: 1, waitMs: 60_000 }),
      ).rejects.toBeInstanceOf(ClosedError);
      await broker.close();
      await broker.close();
      await waiting;
      await expect(producer.send(aMessage('x'))).rejects.toBeInstanceOf(ClosedError);
      await expect(consumer.receive({ maxMessages: 1, maxBytes: 1, waitMs: 0 })).rejects.toBeInstanceOf(
        ClosedError,
      );
      await expect(broker.checkHealth()).rejects.toThrow();
      await expect(broker.openReader({ topic, partition: 0, from: 'latest' })).rejects.toThrow();
    });
  });
}
