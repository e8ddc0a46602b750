import type { Clock } from '#libs/kernel';
import {
  type BrokerCapabilities,
  ClosedError,
  ConsumerBusyError,
  type ConsumerOptions,
  MAX_MESSAGE_BYTES,
  MessageBroker,
  type MessageConsumer,
  type MessageProducer,
  type MessageReader,
  ProducerBusyError,
  type ProducerOptions,
  type ReaderOptions,
  type SubscriptionSpec,
  TopicMismatchError,
  TopicMissingError,
  type TopicSpec,
} from '#libs/messaging';
import type { Telemetry } from '#libs/observability';
import { EmbeddedConsumer, EmbeddedReader } from './embedded-consumer.js';
import { EmbeddedProducer } from './embedded-producer.js';
import { LiveProducer, LiveTopic } from './live-topic.js';
import { LogCore } from './log-core.js';
import { entryIdOf, LogCursor } from './log-cursor.js';
import type { PartitionLog } from './partition-log.js';

export interface EmbeddedBrokerOptions {
  /** Its own folder, which nobody else uses: the caller has locked it, or one above. Made where it is missing. */
  readonly folder: string;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** What the log may hold on disk, in bytes; beyond it, what has been read by all goes, oldest first. */
  readonly maxBytes: number;
  /** What others take of `maxBytes` now, in bytes. Asked often: must be cheap. Default: nothing. */
  readonly otherBytes?: () => number;
  /** Default {@link MAX_MESSAGE_BYTES}. */
  readonly maxMessageBytes?: number;
}

interface Closable {
  close(): Promise<void>;
}

/**
 * The durable log of one process, in LMDB.
 *
 * A resolved `send` or `acknowledgeUpTo` is flushed to disk; those that wait at the same time share one flush.
 * Subscriptions are those of `ensureTopic`: a consumer of another one is refused, since a subscription nobody
 * means to read would keep everything for ever.
 */
export class EmbeddedBroker extends MessageBroker {
  readonly capabilities: BrokerCapabilities = { durable: true, shared: false };
  readonly #options: EmbeddedBrokerOptions;
  readonly #core: LogCore;
  readonly #liveTopics = new Map<string, LiveTopic>();
  readonly #open = new Set<Closable>();
  /** Names of exclusive consumers and producers. */
  readonly #taken = new Set<string>();
  #closing: Promise<void> | undefined;

  private constructor(options: EmbeddedBrokerOptions) {
    super();
    this.#options = options;
    this.#core = new LogCore(options);
  }

  static async open(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
    return new EmbeddedBroker(options);
  }

  /** What the log holds on disk. */
  get usedBytes(): number {
    return this.#core.space.usedBytes;
  }

