import { type Clock, PlatformError } from '#libs/kernel';
import {
  type Delivery,
  type MessageBroker,
  type MessageProducer,
  partitionOf,
  PRODUCER_PROPERTY,
  SEQUENCE_PROPERTY,
} from '#libs/messaging';

export interface DeadLetterOptions {
  readonly broker: MessageBroker;
  readonly clock: Clock;
  readonly subscription: string;
  /** Full name of where they go. Made with the first one if it is not there. */
  readonly topic: string;
  /** Unique for the process. */
  readonly producerName: string;
}

/** Why nobody will handle a message. */
export interface DeathReason {
  readonly error: unknown;
  readonly attempts: number;
  readonly handler?: string;
}

const MAX_REASON_CHARACTERS = 1_000;

/** Puts messages that can't be handled where they are kept, as they were, with the reason in their properties. */
export class DeadLetterPublisher {
  readonly #producers = new Map<number, Promise<MessageProducer>>();
  #partitions: Promise<number> | undefined;

  constructor(private readonly options: DeadLetterOptions) {}

  get topic(): string {
    return this.options.topic;
  }

  /** Resolves when it is stored. A repeat after a crash has the same `millrace-dead-position`. */
  async publish(delivery: Delivery, reason: DeathReason): Promise<void> {
    const { payload, key, eventTimeMs } = delivery;
    const partition = partitionOf(key ?? '', await this.#partitionCount());
    const producer = await this.#producer(partition);
    try {
      await producer.send({
        payload,
        ...(key === undefined ? {} : { key }),
        ...(eventTimeMs === undefined ? {} : { eventTimeMs }),
        properties: this.#properties(delivery, reason),
      });
    } catch (error) {
      // Whatever it is: the next attempt opens another.
      this.#producers.delete(partition);
      await producer.close().catch(() => undefined);
      throw error;
    }
  }

  async close(): Promise<void> {
    const producers = await Promise.allSettled(this.#producers.values());
    this.#producers.clear();
    for (const each of producers) if (each.status === 'fulfilled') await each.value.close();
  }

  #properties(delivery: Delivery, { error, attempts, handler }: DeathReason): Record<string, string> {
    return {
      ...withoutNumbers(delivery.properties),
      'millrace-dead-code': deathCodeOf(error),
      'millrace-dead-reason': textOf(error).slice(0, MAX_REASON_CHARACTERS),
      'millrace-dead-attempts': String(attempts),
      ...(handler === undefined ? {} : { 'millrace-dead-handler': handler }),
      'millrace-dead-subscription': this.options.subscription,
      'millrace-dead-topic': delivery.topic,
      'millrace-dead-position': `${delivery.partition}:${delivery.position.join(':')}`,
      'millrace-dead-at': new Date(this.options.clock.nowMs()).toISOString(),
    };
  }

  #partitionCount(): Promise<number> {
    const asked = this.#partitions ?? this.#makeTopic();
    this.#partitions = asked;
    asked.catch(() => (this.#partitions = undefined));
    return asked;
  }

  async #makeTopic(): Promise<number> {
    const { broker, topic } = this.options;
    const found = await broker.partitionsOf(topic);
    if (found !== undefined && found > 0) return found;
    await broker.ensureTopic({ name: topic, partitions: 1 });
    return 1;
  }

  #producer(partition: number): Promise<MessageProducer> {
    const { broker, topic, producerName } = this.options;
    const open = this.#producers.get(partition) ?? broker.openProducer({ topic, partition, producerName });
    this.#producers.set(partition, open);
    open.catch(() => this.#producers.delete(partition));
    return open;
  }
}

/** The numbers of its sender count in the topic that it comes from. */
function withoutNumbers(properties: Delivery['properties']): Record<string, string> {
  const others = Object.entries(properties).filter(
    ([name]) => name !== PRODUCER_PROPERTY && name !== SEQUENCE_PROPERTY,
  );
  return Object.fromEntries(others);
}

/** The code of an error; `HANDLER_FAILED` where it has none. */
export function deathCodeOf(error: unknown): string {
  return error instanceof PlatformError ? error.code : 'HANDLER_FAILED';
}

function textOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  return typeof error === 'string' ? error : (JSON.stringify(error) ?? String(error));
}
