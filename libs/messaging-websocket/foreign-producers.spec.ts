import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { SystemClock } from '#libs/kernel';
import type { MessageConsumer } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import { topicPath } from '#libs/pulsar-admin';
import { describeWithPulsar, receiveMany, textOf } from '#libs/testing';
import { WebSocketBroker } from './websocket-broker.js';

describeWithPulsar('messages of other producers', ({ webSocket }) => {
  let broker: WebSocketBroker;
  let topic: string;
  let consumer: MessageConsumer;

  beforeEach(async () => {
    broker = new WebSocketBroker({
      address: webSocket,
      clock: new SystemClock(),
      telemetry: new Telemetry({ logLevel: 'silent' }),
    });
    topic = `persistent://public/default/foreign-${randomUUID()}`;
    await broker.ensureTopic({ name: topic, partitions: 1, subscriptions: ['s'] });
    consumer = await broker.openConsumer({ topic, partition: 0, subscription: 's' });
  });
  afterEach(() => broker.close());

  /** In batches of four, by the WebSocket of Node.js. */
  async function publishBatches(texts: readonly string[]): Promise<void> {
    const batching = 'batchingEnabled=true&batchingMaxMessages=4&batchingMaxPublishDelay=60000';
    const socket = new WebSocket(`${webSocket}/ws/v2/producer/${topicPath(topic, 0)}?${batching}`);
    await new Promise((opened) => socket.addEventListener('open', opened, { once: true }));
    let answers = 0;
    const answered = new Promise<void>((all) =>
      socket.addEventListener('message', () => {
        if (++answers === texts.length) all();
      }),
    );
    for (const text of texts) socket.send(JSON.stringify({ payload: Buffer.from(text).toString('base64') }));
    await answered;
    socket.close();
  }

  const TEXTS = Array.from({ length: 12 }, (_, i) => `m${i}`);

  it('in batches have ascending positions, and readers go on in the middle of a batch', async () => {
    await publishBatches(TEXTS);
    const received = await receiveMany(consumer, 12);
    expect(received.map(textOf)).toEqual(TEXTS);
    expect(received.map(({ position }) => position[2])).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
    const reader = await broker.openReader({ topic, partition: 0, from: received[5]!.position });
    expect((await receiveMany(reader, 6)).map(textOf)).toEqual(TEXTS.slice(6));
    expect(await reader.isCaughtUp()).toBe(true);
  });

  it('are sought in the middle of a batch', async () => {
    await publishBatches(TEXTS);
    const received = await receiveMany(consumer, 12);
    await consumer.seekAfter(received[1]!.position);
    expect((await receiveMany(consumer, 10)).map(textOf)).toEqual(TEXTS.slice(2));
    await consumer.seekAfter(received[8]!.position);
    expect((await receiveMany(consumer, 3)).map(textOf)).toEqual(TEXTS.slice(9));
  });

  it('are given again with their batch where it was not acknowledged as a whole', async () => {
    await publishBatches(TEXTS);
    const received = await receiveMany(consumer, 12);
    await consumer.acknowledgeUpTo(received[6]!.position);
    await consumer.close();
    const next = await broker.openConsumer({ topic, partition: 0, subscription: 's' });
    expect((await receiveMany(next, 8)).map(textOf)).toEqual(TEXTS.slice(4));
    await next.acknowledgeUpTo(received[11]!.position);
    await next.close();
    const last = await broker.openConsumer({ topic, partition: 0, subscription: 's' });
    expect(await last.isCaughtUp()).toBe(true);
    expect(await last.backlogMessages()).toBe(0);
  });
});
