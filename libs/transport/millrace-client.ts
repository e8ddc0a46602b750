import { randomUUID } from 'node:crypto';
import { ClientProxy, type ReadPacket } from '@nestjs/microservices';
import { type Clock, SystemClock } from '#libs/kernel';
import {
  ClosedError,
  type MessageBroker,
  type MessageProducer,
  type OutgoingMessage,
  partitionOf,
  publicMessage,
  TopicMismatchError,
  TopicMissingError,
  type TopicNamespace,
} from '#libs/messaging';
import { fullName, isInner } from './plan-topics.js';
import { EventUnsendableError, RequestUnsupportedError } from './transport.errors.js';

/** Where an event goes, and what it is beside its data. A string is the topic alone. */
export interface EventTarget {
  /** `web.checkouts`, or the full name. */
  readonly topic: string;
  /** Orders: events of one key keep their order. Default: the id. */
  readonly key?: string;
  /** The same for the same event: readers drop repeats by it. Default: made up. */
  readonly id?: string;
  /** Default: the topic's short name. */
  readonly type?: string;
  readonly source?: string;
  readonly subject?: string;
  /** Event time, epoch milliseconds. Default: now. */
  readonly timeMs?: number;
  /** Further properties of the message. */
  readonly properties?: Readonly<Record<string, string>>;
}

export interface MillraceClientOptions {
  readonly broker: MessageBroker;
  readonly clock?: Clock;
  /** Where topics with short names are. Default: `public/default`. */
  readonly place?: TopicNamespace;
  /** `ce_source` of what is sent. Default `/services`. */
  readonly source?: string;
}

/**
 * Nest's client over the messaging port: `emit(topic, data)` publishes a CloudEvent, and completes when the broker has stored it.
 * The topic has to be there.
 */
export class MillraceClient extends ClientProxy {
  readonly #options: MillraceClientOptions;
  readonly #producers = new Map<string, Promise<MessageProducer>>();
  readonly #partitions = new Map<string, Promise<number>>();
  readonly #name = `client/${randomUUID()}`;

  constructor(options: MillraceClientOptions) {
    super();
    this.#options = options;
  }

  /** Nothing: what is needed is opened with the first event. */
  async connect(): Promise<void> {}

  /** Resolves when what was sent is stored. */
  async close(): Promise<void> {
    const producers = await Promise.allSettled(this.#producers.values());
    this.#producers.clear();
    for (const each of producers) if (each.status === 'fulfilled') await each.value.close();
  }

  override unwrap<T>(): T {
    return this.#options.broker as T;
  }

  protected override publish(): never {
    throw new RequestUnsupportedError();
  }

  protected override async dispatchEvent<T>(packet: ReadPacket): Promise<T> {
    const pattern = packet.pattern as string | EventTarget;
    const target = typeof pattern === 'string' ? { topic: pattern } : pattern;
    const { place = { tenant: 'public', namespace: 'default' } } = this.#options;
    const topic = topicOf(target, place);
    const message = this.#message(target, packet.data);
    const partition = partitionOf(message.key ?? '', await this.#partitionsOf(topic));
    await this.#send(topic, partition, message);
    return undefined as T;
  }

  #message({ topic, properties = {}, ...target }: EventTarget, data: unknown): OutgoingMessage {
    const { clock = new SystemClock(), source = '/services' } = this.#options;
    const { id = randomUUID(), subject } = target;
    const message = encoded(topic, {
      id,
      source: target.source ?? source,
      type: target.type ?? topic,
      ...(subject === undefined ? {} : { subject }),
      timeMs: target.timeMs ?? clock.nowMs(),
      key: target.key ?? id,
      data: data as object,
    });
    // What is added must not pass itself off as an attribute.
    return { ...message, properties: { ...properties, ...message.properties } };
  }

  async #send(topic: string, partition: number, message: OutgoingMessage): Promise<void> {
    const place = JSON.stringify([topic, partition]);
    const producerName = this.#name;
    const opening =
      this.#producers.get(place) ?? this.#options.broker.openProducer({ topic, partition, producerName });
    this.#producers.set(place, opening);
    try {
      await (await opening).send(message);
    } catch (error) {
      // One that is open comes back by itself.
      if (error instanceof ClosedError || (await isFailed(opening))) this.#producers.delete(place);
      throw error;
    }
  }

  #partitionsOf(topic: string): Promise<number> {
    const asked = this.#partitions.get(topic) ?? this.#askPartitions(topic);
    this.#partitions.set(topic, asked);
    asked.catch(() => this.#partitions.delete(topic));
    return asked;
  }

  async #askPartitions(topic: string): Promise<number> {
    const partitions = await this.#options.broker.partitionsOf(topic);
    if (partitions === undefined) throw new TopicMissingError(topic, 0);
    if (partitions === 0) throw new TopicMismatchError(topic, 'partitions', 'none', 'a partitioned topic');
    return partitions;
  }
}

/** @throws EventUnsendableError */
function topicOf({ topic }: EventTarget, place: TopicNamespace): string {
  const full = fullName(String(topic), place);
  if (full === undefined)
    throw new EventUnsendableError(
      String(topic),
      "that is no topic: 'web.checkouts' or 'persistent://tenant/namespace/name'",
    );
  // `raw` takes events from anybody; what is not a frame would stop who reads the others.
  if (isInner(full) && !full.endsWith('.raw'))
    throw new EventUnsendableError(
      topic,
      "that topic is Millrace's own; events for a pipeline go to its raw",
    );
  return full;
}

/** @throws EventUnsendableError where the data are no JSON, or the time is none */
function encoded(topic: string, event: Parameters<typeof publicMessage>[0]): OutgoingMessage {
  try {
    return publicMessage(event);
  } catch (error) {
    throw new EventUnsendableError(
      topic,
      `its data are to be JSON, and its time epoch milliseconds: ${(error as Error).message}`,
      error,
    );
  }
}

async function isFailed(opening: Promise<unknown>): Promise<boolean> {
  return await opening.then(
    () => false,
    () => true,
  );
}
