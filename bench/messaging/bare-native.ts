// npm's pulsar-client with nothing around it: what a careful program would write for this one measurement. The package is
// optional: its name stands in a variable, and as much of its types as is used stands here.

import { ACKNOWLEDGED_TOGETHER, IN_FLIGHT } from './payloads.js';

interface Message {
  getData(): Buffer;
  getMessageId(): object;
}

interface Client {
  createProducer(options: object): Promise<{
    send(message: { readonly data: Buffer }): Promise<object>;
    close(): Promise<unknown>;
  }>;
  subscribe(options: object): Promise<{
    receive(): Promise<Message>;
    acknowledgeCumulativeId(id: object): Promise<unknown>;
    close(): Promise<unknown>;
  }>;
  close(): Promise<unknown>;
}

const PACKAGE: string = 'pulsar-client';
const QUEUE_MESSAGES = 256;

/** One client for all measurements, as a program has one. */
export class BareNative {
  private constructor(private readonly client: Client) {}

  static async open(serviceUrl: string): Promise<BareNative> {
    const { default: loaded } = (await import(PACKAGE)) as {
      readonly default: { readonly Client: new (options: object) => Client };
    };
    return new BareNative(new loaded.Client({ serviceUrl, log: () => undefined }));
  }

  /** Stores payloads in their order, one message each; resolves when all are. */
  async send(topic: string, payloads: Iterable<Uint8Array>): Promise<void> {
    const producer = await this.client.createProducer({
      ...{ topic, producerName: 'bench', batchingEnabled: false, maxPendingMessages: 2 * IN_FLIGHT },
    });
    const underWay = new Set<Promise<unknown>>();
    for (const payload of payloads) {
      const data = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
      const sent: Promise<unknown> = producer.send({ data }).then(() => underWay.delete(sent));
      underWay.add(sent);
      if (underWay.size >= IN_FLIGHT) await Promise.race(underWay);
    }
    await Promise.all(underWay);
    await producer.close();
  }

  /** Receives and acknowledges so many messages, each handed to `take`. */
  async receive(
    { topic, subscription }: { readonly topic: string; readonly subscription: string },
    messages: number,
    take: (payload: Uint8Array) => void,
  ): Promise<void> {
    const consumer = await this.client.subscribe({
      ...{ topic, subscription, subscriptionType: 'Exclusive', receiverQueueSize: QUEUE_MESSAGES },
    });
    for (let received = 1; received <= messages; received++) {
      const message = await consumer.receive();
      take(message.getData());
      if (received % ACKNOWLEDGED_TOGETHER === 0 || received === messages)
        await consumer.acknowledgeCumulativeId(message.getMessageId());
    }
    await consumer.close();
  }

  async close(): Promise<void> {
    await this.client.close();
  }
}
