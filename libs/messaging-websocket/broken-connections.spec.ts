import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { type Clock, SystemClock } from '#libs/kernel';
import { ClosedError, ConsumerBusyError, type MessageProducer, type Position } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import { BrokerUnavailableError } from '#libs/pulsar-admin';
import { describeWithPulsar, receiveMany, textOf } from '#libs/testing';
import { LineToBroker } from './fixture/line-to-broker.js';
import { QuickClock } from './fixture/quick-clock.js';
import { encodeMessageId } from './message-id.js';
import { WebSocketBroker } from './websocket-broker.js';

describeWithPulsar('a connection that breaks', ({ webSocket, admin }) => {
  const P = { partition: 0, producerName: 'p' };
  const C = { partition: 0, subscription: 's' };
  const WAIT = { maxMessages: 1_000, maxBytes: 64_000_000, waitMs: 60_000 };
  let line: LineToBroker;
  /** Over the line. */
  let broker: WebSocketBroker;
  /** Beside it. */
  let other: WebSocketBroker;
  let topic: string;

  function brokerAt(
    address: string,
    clock: Clock = new SystemClock(),
    adminAddress = admin,
  ): WebSocketBroker {
    const telemetry = new Telemetry({ logLevel: 'silent' });
    return new WebSocketBroker({ address, adminAddress, clock, telemetry });
  }

  beforeEach(async () => {
    line = await LineToBroker.open(webSocket);
    broker = brokerAt(line.webSocket);
    other = brokerAt(webSocket);
    topic = `persistent://public/default/cut-${randomUUID()}`;
    await other.ensureTopic({ name: topic, partitions: 1, subscriptions: ['s'] });
  });

  afterEach(async () => {
    await Promise.all([broker.close(), other.close()]);
    await line.close();
  });

  async function stored(): Promise<string[]> {
    const reader = await other.openReader({ topic, partition: 0, from: 'earliest' });
    const found: string[] = [];
    while (!(await reader.isCaughtUp())) {
      found.push(...(await reader.receive({ ...WAIT, waitMs: 5_000 })).map(textOf));
    }
    return found;
  }

  /** Sends numbers until all are stored: what fails is sent again, from the first that failed on. */
  async function sendNumbers(
    producer: MessageProducer,
    count: number,
    onStored: (total: number) => void,
  ): Promise<void> {
    let total = 0;
    for (let from = 0; from < count;) {
      const sent = Array.from({ length: count - from }, (_, i) =>
        producer
          .send({ payload: Buffer.from(`n${from + i}`), sequenceId: from + i })
          .then(() => onStored(++total)),
      );
      const firstFailed = (await Promise.allSettled(sent)).findIndex(({ status }) => status === 'rejected');
      from = firstFailed < 0 ? count : from + firstFailed;
    }
  }

  function numbers(count: number): string[] {
    return Array.from({ length: count }, (_, i) => `n${i}`);
  }

  it('costs no message of a producer and doubles none, whenever it breaks', async () => {
    const producer = await broker.openProducer({ topic, ...P });
    const cuts = new Set([1, 37, 200, 333]);
    await sendNumbers(producer, 400, (total) => cuts.has(total) && line.cut());
    expect(await stored()).toEqual(numbers(400));
    expect(producer.lastSequenceId).toBe(399);
  }, 300_000);

  it('is what becomes of one whose messages the broker drops as repeats by its own numbers: they are sent again', async () => {
    const producer = await broker.openProducer({ topic, ...P });
    await producer.send({ payload: Buffer.from('n0'), sequenceId: 0 });
    const nowhere = encodeMessageId({ ledgerId: -1, entryId: -1 });
    line.rewriteNext((text) => JSON.stringify({ ...JSON.parse(text), messageId: nowhere }));
    const dropped = producer.send({ payload: Buffer.from('n1'), sequenceId: 1 });
    await expect(dropped).rejects.toMatchObject({ code: 'SEND_REFUSED', retry: 'backoff' });
    expect(producer.lastSequenceId).toBe(0);
    await sendNumbers(producer, 3, () => undefined);
    expect(await stored()).toEqual(numbers(3));
  }, 300_000);

  it('is not needed for a message to fail: what comes in the same breath as one without room is not stored before it', async () => {
    const producer = await broker.openProducer({ topic, ...P });
    const large = Buffer.alloc(700_000);
    const sent = Array.from({ length: 80 }, (_, n) =>
      producer.send({ payload: n === 79 ? Buffer.from('small') : large, sequenceId: n }),
    );
    const settled = await Promise.allSettled(sent);
    const firstFailed = settled.findIndex(({ status }) => status === 'rejected');
    expect(settled[firstFailed]).toMatchObject({ reason: { code: 'SEND_QUEUE_FULL', retry: 'backoff' } });
    expect(settled.slice(firstFailed).map(({ status }) => status)).not.toContain('fulfilled');
    expect(producer.lastSequenceId).toBe(firstFailed - 1);
  }, 300_000);

  it('fails what was under way, and lets what is sent after that wait for the next', async () => {
    const producer = await broker.openProducer({ topic, ...P });
    const sent = [0, 1, 2].map((n) => producer.send({ payload: Buffer.from(`n${n}`), sequenceId: n }));
    line.block();
    for (const one of await Promise.allSettled(sent)) {
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'BROKER_UNAVAILABLE' });
    }
    // Whoever called in the same breath as these is told as well; this one knows.
    await new Promise(setImmediate);
    const waiting = Promise.all(
      [0, 1, 2, 3].map((n) => producer.send({ payload: Buffer.from(`n${n}`), sequenceId: n })),
    );
    await expect(broker.checkHealth()).rejects.toBeInstanceOf(BrokerUnavailableError);
    line.unblock();
    await waiting;
    await broker.checkHealth();
    expect(await stored()).toEqual(numbers(4));
  }, 300_000);

  it.each([
    ['the WebSocket alone', (): string => admin],
    ['REST too', (): string => line.admin],
  ])(
    'to a broker that takes connections and answers none costs two seconds at most once it answers: %s',
    async (_title, adminAddress) => {
      const muted = brokerAt(line.webSocket, new SystemClock(), adminAddress());
      const producer = await muted.openProducer({ topic, ...P });
      line.mute();
      await line.untilUnanswered(1);
      const sent = producer.send({ payload: Buffer.from('n0'), sequenceId: 0 });
      line.unmute();
      const answeringMs = performance.now();
      await sent;
      expect(performance.now() - answeringMs).toBeLessThan(4_000);
      await muted.close();
    },
    300_000,
  );

  it('lets what is opened meanwhile wait for the broker', async () => {
    const late = brokerAt(line.webSocket, new SystemClock(), line.admin);
    await late.openReader({ topic, partition: 0, from: 'earliest' });
    line.mute();
    await line.untilUnanswered(1);
    const opening = late.openProducer({ topic, ...P });
    line.unmute();
    await (await opening).send({ payload: Buffer.from('n0') });
    await late.close();
  }, 300_000);

  it('costs a consumer no message and brings none twice; what it acknowledged stays acknowledged', async () => {
    const consumer = await broker.openConsumer({ topic, ...C });
    const sending = await other.openProducer({ topic, ...P });
    const received: string[] = [];
    let last: Position | undefined;
    for (let batch = 0; batch < 6; batch++) {
      await Promise.all(
        numbers(50).map((_, i) => sending.send({ payload: Buffer.from(`n${batch * 50 + i}`) })),
      );
      const deliveries = await receiveMany(consumer, 50);
      received.push(...deliveries.map(textOf));
      last = deliveries[30]?.position;
      // One acknowledgement goes out before the line is cut, one while it is.
      if (batch === 2) await consumer.acknowledgeUpTo(last!);
      if (batch > 0) line.cut();
      if (batch === 5) await consumer.acknowledgeUpTo(last!);
    }
    expect(received).toEqual(numbers(300));
    // Back again, and what was swallowed is acknowledged with what came again.
    await sending.send({ payload: Buffer.from('n300') });
    expect((await receiveMany(consumer, 1)).map(textOf)).toEqual(['n300']);
    await consumer.close();
    const next = await other.openConsumer({ topic, ...C });
    expect((await receiveMany(next, 20)).map(textOf)).toEqual(numbers(301).slice(281));
  }, 300_000);

  it('costs a reader no message and brings none twice', async () => {
    const reader = await broker.openReader({ topic, partition: 0, from: 'latest' });
    const sending = await other.openProducer({ topic, ...P });
    const received: string[] = [];
    for (let batch = 0; batch < 4; batch++) {
      await Promise.all(
        numbers(80).map((_, i) => sending.send({ payload: Buffer.from(`n${batch * 80 + i}`) })),
      );
      received.push(...(await receiveMany(reader, 40)).map(textOf));
      line.cut();
      received.push(...(await receiveMany(reader, 40)).map(textOf));
    }
    expect(received).toEqual(numbers(320));
  }, 300_000);

  it('ends a consumer whose place somebody else has taken', async () => {
    const consumer = await broker.openConsumer({ topic, ...C });
    const waiting = expect(consumer.receive(WAIT)).rejects.toThrow(ClosedError);
    line.block();
    const taker = await takeOver();
    line.unblock();
    await waiting;
    await expect(consumer.acknowledgeUpTo([1, 1, 0, 0])).rejects.toBeInstanceOf(ClosedError);
    await taker.close();
  }, 300_000);

  /** As soon as the broker has noticed. */
  async function takeOver(): ReturnType<WebSocketBroker['openConsumer']> {
    for (;;) {
      try {
        return await other.openConsumer({ topic, ...C });
      } catch (error) {
        if (!(error instanceof ConsumerBusyError)) throw error;
      }
    }
  }

  it('is noticed where nobody says so: by silence', async () => {
    const quick = brokerAt(line.webSocket, new QuickClock());
    const producer = await quick.openProducer({ topic, ...P });
    line.hold();
    await expect(producer.send({ payload: Buffer.from('n0'), sequenceId: 0 })).rejects.toMatchObject({
      code: 'BROKER_UNAVAILABLE',
      message: expect.stringContaining('nothing heard') as unknown,
    });
    await quick.close();
  }, 300_000);

  it('fails a send after its time, with the reason, and closes without waiting for the broker', async () => {
    const quick = brokerAt(line.webSocket, new QuickClock());
    const producer = await quick.openProducer({ topic, ...P });
    line.block();
    const sent = producer.send({ payload: Buffer.from('n0'), sequenceId: 0 });
    await expect(sent).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE', retry: 'backoff' });
    const later = producer.send({ payload: Buffer.from('n0'), sequenceId: 0 });
    const failed = expect(later).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' });
    await quick.close();
    await failed;
  }, 300_000);

  it('ends a producer whose name somebody else keeps', async () => {
    const quick = brokerAt(line.webSocket, new QuickClock());
    const producer = await quick.openProducer({ topic, ...P });
    line.block();
    const taker = await takeName();
    line.unblock();
    // Each is answered within its time, and at last by the end of the producer.
    const sends = async (): Promise<void> => {
      for (;;) await producer.send({ payload: Buffer.from('x') }).catch(unlessClosed);
    };
    await expect(sends()).rejects.toThrow('is open already');
    await taker.close();
    await quick.close();
  }, 300_000);

  async function takeName(): Promise<MessageProducer> {
    for (;;) {
      try {
        return await other.openProducer({ topic, ...P });
      } catch (error) {
        if ((error as { code?: string }).code !== 'PRODUCER_BUSY') throw error;
      }
    }
  }
});

function unlessClosed(error: unknown): void {
  if (error instanceof ClosedError) throw error;
}
