import type { Clock } from '#libs/kernel';
import {
  ClosedError,
  comparePositions,
  ConsumerBusyError,
  type Delivery,
  type MessageBroker,
  type MessageConsumer,
  type Position,
} from '#libs/messaging';
import { FACTS, type Telemetry } from '#libs/observability';
import { AcknowledgementLine } from './acknowledgement-line.js';
import type { EventRunner } from './event-runner.js';
import { OrderedWork } from './ordered-work.js';
import type { TopicPlan } from './topic-plan.js';

export interface PartitionWorkerOptions {
  readonly plan: TopicPlan;
  readonly partition: number;
  /** Its place in the order in which this process takes partitions, from 0. */
  readonly turn: number;
  readonly runner: EventRunner;
  readonly broker: MessageBroker;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly random: () => number;
  readonly stop: AbortSignal;
  /** How many partitions of the subscription and topic this process reads. */
  readonly held: () => number;
  /** Why it can't read at present; undefined: it can, or another replica does. */
  readonly onProblem: (error: unknown) => void;
}

/** Received and not acknowledged: one event that takes long keeps at most so much behind it. */
const MAX_UNACKNOWLEDGED_MESSAGES = 1_000;
const MAX_UNACKNOWLEDGED_BYTES = 8 * 1024 * 1024;
const RECEIVE_WAIT_MS = 1_000;
const BACKLOG_INTERVAL_MS = 10_000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
/** Partitions are taken one by one, ever more slowly: replicas that start together share them. */
const TURN_MS = 100;
/** Whoever waits for a partition asks so often whether it is free … */
const STANDBY_MS = 400;
/** … and so much later for each that it has: one that has none comes first. */
const SATED_MS = 300;

interface Received {
  readonly lane: string;
  readonly delivery: Delivery;
  readonly done: () => void;
}

/**
 * Reads one partition, as the only one of its subscription, and acknowledges what has ended.
 *
 * W1. Events of one key, or without one, run in their order, one at a time.
 * W2. Acknowledged is only what has ended, and everything before it.
 * W3. What has ended here is not run again here, also where its acknowledgement was lost with a connection.
 * W4. A partition is given back, or taken again, only when nothing of it runs any more.
 */
export class PartitionWorker {
  readonly #options: PartitionWorkerOptions;
  /** W3: up to here, and these behind it. */
  #endedUpTo: Position | undefined;
  readonly #ended = new Map<string, Position>();
  #isReading = false;
  #hasAnswer = false;
  #backlogAskedMs = -Infinity;

  constructor(options: PartitionWorkerOptions) {
    this.#options = options;
  }

  get isReading(): boolean {
    return this.#isReading;
  }

  /** It has tried: it reads, or another does, or the problem is known. */
  get hasAnswer(): boolean {
    return this.#hasAnswer;
  }