  async ensureTopic(spec: TopicSpec): Promise<void> {
    this.#assertOpen();
    if (!isLive(spec.name)) return await this.#core.ensureTopic(spec);
    const known = this.#liveTopics.get(spec.name)?.options.partitions;
    if (known === spec.partitions) return;
    if (known !== undefined) throw new TopicMismatchError(spec.name, 'partitions', known, spec.partitions);
    const { clock, telemetry } = this.#options;
    const { name, partitions } = spec;
    this.#liveTopics.set(
      name,
      new LiveTopic({ name, partitions, clock, telemetry, maxMessageBytes: this.#maxMessageBytes }),
    );
  }

  async partitionsOf(topic: string): Promise<number | undefined> {
    this.#assertOpen();
    return isLive(topic) ? this.#liveTopics.get(topic)?.options.partitions : this.#core.partitionsOf(topic);
  }

  async ensureSubscription(spec: SubscriptionSpec): Promise<void> {
    this.#assertOpen();
    if (isLive(spec.topic)) throw noSubscriptions(spec.topic);
    await this.#core.ensureSubscription(spec);
  }

  async openProducer({ topic, partition, producerName }: ProducerOptions): Promise<MessageProducer> {
    this.#assertOpen();
    const place = isLive(topic) ? this.#liveTopic(topic, partition) : this.#log(topic, partition);
    const name = JSON.stringify(['producer', topic, partition, producerName]);
    if (this.#taken.has(name)) throw new ProducerBusyError(topic, partition, producerName);
    this.#taken.add(name);
    const onClose = (): void => {
      this.#taken.delete(name);
      this.#open.delete(producer);
    };
    const producer =
      place instanceof LiveTopic
        ? new LiveProducer({ topic: place, partition, producerName, onClose })
        : new EmbeddedProducer({
            core: this.#core,
            log: place,
            producerName,
            maxMessageBytes: this.#maxMessageBytes,
            onClose,
          });
    this.#open.add(producer);
    return producer;
  }

  async openConsumer({ topic, partition, subscription }: ConsumerOptions): Promise<MessageConsumer> {
    this.#assertOpen();
    if (isLive(topic)) throw noSubscriptions(topic);
    const log = this.#log(topic, partition);
    if (!log.hasSubscription(subscription))
      throw new TopicMismatchError(topic, 'subscription', 'none', subscription);
    const name = JSON.stringify(['consumer', topic, partition, subscription]);
    if (this.#taken.has(name)) throw new ConsumerBusyError(topic, partition, subscription);
    this.#taken.add(name);
    const cursor = this.#cursor(log, log.acknowledged(subscription) + 1);
    const onClose = (): void => {
      this.#taken.delete(name);
      this.#open.delete(consumer);
    };
    const consumer = new EmbeddedConsumer({ core: this.#core, log, subscription, cursor, onClose });
    this.#open.add(consumer);
    return consumer;
  }

  async openReader({ topic, partition, from }: ReaderOptions): Promise<MessageReader> {
    this.#assertOpen();
    const reader: MessageReader = isLive(topic)
      ? this.#liveTopic(topic, partition).openReader(partition, () => this.#open.delete(reader))
      : this.#openLogReader(this.#log(topic, partition), from, () => this.#open.delete(reader));
    this.#open.add(reader);
    return reader;
  }

  async checkHealth(): Promise<void> {
    this.#assertOpen();
    const nowMs = this.#core.nowMs;
    await this.#core.write(0, (changes) => changes.push({ table: 'ends', key: HEALTH_KEY, value: nowMs }));
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    await Promise.all([...this.#open].map((opened) => opened.close()));
    await this.#core.close();
  }

  #openLogReader(log: PartitionLog, from: ReaderOptions['from'], onClose: () => void): MessageReader {
    const cursor = this.#cursor(log, from === 'latest' ? log.storedEndId : 0);
    if (typeof from !== 'string') cursor.seekAfter(entryIdOf(from));
    return new EmbeddedReader(cursor, onClose);
  }

  #cursor(log: PartitionLog, nextId: number): LogCursor {
    return new LogCursor({ log, database: this.#core.database, clock: this.#options.clock, nextId });
  }

  #log(topic: string, partition: number): PartitionLog {
    const log = this.#core.partition(topic, partition);
    if (log === undefined) throw new TopicMissingError(topic, partition);
    return log;
  }

  #liveTopic(name: string, partition: number): LiveTopic {
    const topic = this.#liveTopics.get(name);
    if (topic === undefined || partition >= topic.options.partitions)
      throw new TopicMissingError(name, partition);
    return topic;
  }

  get #maxMessageBytes(): number {
    return this.#options.maxMessageBytes ?? MAX_MESSAGE_BYTES;
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new ClosedError('the log');
  }
}

/** No partition has this number. */
const HEALTH_KEY = -1;

function noSubscriptions(topic: string): TopicMismatchError {
  return new TopicMismatchError(topic, 'persistence', 'none', 'one, to have subscriptions');
}

function isLive(topic: string): boolean {
  return topic.startsWith('non-persistent://');
}
