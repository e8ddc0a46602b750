import { type Clock } from '#libs/kernel';
import { TopicMismatchError, type TopicSpec } from '#libs/messaging';
import type { CallOptions } from './admin-http.js';
import type { SchemaToRegister } from './admin-schemas.js';
import type { SubscriptionPlace } from './admin-subscriptions.js';
import { ignoringConflict } from './ignoring-conflict.js';
import type { PulsarAdmin } from './pulsar-admin.js';
import { BrokerUnavailableError } from './pulsar-admin.errors.js';
import { parseTopic } from './topic-path.js';
import { settingRepairs } from './topic-settings.js';

/** A topic as it has to be. */
export interface WantedTopic extends TopicSpec {
  /** What the registry has to hold for it. Default: it is not looked at. */
  readonly schema?: SchemaToRegister;
}

/** Where a topic is not as wanted: facts for a person. */
export interface TopicDifference {
  readonly topic: string;
  /** `topic` where it is missing altogether, `partitions`, `subscription`, `deduplication`, `message TTL`… */
  readonly setting: string;
  readonly found: string;
  readonly wanted: string;
  /** It can't be put right: partitions are fixed once a topic is made. */
  readonly isFixed: boolean;
}

export interface TopicKeeperOptions {
  readonly clock: Clock;
  /** For topics that say nothing of their retention, milliseconds. Default: 7 days. */
  readonly retentionMs?: number;
}

/** A difference and what is done about it. */
interface Step {
  readonly difference: TopicDifference;
  readonly apply: (options: CallOptions) => Promise<void>;
}

/** Long enough to send again to all that has been noticed late; not for ever, as that fills the disk. */
const DEFAULT_RETENTION_MS = 7 * 24 * 60 * 60 * 1_000;
/** A policy reaches the broker of a partition through a topic of its own: usually within milliseconds. */
const POLICY_TIMEOUT_MS = 15_000;
const POLICY_PAUSE_MS = 20;

/** Compares topics with what they have to be, and puts them right. Every call may be made again. */
export class TopicKeeper {
  constructor(
    private readonly admin: PulsarAdmin,
    private readonly options: TopicKeeperOptions,
  ) {}

  /** Where it is not as wanted; empty: it is. Changes nothing. */
  async differences(wanted: WantedTopic, options: CallOptions = {}): Promise<readonly TopicDifference[]> {
    const partitions = await this.admin.topics.partitions(wanted.name, options);
    if (partitions === undefined) return [missing(wanted)];
    if (partitions !== wanted.partitions) return [otherPartitions(wanted, partitions)];
    return (await this.#steps(wanted, options)).map(({ difference }) => difference);
  }

  /**
   * Makes it, or puts right what differs. Says what it did.
   *
   * @throws TopicMismatchError where it has another number of partitions
   */
  async apply(wanted: WantedTopic, options: CallOptions = {}): Promise<readonly TopicDifference[]> {
    const isMade = await this.#make(wanted, options);
    const steps = await this.#steps(wanted, options);
    // In their order: what a partition is set to, before a subscription opens it.
    for (const step of steps) await step.apply(options);
    if (isPersistent(wanted)) await this.#awaitDeduplication(wanted, options);
    return isMade ? [missing(wanted)] : steps.map(({ difference }) => difference);
  }

  async #make(wanted: WantedTopic, options: CallOptions): Promise<boolean> {
    const { name, partitions } = wanted;
    const isMissing = (await this.admin.topics.partitions(name, options)) === undefined;
    if (isMissing) {
      await ignoringConflict(this.admin.topics.create(name, partitions, options));
    }
    const found = await this.admin.topics.partitions(name, options);
    if (found !== partitions) throw new TopicMismatchError(name, 'partitions', found ?? 'none', partitions);
    return isMissing;
  }

