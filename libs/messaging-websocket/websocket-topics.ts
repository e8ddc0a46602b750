import type { Clock } from '#libs/kernel';
import {
  type SubscriptionSpec,
  TopicMismatchError,
  TopicMissingError,
  type TopicSpec,
} from '#libs/messaging';
import {
  type PulsarAdmin,
  BrokerUnavailableError,
  PulsarConflictError,
  PulsarNotFoundError,
} from '#libs/pulsar-admin';
import { isPassing } from './websocket-tools.js';

/** Topics over REST: made with their partitions and subscriptions, and checked before anything is opened on them. */
export class WebSocketTopics {
  /** Partition counts are fixed once a topic is made. */
  readonly #partitions = new Map<string, number>();

  constructor(
    private readonly admin: PulsarAdmin,
    private readonly clock: Clock,
  ) {}

  /** @throws TopicMismatchError */
  async ensure(spec: TopicSpec): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#ensure(spec);
      } catch (error) {
        // Two that make the same at the same time disturb each other; the second attempt finds what the other has made.
        if (attempt === MAX_ATTEMPTS || !isPassing(error)) throw error;
        await this.clock.sleep(ATTEMPT_PAUSE_MS);
      }
    }
  }

  /** @throws TopicMissingError, TopicMismatchError where it keeps nothing */
  async ensureSubscription({ topic, subscription, from }: SubscriptionSpec): Promise<void> {
    if (!isPersistent(topic))
      throw new TopicMismatchError(topic, 'persistence', 'none', 'one, to have subscriptions');
    const partitions = (await this.admin.topics.partitions(topic)) ?? 0;
    if (partitions === 0) throw new TopicMissingError(topic, 0);
    await this.#ensureSubscription({ name: topic, partitions }, subscription, from);
  }

  /** The broker would make what is missing, without partitions. @throws TopicMissingError */
  async check(topic: string, partition: number): Promise<void> {
    const partitions = this.#partitions.get(topic) ?? (await this.admin.topics.partitions(topic)) ?? 0;
    if (partition < 0 || partition >= partitions) throw new TopicMissingError(topic, partition);
    this.#partitions.set(topic, partitions);
  }

  async #ensure(spec: TopicSpec): Promise<void> {
    const found = await this.#makeOrFind(spec);
    if (found !== spec.partitions)
      throw new TopicMismatchError(spec.name, 'partitions', found, spec.partitions);
    this.#partitions.set(spec.name, found);
    if (!isPersistent(spec.name)) return;
    for (const subscription of spec.subscriptions ?? []) await this.#ensureSubscription(spec, subscription);
  }

  async #makeOrFind(spec: TopicSpec): Promise<number> {
    const found = await this.admin.topics.partitions(spec.name);
    if (found !== undefined && found > 0) return found;
    try {
      await this.admin.topics.create(spec.name, spec.partitions);
      if (isPersistent(spec.name)) await this.#keep(spec);
      return spec.partitions;
    } catch (error) {
      if (!(error instanceof PulsarConflictError)) throw error;
      // Somebody else makes it at this moment; the broker may not show it yet.
      const made = await this.admin.topics.partitions(spec.name);
      if (made === undefined || made === 0)
        throw new BrokerUnavailableError(this.admin.address, error.message);
      return made;
    }
  }

  /**
   * A broker deletes what nobody is connected to, and what every subscription has acknowledged, unless told otherwise.
   * Only for topics made here: who made the others has decided.
   */
  async #keep({ name, retentionMs }: TopicSpec): Promise<void> {
    const policies = this.admin.topicPolicies(name);
    await policies.setInactiveTopics({
      deleteWhileInactive: false,
      inactiveTopicDeleteMode: 'delete_when_no_subscriptions',
      maxInactiveDurationSeconds: 60,
    });
    const minutes = retentionMs === undefined ? DEFAULT_RETENTION_MINUTES : Math.ceil(retentionMs / 60_000);
    if (minutes > 0) {
      await policies.setRetention({ retentionTimeInMinutes: minutes, retentionSizeInMB: -1 });
    }
  }

  async #ensureSubscription(
    { name, partitions }: TopicSpec,
    subscription: string,
    from: SubscriptionSpec['from'] = 'earliest',
  ): Promise<void> {
    await Promise.all(
      Array.from({ length: partitions }, async (_, partition) => {
        try {
          await this.admin.subscriptions.create({ topic: name, partition, subscription }, from);
        } catch (error) {
          if (!(error instanceof PulsarConflictError)) throw error;
        }
      }),
    );
  }
}

const MAX_ATTEMPTS = 10;
const ATTEMPT_PAUSE_MS = 200;
/** A week, where nothing else is said: "until room is needed" is nothing that a broker knows. */
const DEFAULT_RETENTION_MINUTES = 7 * 24 * 60;

export function isPersistent(topic: string): boolean {
  return !topic.startsWith('non-persistent://');
}

/** Not there; asked for a partition, the partition. */
export function asMissing(error: unknown, topic: string, partition: number): unknown {
  return error instanceof PulsarNotFoundError ? new TopicMissingError(topic, partition) : error;
}
