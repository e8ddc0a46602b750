import { type Clock, PlatformError } from '#libs/kernel';
import { type MessageBroker, TopicMismatchError, TopicMissingError } from '#libs/messaging';
import { FACTS, type Telemetry } from '#libs/observability';
import { DeadLetterPublisher } from './dead-letter.publisher.js';
import { EventRunner } from './event-runner.js';
import { PartitionWorker } from './partition-worker.js';
import type { PayloadCheck, TopicPlan } from './topic-plan.js';

/** What subscriptions stand on. */
export interface SubscriptionTools {
  readonly broker: MessageBroker;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly random: () => number;
  readonly check: PayloadCheck;
  /** Unique for the process. */
  readonly processId: string;
}

/** Why a subscription can't do its work at present. */
export interface SubscriptionProblem {
  readonly subscription: string;
  readonly topic: string;
  /** Absent: the topic as a whole. */
  readonly partition?: number;
  readonly code: string;
  readonly detail: string;
  /** When it was first seen, ISO 8601. */
  readonly since: string;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;

/** One subscription to one topic: made where it is not there, then read partition by partition. */
export class TopicSubscription {
  readonly #stop = new AbortController();
  /** By partition; -1 is the topic as a whole. */
  readonly #problems = new Map<number, SubscriptionProblem>();
  readonly #deadLetters: DeadLetterPublisher;
  #workers: readonly PartitionWorker[] = [];
  #running: Promise<void> | undefined;

  constructor(
    private readonly plan: TopicPlan,
    private readonly tools: SubscriptionTools,
  ) {
    const { subscription, deadLetters: topic } = plan;
    const producerName = `dead/${subscription}/${plan.topic}/${tools.processId}`;
    this.#deadLetters = new DeadLetterPublisher({ ...tools, subscription, topic, producerName });
  }

  /** Begins in the background: a broker that is away is waited for. */
  start(): void {
    this.#running = this.#run();
  }

  /** What keeps it from its work. Empty: nothing does. */
  get problems(): readonly SubscriptionProblem[] {
    const isOpen = this.#workers.length > 0 && this.#workers.every(({ hasAnswer }) => hasAnswer);
    if (this.#problems.size > 0 || isOpen) return [...this.#problems.values()];
    return [this.#problemOf(-1, 'SUBSCRIPTION_OPENING', 'it is being opened')];
  }

  /** Takes nothing further in; resolves when what runs has ended and is acknowledged. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#deadLetters.close();
  }

  async #run(): Promise<void> {
    const partitions = await this.#opened();
    if (partitions === undefined) return;
    // Replicas begin at different places.
    const first = Math.floor(this.tools.random() * partitions);
    this.#workers = Array.from({ length: partitions }, (_, turn) =>
      this.#worker((first + turn) % partitions, turn),
    );
    await Promise.all(this.#workers.map((worker) => worker.run()));
  }

  /** The partitions of the topic, once there is a subscription on each; undefined: it was stopped before. */
  async #opened(): Promise<number | undefined> {
    const { clock, random } = this.tools;
    const { signal } = this.#stop;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const partitions = await this.#subscribe();
        this.#note(-1, undefined);
        return partitions;
      } catch (error) {
        this.#note(-1, error);
        const full = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt, 10));
        await clock.sleep(full * (0.5 + random() / 2), signal);
      }
    }
    return undefined;
  }

  /** @throws TopicMissingError, TopicMismatchError, and whatever keeps the broker from answering */
  async #subscribe(): Promise<number> {
    const { broker } = this.tools;
    const { topic, subscription, settings } = this.plan;
    const partitions = await broker.partitionsOf(topic);
    if (partitions === undefined) throw new TopicMissingError(topic, 0);
    if (partitions === 0) throw new TopicMismatchError(topic, 'partitions', 'none', 'a partitioned topic');
    await broker.ensureSubscription({ topic, subscription, from: settings.from });
    return partitions;
  }

  #worker(partition: number, turn: number): PartitionWorker {
    const { plan, tools } = this;
    const deadLetters = this.#deadLetters;
    const onProblem = (error: unknown): void => this.#note(partition, error);
    return new PartitionWorker({
      ...tools,
      plan,
      partition,
      turn,
      runner: new EventRunner({ ...tools, plan, deadLetters, onProblem }),
      stop: this.#stop.signal,
      held: () => this.#workers.filter((worker) => worker.isReading).length,
      onProblem,
    });
  }

  #note(partition: number, error: unknown): void {
    if (error === undefined) return void this.#problems.delete(partition);
    const known = this.#problems.get(partition);
    const code = error instanceof PlatformError ? error.code : 'INTERNAL';
    const detail = error instanceof Error ? error.message : String(error);
    if (known?.code === code && known.detail === detail) return;
    const { telemetry } = this.tools;
    const { subscription, topic } = this.plan;
    const place = partition < 0 ? {} : { partition };
    telemetry.record(FACTS.subscriptionWaits, { subscription, topic, ...place, code, detail });
    this.#problems.set(partition, {
      ...this.#problemOf(partition, code, detail),
      ...(known === undefined ? {} : { since: known.since }),
    });
  }

  #problemOf(partition: number, code: string, detail: string): SubscriptionProblem {
    const { subscription, topic } = this.plan;
    const since = new Date(this.tools.clock.nowMs()).toISOString();
    return { subscription, topic, ...(partition < 0 ? {} : { partition }), code, detail, since };
  }
}