  /** Reads until it is told to stop; whatever goes wrong, it tries again. Never rejects. */
  async run(): Promise<void> {
    const { stop, held, turn, clock } = this.#options;
    await clock.sleep(turn * TURN_MS, stop);
    await clock.sleep(held() * TURN_MS, stop);
    for (let failures = 0; !stop.aborted;) {
      try {
        await this.#readUntilStopped();
      } catch (error) {
        failures = this.#isReading ? 1 : failures + 1;
        this.#isReading = false;
        this.#hasAnswer = true;
        await clock.sleep(this.#afterFailure(error, failures), stop);
      }
    }
    this.#isReading = false;
  }

  /** The pause before the next attempt. */
  #afterFailure(error: unknown, failures: number): number {
    const { plan, partition, telemetry, held, random, onProblem } = this.#options;
    const place = { subscription: plan.subscription, topic: plan.topic, partition };
    if (error instanceof ConsumerBusyError) {
      onProblem(undefined);
      if (failures === 1) telemetry.record(FACTS.subscriptionStandsBy, place);
      return STANDBY_MS * (0.75 + random() / 2) + held() * SATED_MS;
    }
    // A connection that was taken away is opened again at once; that is no news.
    if (!(error instanceof ClosedError) || failures > 1) onProblem(error);
    const full = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 10));
    return full * (0.5 + random() / 2);
  }

  async #readUntilStopped(): Promise<void> {
    const { broker, plan, partition, telemetry, onProblem, stop } = this.#options;
    const { topic, subscription } = plan;
    const consumer = await broker.openConsumer({ topic, partition, subscription });
    const line = new AcknowledgementLine((position) => consumer.acknowledgeUpTo(position));
    const work = new OrderedWork<Received>(plan.settings.maxInFlight, (received) => this.#work(received));
    try {
      this.#isReading = this.#hasAnswer = true;
      onProblem(undefined);
      telemetry.record(FACTS.subscriptionReads, { topic, subscription, partition });
      while (!stop.aborted) await this.#receive(consumer, line, work);
    } finally {
      await this.#end(consumer, line, work);
    }
  }

  async #receive(
    consumer: MessageConsumer,
    line: AcknowledgementLine,
    work: OrderedWork<Received>,
  ): Promise<void> {
    const { stop } = this.#options;
    line.assertStored();
    this.#tellBacklog(consumer);
    const room = MAX_UNACKNOWLEDGED_MESSAGES - line.size;
    const roomBytes = MAX_UNACKNOWLEDGED_BYTES - line.bytes;
    if (room <= 0 || roomBytes <= 0) return await this.#untilChanged(line);
    const deliveries = await consumer.receive({
      maxMessages: room,
      maxBytes: roomBytes,
      waitMs: RECEIVE_WAIT_MS,
      signal: stop,
    });
    for (const delivery of deliveries) {
      const done = line.add(delivery.position, delivery.payload.byteLength);
      if (this.#hasEnded(delivery.position)) done();
      else work.add({ delivery, done, lane: this.#laneOf(delivery) });
    }
  }

  async #untilChanged(line: AcknowledgementLine): Promise<void> {
    const { stop, clock } = this.#options;
    const changed = new AbortController();
    const either = AbortSignal.any([stop, changed.signal]);
    await Promise.race([line.changed(), clock.sleep(RECEIVE_WAIT_MS, either)]).finally(() => changed.abort());
  }

  async #work({ delivery, done }: Received): Promise<void> {
    const { runner, stop } = this.#options;
    if (await runner.run(delivery, stop)) done();
  }

  /** W4. */
  async #end(
    consumer: MessageConsumer,
    line: AcknowledgementLine,
    work: OrderedWork<Received>,
  ): Promise<void> {
    await work.stop();
    await line.flush().catch(() => undefined);
    // What is stored, or would be: it does not run again here either way.
    this.#endedUpTo = line.reached ?? this.#endedUpTo;
    for (const position of line.doneBehind) this.#ended.set(position.join(), position);
    for (const [name, position] of this.#ended) if (this.#isBehind(position)) this.#ended.delete(name);
    await consumer.close().catch(() => undefined);
    this.#recordBacklog(0);
  }

  /** Now and then; nothing waits for the answer. */
  #tellBacklog(consumer: MessageConsumer): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#backlogAskedMs < BACKLOG_INTERVAL_MS) return;
    this.#backlogAskedMs = nowMs;
    consumer.backlogMessages().then(
      (messages) => this.#isReading && this.#recordBacklog(messages),
      () => undefined,
    );
  }

  #recordBacklog(messages: number): void {
    const { telemetry, plan, partition } = this.#options;
    const { subscription, topic } = plan;
    telemetry.record(FACTS.subscriptionBacklog, { subscription, topic, partition }, messages);
  }

  #hasEnded(position: Position): boolean {
    return this.#isBehind(position) || this.#ended.has(position.join());
  }

  #isBehind(position: Position): boolean {
    return this.#endedUpTo !== undefined && comparePositions(position, this.#endedUpTo) <= 0;
  }

  #laneOf({ key }: Delivery): string {
    return this.#options.plan.settings.maxInFlight === 1 ? '' : (key ?? '');
  }
}
