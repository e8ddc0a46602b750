import type { Clock } from '#libs/kernel';
import {
  BEFORE_FIRST,
  type BrokerCapabilities,
  ClosedError,
  type ConsumerOptions,
  MessageBroker,
  type MessageConsumer,
  type MessageProducer,
  type MessageReader,
  type Position,
  type ProducerOptions,
  type ReaderOptions,
  type SubscriptionSpec,
  TopicMismatchError,
  type TopicSpec,
} from '#libs/messaging';
import type { Telemetry } from '#libs/observability';
import {
  NO_TOKEN,
  parseMessageId,
  PulsarAdmin,
  type TokenSource,
  type TopicInternalStats,
} from '#libs/pulsar-admin';
import { BrokerReturn } from './broker-return.js';
import { ClockLead } from './clock-lead.js';
import { HeldNames } from './held-names.js';
import { LiveReader } from './live-reader.js';
import { entriesBehind, lastEntryOf } from './partition-end.js';
import { SocketOpener } from './socket-opener.js';
import { WebSocketConsumer } from './websocket-consumer.js';
import { WebSocketProducer } from './websocket-producer.js';
import { WebSocketReader } from './websocket-reader.js';
import type { WebSocketTools } from './websocket-tools.js';
import { asMissing, isPersistent, WebSocketTopics } from './websocket-topics.js';

export interface WebSocketBrokerOptions {
  /** `ws://host:8080` or `wss://host:8443` */
  readonly address: string;
  /** Of the REST API. Default: the same host and port, by http or https. */
  readonly adminAddress?: string;
  /** Default: none. */
  readonly token?: TokenSource;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** 0 ≤ random < 1, for jitter. Default Math.random. */
  readonly random?: () => number;
  /** How long a connection or one question to the broker may take, in milliseconds. Default 15 s. */
  readonly timeoutMs?: number;
}

/** What is open, and why it can't do its work now. */
interface Opened {
  readonly problem: Error | undefined;
  close(): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 15_000;
/** A broker that starts takes connections before it answers: better to try again than to wait for the first one. */
const LONGEST_HANDSHAKE_MS = 6_000;
/** The shortest question of all is asked again after this. */
const READY_WITHIN_MS = 1_000;
/** What is opened while the broker is away waits so long for it before it fails. */
const AWAY_PATIENCE_MS = 5_000;
/** Behind every message of its entry. */
const END_OF_ENTRY = Number.MAX_SAFE_INTEGER;

/**
 * Pulsar over its WebSocket and REST API, without native code.
 *
 * Everything that is open comes back after a broken connection by itself. Subscriptions are those of `ensureTopic`: a
 * consumer of another one is refused, since the broker would make it behind what is stored.
 */
export class WebSocketBroker extends MessageBroker {
  readonly capabilities: BrokerCapabilities = { durable: true, shared: true };
  readonly #tools: WebSocketTools;
  readonly #topics: WebSocketTopics;
  readonly #open = new Set<Opened>();
  #closing: Promise<void> | undefined;

  constructor(options: WebSocketBrokerOptions) {
    super();
    const { address, clock, telemetry, token = NO_TOKEN, random = Math.random } = options;
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const adminAddress = options.adminAddress ?? address.replace(/^ws/, 'http');
    const admin = new PulsarAdmin({ address: adminAddress, token, timeoutMs });
    const opener = new SocketOpener({
      address,
      token,
      clock,
      timeoutMs: Math.min(timeoutMs, LONGEST_HANDSHAKE_MS),
    });
    const asking = new PulsarAdmin({ address: adminAddress, token, timeoutMs: READY_WITHIN_MS });
    const back = new BrokerReturn({ admin: asking, clock, random });
    this.#tools = {
      opener,
      admin,
      names: new HeldNames(clock),
      lead: new ClockLead(),
      back,
      clock,
      random,
      telemetry,
    };
    this.#topics = new WebSocketTopics(admin, clock);
  }

  async ensureTopic(spec: TopicSpec): Promise<void> {
    this.#assertOpen();
    await this.#topics.ensure(spec);
  }

  async partitionsOf(topic: string): Promise<number | undefined> {
    this.#assertOpen();
    return await this.#tools.admin.topics.partitions(topic);
  }

