import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  BEFORE_FIRST,
  ClosedError,
  ConsumerBusyError,
  type MessageBroker,
  type MessageConsumer,
  type MessageProducer,
  type ReceiveOptions,
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

const AT_ONCE: ReceiveOptions = { maxMessages: 1_000, maxBytes: 64_000_000, waitMs: 0 };

/** What is received: at least once, in order, from where the subscription stands. */
export function describeConsumers(contract: BrokerContract): void {
  let fixture: BrokerFixture;
  let broker: MessageBroker;
  let topic: string;
  let producer: MessageProducer;

  beforeEach(async () => {
    fixture = await contract.open();
    broker = fixture.broker;
    topic = freshTopic(contract);
    await broker.ensureTopic({ name: topic, partitions: 2, subscriptions: ['s', 'other'] });
    producer = await broker.openProducer({ topic, partition: 0, producerName: 'p' });
  });
  afterEach(async () => {
    await fixture.dispose();
  });

  async function open(subscription = 's', from: MessageBroker = broker): Promise<MessageConsumer> {
    return await from.openConsumer({ topic, partition: 0, subscription });
  }

  describe('receive', () => {
    test('gives at most so many messages', async () => {
      await sendTexts(producer, texts(10));
      const consumer = await open();
      await consumer.receive({ ...AT_ONCE, maxMessages: 1, waitMs: 10_000 });
      const next = await consumer.receive({ ...AT_ONCE, maxMessages: 4, waitMs: 10_000 });
      expect(next.length).toBeGreaterThan(0);
      expect(next.length).toBeLessThanOrEqual(4);
      expect(textOf(next[0]!)).toBe('m1');
    });

    test('stops after the message that reaches the bytes, and gives one at least', async () => {
      await sendTexts(
        producer,
        Array.from({ length: 6 }, () => 'x'.repeat(100)),
      );
      const consumer = await open();
      expect(await consumer.receive({ maxMessages: 10, maxBytes: 1, waitMs: 10_000 })).toHaveLength(1);
      const next = await consumer.receive({ maxMessages: 10, maxBytes: 150, waitMs: 10_000 });
      expect(next.length).toBeGreaterThan(0);
      expect(next.length).toBeLessThanOrEqual(2);
    });

    test('comes back at once, or after the wait, where there is nothing', async () => {
      const consumer = await open();
      expect(await consumer.receive(AT_ONCE)).toEqual([]);
      expect(await consumer.receive({ ...AT_ONCE, waitMs: 30 })).toEqual([]);
    });

    test('is woken by the next message', async () => {
      const consumer = await open();
      const waiting = consumer.receive({ ...AT_ONCE, waitMs: 60_000 });
      await producer.send(aMessage('woken'));
      expect((await waiting).map(textOf)).toEqual(['woken']);
    });

    test('comes back empty when the signal aborts, and loses nothing by it', async () => {
      const consumer = await open();
      const controller = new AbortController();
      const waiting = consumer.receive({ ...AT_ONCE, waitMs: 60_000, signal: controller.signal });
      controller.abort();
      expect(await waiting).toEqual([]);
      await producer.send(aMessage('m0'));
      expect(await consumer.receive({ ...AT_ONCE, waitMs: 60_000, signal: controller.signal })).toEqual([]);
      expect((await receiveMany(consumer, 1)).map(textOf)).toEqual(['m0']);
    });

    test('fails once the consumer is closed, also where it waits', async () => {
      const consumer = await open();
      const waiting = expect(consumer.receive({ ...AT_ONCE, waitMs: 60_000 })).rejects.toBeInstanceOf(
        ClosedError,
      );
      await consumer.close();
      await waiting;
      await consumer.close();
      await expect(consumer.receive(AT_ONCE)).rejects.toBeInstanceOf(ClosedError);
      await expect(consumer.acknowledgeUpTo(BEFORE_FIRST)).rejects.toBeInstanceOf(ClosedError);
      await expect(consumer.seekAfter(BEFORE_FIRST)).rejects.toBeInstanceOf(ClosedError);
    });
  });

  describe('a subscription', () => {
    test('starts with the first message, before any consumer came', async () => {
      await sendTexts(producer, texts(20));
      expect((await receiveMany(await open(), 20)).map(textOf)).toEqual(texts(20));
    });

    test('gives again what was not acknowledged, to the next consumer', async () => {
      await sendTexts(producer, texts(10));
      const first = await open();
      const received = await receiveMany(first, 10);
      await first.acknowledgeUpTo(received[3]!.position);
      await first.close();
      expect((await receiveMany(await open(), 6)).map(textOf)).toEqual(texts(10).slice(4));
    });

    test('never goes back', async () => {
      await sendTexts(producer, texts(5));
      const first = await open();
      const received = await receiveMany(first, 5);
      await first.acknowledgeUpTo(received[3]!.position);
      await first.acknowledgeUpTo(received[1]!.position);
      await first.acknowledgeUpTo(BEFORE_FIRST);
      await first.close();
      expect((await receiveMany(await open(), 1)).map(textOf)).toEqual(['m4']);
    });

    test('gives again in order to who takes over, what waited to be received included', async () => {
      await sendTexts(producer, texts(40));
      const first = await open();
      await receiveMany(first, 7);
      await first.close();
      const second = await open();
      const received = await receiveMany(second, 20);
      await second.acknowledgeUpTo(received[19]!.position);
      await second.close();
      expect(received.map(textOf)).toEqual(texts(20));
      expect((await receiveMany(await open(), 20)).map(textOf)).toEqual(texts(40).slice(20));
    });

    test('remembers what was acknowledged before it was received', async () => {
      await sendTexts(producer, texts(6));
      const reader = await broker.openReader({ topic, partition: 0, from: 'earliest' });
      const read = await receiveMany(reader, 6);
      const first = await open();
      await first.acknowledgeUpTo(read[3]!.position);
      await receiveMany(first, 6, 300);
      await first.close();
      expect((await receiveMany(await open(), 2)).map(textOf)).toEqual(['m4', 'm5']);
    });

    test('stands for itself', async () => {
      await sendTexts(producer, texts(3));
      const consumer = await open();
      await consumer.acknowledgeUpTo((await receiveMany(consumer, 3))[2]!.position);
      expect((await receiveMany(await open('other'), 3)).map(textOf)).toEqual(texts(3));
    });

    test('has one consumer a partition', async () => {
      const first = await open();
      await expect(open()).rejects.toBeInstanceOf(ConsumerBusyError);
      await (await open('other')).close();
      await (await broker.openConsumer({ topic, partition: 1, subscription: 's' })).close();
      await first.close();
      await (await open()).close();
    });

    const ifDurable = contract.capabilities.durable ? test : test.skip;
    ifDurable('stands where it stood after a restart', async () => {
      await sendTexts(producer, texts(10));
      const consumer = await open();
      const received = await receiveMany(consumer, 10);
      await consumer.acknowledgeUpTo(received[6]!.position);
      const reopened = await fixture.reopen();
      await reopened.ensureTopic({ name: topic, partitions: 2, subscriptions: ['s', 'other'] });
      expect((await receiveMany(await open('s', reopened), 3)).map(textOf)).toEqual(texts(10).slice(7));
      expect(await receiveMany(await open('other', reopened), 10)).toHaveLength(10);
    });

    ifDurable('starts with the first message also where nobody came before the restart', async () => {
      await sendTexts(producer, texts(3));
      const reopened = await fixture.reopen();
      expect((await receiveMany(await open('s', reopened), 3)).map(textOf)).toEqual(texts(3));
    });
  });

  describe('seek', () => {
    test('goes back, whatever was acknowledged, as far as messages are kept', async () => {
      await sendTexts(producer, texts(6));
      const consumer = await open();
      const received = await receiveMany(consumer, 6);
      await consumer.acknowledgeUpTo(received[4]!.position);
      await consumer.seekAfter(received[1]!.position);
      expect((await receiveMany(consumer, 4)).map(textOf)).toEqual(texts(6).slice(2));
      await consumer.seekAfter(BEFORE_FIRST);
      expect((await receiveMany(consumer, 6)).map(textOf)).toEqual(texts(6));
    });

    test('drops what was under way, and may be repeated at once', async () => {
      await sendTexts(producer, texts(200));
      const consumer = await open();
      const received = await receiveMany(consumer, 100);
      for (const index of [90, 10, 50]) {
        await consumer.seekAfter(received[index]!.position);
        const next = await receiveMany(consumer, 5);
        expect(next.map(textOf)).toEqual(texts(200).slice(index + 1, index + 6));
      }
    });

    test('goes forward', async () => {
      await sendTexts(producer, texts(6));
      const reader = await broker.openReader({ topic, partition: 0, from: 'earliest' });
      const received = await receiveMany(reader, 6);
      const consumer = await open();
      await consumer.seekAfter(received[3]!.position);
      expect((await receiveMany(consumer, 2)).map(textOf)).toEqual(['m4', 'm5']);
      await consumer.seekAfter(received[5]!.position);
      expect(await consumer.isCaughtUp()).toBe(true);
      await producer.send(aMessage('next'));
      expect((await receiveMany(consumer, 1)).map(textOf)).toEqual(['next']);
    });
  });

  test('the backlog is what is stored and not received', async () => {
    const consumer = await open();
    expect(await consumer.backlogMessages()).toBe(0);
    expect(await consumer.isCaughtUp()).toBe(true);
    await sendTexts(producer, texts(7));
    expect(await consumer.backlogMessages()).toBe(7);
    expect(await consumer.isCaughtUp()).toBe(false);
    const received = await receiveMany(consumer, 7);
    expect(await consumer.backlogMessages()).toBe(0);
    expect(await consumer.isCaughtUp()).toBe(true);
    await consumer.seekAfter(received[4]!.position);
    expect(await consumer.backlogMessages()).toBe(2);
    expect(await consumer.isCaughtUp()).toBe(false);
  });
}