  async #steps(wanted: WantedTopic, options: CallOptions): Promise<readonly Step[]> {
    if (!isPersistent(wanted)) return [];
    const [settings, subscriptions, schema] = await Promise.all([
      this.#settings(wanted, options),
      this.#subscriptions(wanted, options),
      this.#schema(wanted, options),
    ]);
    return [...settings, ...subscriptions, ...schema];
  }

  async #settings({ name, retentionMs }: WantedTopic, options: CallOptions): Promise<readonly Step[]> {
    const policies = this.admin.topicPolicies(name);
    const keptMs = retentionMs ?? this.options.retentionMs ?? DEFAULT_RETENTION_MS;
    const repairs = settingRepairs(await policies.applied(options), { retentionMs: keptMs });
    return repairs.map(({ apply, ...what }) => ({
      difference: { topic: name, isFixed: false, ...what },
      apply: (with_) => apply(policies, with_),
    }));
  }

  async #subscriptions(wanted: WantedTopic, options: CallOptions): Promise<readonly Step[]> {
    const { name: topic, subscriptions = [] } = wanted;
    if (subscriptions.length === 0) return [];
    const present = new Set(await this.admin.subscriptions.list(topic, options));
    return subscriptions
      .filter((subscription) => !present.has(subscription))
      .map((subscription) => ({
        difference: { topic, setting: 'subscription', found: 'none', wanted: subscription, isFixed: false },
        apply: (with_) => ignoringConflict(this.#createSubscription({ topic, subscription }, with_)),
      }));
  }

  // Where several processes start at once and make the same one, all but one are told to come back.
  async #createSubscription(place: SubscriptionPlace, options: CallOptions): Promise<void> {
    const { clock } = this.options;
    const deadlineMs = clock.monotonicMs() + POLICY_TIMEOUT_MS;
    for (;;) {
      try {
        return await this.admin.subscriptions.create(place, 'earliest', options);
      } catch (error) {
        if (!(error instanceof BrokerUnavailableError) || clock.monotonicMs() >= deadlineMs) throw error;
      }
      await clock.sleep(POLICY_PAUSE_MS, options.signal);
    }
  }

  async #schema({ name: topic, schema }: WantedTopic, options: CallOptions): Promise<readonly Step[]> {
    if (schema === undefined) return [];
    const latest = await this.admin.schemas.latest(topic, options);
    if (latest !== undefined && isSameSchema(latest.data, schema.schema)) return [];
    const found = latest === undefined ? 'none' : `another definition (version ${latest.version})`;
    const wanted = schema.properties?.['version'] ?? schema.type;
    return [
      {
        difference: { topic, setting: 'schema', found, wanted, isFixed: false },
        apply: (with_) => this.admin.schemas.register(topic, schema, with_),
      },
    ];
  }

  // A partition that is open already begins to compare a moment after it was told to; until then it stores all.
  async #awaitDeduplication({ name, partitions }: WantedTopic, options: CallOptions): Promise<void> {
    const { clock } = this.options;
    const deadlineMs = clock.monotonicMs() + POLICY_TIMEOUT_MS;
    for (let partition = 0; partition < partitions; partition += 1) {
      while (!(await this.#isDeduplicated(name, partition, options))) {
        if (clock.monotonicMs() >= deadlineMs) {
          const reason = `partition ${partition} of ${name} does not start to compare sequence ids`;
          throw new BrokerUnavailableError(this.admin.address, reason);
        }
        await clock.sleep(POLICY_PAUSE_MS, options.signal);
      }
    }
  }

  async #isDeduplicated(topic: string, partition: number, options: CallOptions): Promise<boolean> {
    const { deduplicationStatus } = await this.admin.topics.stats(topic, partition, options);
    return deduplicationStatus === 'Enabled';
  }
}

function isPersistent({ name }: WantedTopic): boolean {
  return parseTopic(name).domain === 'persistent';
}

function missing({ name, partitions, subscriptions = [] }: WantedTopic): TopicDifference {
  const count = partitions === 1 ? '1 partition' : `${partitions} partitions`;
  const readers = subscriptions.length === 0 ? '' : `, subscriptions: ${subscriptions.join(', ')}`;
  return { topic: name, setting: 'topic', found: 'none', wanted: count + readers, isFixed: false };
}

function otherPartitions({ name, partitions }: WantedTopic, found: number): TopicDifference {
  return {
    topic: name,
    setting: 'partitions',
    found: found === 0 ? 'not partitioned' : String(found),
    wanted: String(partitions),
    isFixed: true,
  };
}

function isSameSchema(found: string, wanted: string): boolean {
  try {
    return JSON.stringify(JSON.parse(found)) === JSON.stringify(JSON.parse(wanted));
  } catch {
    return found === wanted;
  }
}
