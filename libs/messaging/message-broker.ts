import type { Delivery, OutgoingMessage, SendReceipt } from './message.js';
import type { Position } from './position.js';

/**
 * A topic to make or to check. `name` is the full name, `persistent://tenant/namespace/web.raw` or
 * `non-persistent://…`.
 */
export interface TopicSpec {
  readonly name: string;
  /** At least 1. Fixed once the topic is made. */
  readonly partitions: number;
  /** Subscriptions to make with it, each from the first message on. What they have not acknowledged is kept. */
  readonly subscriptions?: readonly string[];
  /** How long messages are kept after every subscription has acknowledged them. Default: until room is needed. */
  readonly retentionMs?: number;
}

/** A subscription of a topic that others have made. */
export interface SubscriptionSpec {
  readonly topic: string;
  readonly subscription: string;
  /** Where it begins where it is made now: with what is kept, or with what comes from now on. */
  readonly from: 'earliest' | 'latest';
}

export interface ProducerOptions {
  readonly topic: string;
  readonly partition: number;
  /** Names the numbering of `sequenceId`. One producer of a name and partition at a time. */
  readonly producerName: string;
}

export interface ConsumerOptions {
  readonly topic: string;
  readonly partition: number;
  readonly subscription: string;
}

export interface ReaderOptions {
  readonly topic: string;
  readonly partition: number;
  /** `latest`: only what is published from now on. A position: what stands after it. */
  readonly from: 'earliest' | 'latest' | Position;
}

export interface ReceiveOptions {
  /** At most so many messages, > 0. */
  readonly maxMessages: number;
  /** Stops after the message with which the payloads reach this many bytes, > 0. */
  readonly maxBytes: number;
  /** How long to wait for the first one; 0 looks and comes back. */
  readonly waitMs: number;
  readonly signal?: AbortSignal;
}

export interface BrokerCapabilities {
  /** Messages survive the end of the process. */
  readonly durable: boolean;
  /** Several processes may share it. */
  readonly shared: boolean;
}

/**
 * The log that everything travels through.
 *
 * Obligations of an adapter: order is kept per partition; a resolved `send` on a persistent topic is stored and
 * survives kill -9 of any process; messages stay until each subscription has acknowledged them; every call ends, at
 * the latest with an error after the adapter's timeout; errors are PlatformErrors and say whether a retry helps.
 * Every adapter runs `describeBrokerContract` of `libs/testing`.
 */
export abstract class MessageBroker {
  abstract readonly capabilities: BrokerCapabilities;
  /** Makes the topic with its subscriptions, or checks that it is as wanted. @throws TopicMismatchError */
  abstract ensureTopic(spec: TopicSpec): Promise<void>;
  /** How many partitions a topic has; 0: it is not partitioned; undefined: there is none. Makes nothing. */
  abstract partitionsOf(topic: string): Promise<number | undefined>;
  /** Makes a subscription, on every partition; one that is there stays where it stands. @throws TopicMissingError */
  abstract ensureSubscription(spec: SubscriptionSpec): Promise<void>;
  /** @throws ProducerBusyError while another producer of the name and partition is open */
  abstract openProducer(options: ProducerOptions): Promise<MessageProducer>;
  /** Exclusive: one consumer per subscription and partition. @throws ConsumerBusyError while another is open */
  abstract openConsumer(options: ConsumerOptions): Promise<MessageConsumer>;
  abstract openReader(options: ReaderOptions): Promise<MessageReader>;
  /** Resolves if the log can be written and read now; rejects with the reason. */
  abstract checkHealth(): Promise<void>;
  /** Closes everything that was opened through it. Safe to call again. */
  abstract close(): Promise<void>;
}

export abstract class MessageProducer {
  /** The highest sequence id the broker holds for this name and partition; -1 if none. */
  abstract readonly lastSequenceId: number;
  /**
   * Stores a message. Calls may overlap; they are stored in the order of the calls. Where one fails, those that
   * were called after it and before its failure was known fail too, so that sending them all again keeps the order.
   *
   * @throws LogFullError (backoff) when the log has no room and nothing may be removed
   */
  abstract send(message: OutgoingMessage): Promise<SendReceipt>;
  abstract close(): Promise<void>;
}

export abstract class MessageReader {
  /**
   * The next messages in order; empty after `waitMs` without any, or when the signal aborts.
   *
   * @throws ClosedError after `close`, or when ownership was lost
   */
  abstract receive(options: ReceiveOptions): Promise<readonly Delivery[]>;
  /** Has everything that is stored in the partition been received through this. */
  abstract isCaughtUp(): Promise<boolean>;
  abstract close(): Promise<void>;
}

export abstract class MessageConsumer extends MessageReader {
  /** All messages up to and with this one are done. Never goes back. */
  abstract acknowledgeUpTo(position: Position): Promise<void>;
  /** Reads on after this position, whatever was acknowledged. */
  abstract seekAfter(position: Position): Promise<void>;
  /** Messages stored but not yet received by this consumer. */
  abstract backlogMessages(): Promise<number>;
}