  async ensureSubscription(spec: SubscriptionSpec): Promise<void> {
    this.#assertOpen();
    await this.#topics.ensureSubscription(spec);
  }

  async openProducer({ topic, partition, producerName }: ProducerOptions): Promise<MessageProducer> {
    await this.#check(topic, partition);
    const producer: WebSocketProducer = new WebSocketProducer({
      tools: this.#tools,
      topic,
      partition,
      producerName,
      isPersistent: isPersistent(topic),
      onClose: () => this.#open.delete(producer),
    });
    return await this.#start(producer);
  }

  async openConsumer({ topic, partition, subscription }: ConsumerOptions): Promise<MessageConsumer> {
    if (!isPersistent(topic))
      throw new TopicMismatchError(topic, 'persistence', 'none', 'one, to have subscriptions');
    await this.#check(topic, partition);
    const stats = await this.#stats(topic, partition);
    const cursor = stats.cursors[cursorName(subscription)];
    if (cursor === undefined) throw new TopicMismatchError(topic, 'subscription', 'none', subscription);
    const consumer: WebSocketConsumer = new WebSocketConsumer({
      tools: this.#tools,
      topic,
      partition,
      subscription,
      start: startOf(stats, cursor.markDeletePosition),
      onClose: () => this.#open.delete(consumer),
    });
    return await this.#start(consumer);
  }

  async openReader({ topic, partition, from }: ReaderOptions): Promise<MessageReader> {
    await this.#check(topic, partition);
    const rest = {
      tools: this.#tools,
      topic,
      partition,
      onClose: (): void => void this.#open.delete(reader),
    };
    const reader: WebSocketReader | LiveReader = isPersistent(topic)
      ? new WebSocketReader({ ...rest, start: await this.#startOfReader(topic, partition, from) })
      : new LiveReader(rest);
    return await this.#start(reader);
  }

  async checkHealth(): Promise<void> {
    this.#assertOpen();
    await this.#tools.admin.version();
    for (const { problem } of this.#open) if (problem !== undefined) throw problem;
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    await Promise.all([...this.#open].map((opened) => opened.close()));
  }

  async #check(topic: string, partition: number): Promise<void> {
    this.#assertOpen();
    // Whoever tries again finds it sooner than by pauses that grow.
    if (this.#tools.back.isAway) await this.#tools.back.waitFor(AWAY_PATIENCE_MS);
    this.#assertOpen();
    await this.#topics.check(topic, partition);
  }

  async #start<T extends Opened & { open(): Promise<void> }>(opened: T): Promise<T> {
    this.#open.add(opened);
    try {
      await opened.open();
      this.#assertOpen();
      return opened;
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  /** From now on is after what is stored now: said once, so that a broken connection skips nothing. */
  async #startOfReader(topic: string, partition: number, from: ReaderOptions['from']): Promise<Position> {
    if (from === 'earliest') return BEFORE_FIRST;
    if (from !== 'latest') return from;
    const { ledgerId, entryId } = lastEntryOf(await this.#stats(topic, partition));
    return ledgerId < 0 ? BEFORE_FIRST : [ledgerId, entryId, END_OF_ENTRY, 0];
  }

  async #stats(topic: string, partition: number): Promise<TopicInternalStats> {
    try {
      return await this.#tools.admin.topics.internalStats(topic, partition);
    } catch (error) {
      throw asMissing(error, topic, partition);
    }
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new ClosedError('the broker');
  }
}

/** Up to where a subscription has acknowledged. */
function startOf(stats: TopicInternalStats, markDeletePosition: string): Position {
  const { ledgerId, entryId } = parseMessageId(markDeletePosition);
  const isAtBeginning =
    entriesBehind(stats, [ledgerId, entryId, 0, 0]) === entriesBehind(stats, BEFORE_FIRST);
  return isAtBeginning ? BEFORE_FIRST : [ledgerId, entryId, END_OF_ENTRY, 0];
}

/** As the broker names the cursor of a subscription: by Java's URLEncoder. */
function cursorName(subscription: string): string {
  return encodeURIComponent(subscription)
    .replaceAll('%20', '+')
    .replaceAll(/[!'()~]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
