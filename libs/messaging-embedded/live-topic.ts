import {
  ClosedError,
  type Delivery,
  MessageProducer,
  MessageReader,
  MessageTooLargeError,
  type OutgoingMessage,
  type ReceiveOptions,
  type SendReceipt,
} from '#libs/messaging';
import type { Clock } from '#libs/kernel';
import { FACTS, type Telemetry } from '#libs/observability';
import { receiveWhenThere } from './receive-when-there.js';

/** What waits for one slow reader; beyond this the oldest go. */
const MAX_QUEUED_MESSAGES = 1_000;
const MAX_QUEUED_BYTES = 16 * 1024 * 1024;

export interface LiveTopicOptions {
  readonly name: string;
  readonly partitions: number;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly maxMessageBytes: number;
}

/** A topic that is not persistent: readers get what is published while they are open, as far as they keep up. */
export class LiveTopic {
  readonly options: LiveTopicOptions;
  readonly #readers = new Set<LiveReader>();
  #published = 0;

  constructor(options: LiveTopicOptions) {
    this.options = options;
  }

  publish(partition: number, producerName: string, message: OutgoingMessage): void {
    const { name, clock } = this.options;
    const delivery: Delivery = {
      topic: name,
      partition,
      position: [0, this.#published++, 0, 0],
      payload: Buffer.from(message.payload),
      publishTimeMs: clock.nowMs(),
      properties: { ...message.properties },
      producerName,
      ...(message.key === undefined ? {} : { key: message.key }),
      ...(message.eventTimeMs === undefined ? {} : { eventTimeMs: message.eventTimeMs }),
      ...(message.sequenceId === undefined ? {} : { sequenceId: message.sequenceId }),
    };
    for (const reader of this.#readers) if (reader.partition === partition) reader.offer(delivery);
  }

  openReader(partition: number, onClose: () => void): LiveReader {
    const reader = new LiveReader(this, partition, () => {
      this.#readers.delete(reader);
      onClose();
    });
    this.#readers.add(reader);
    return reader;
  }
}

export class LiveReader extends MessageReader {
  readonly partition: number;
  readonly #topic: LiveTopic;
  readonly #onClose: () => void;
  readonly #queue: Delivery[] = [];
  readonly #closing = new AbortController();
  #queuedBytes = 0;
  #wake: (() => void) | undefined;

  constructor(topic: LiveTopic, partition: number, onClose: () => void) {
    super();
    this.#topic = topic;
    this.partition = partition;
    this.#onClose = onClose;
  }

  offer(delivery: Delivery): void {
    this.#queue.push(delivery);
    this.#queuedBytes += delivery.payload.byteLength;
    while (this.#queue.length > MAX_QUEUED_MESSAGES || this.#queuedBytes > MAX_QUEUED_BYTES) {
      this.#queuedBytes -= this.#queue.shift()!.payload.byteLength;
      this.#topic.options.telemetry.record(FACTS.liveMessagesDropped, { topic: this.#topic.options.name });
    }
    this.#wake?.();
  }

  async receive(options: ReceiveOptions): Promise<readonly Delivery[]> {
    this.#assertOpen();
    const deliveries = await receiveWhenThere(options, {
      clock: this.#topic.options.clock,
      closing: this.#closing.signal,
      take: () => this.#take(options),
      onMore: (wake) => {
        this.#wake = wake;
        return () => (this.#wake = undefined);
      },
    });
    this.#assertOpen();
    return deliveries;
  }

  async isCaughtUp(): Promise<boolean> {
    this.#assertOpen();
    return this.#queue.length === 0;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#onClose();
  }

  #take({ maxMessages, maxBytes }: ReceiveOptions): Delivery[] {
    let count = 0;
    let bytes = 0;
    while (count < this.#queue.length && count < maxMessages && bytes < maxBytes) {
      bytes += this.#queue[count++]!.payload.byteLength;
    }
    this.#queuedBytes -= bytes;
    return this.#queue.splice(0, count);
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw new ClosedError(`the reader of ${this.#topic.options.name}`);
  }
}

export class LiveProducer extends MessageProducer {
  readonly lastSequenceId = -1;
  readonly #topic: LiveTopic;
  readonly #partition: number;
  readonly #producerName: string;
  readonly #onClose: () => void;
  #isClosed = false;

  constructor(options: { topic: LiveTopic; partition: number; producerName: string; onClose: () => void }) {
    super();
    this.#topic = options.topic;
    this.#partition = options.partition;
    this.#producerName = options.producerName;
    this.#onClose = options.onClose;
  }

  async send(message: OutgoingMessage): Promise<SendReceipt> {
    const { name, maxMessageBytes } = this.#topic.options;
    if (this.#isClosed) throw new ClosedError(`producer ${this.#producerName} of ${name}`);
    if (message.payload.byteLength > maxMessageBytes) {
      throw new MessageTooLargeError(name, message.payload.byteLength, maxMessageBytes);
    }
    this.#topic.publish(this.#partition, this.#producerName, message);
    return { duplicate: false };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#onClose();
  }
}
