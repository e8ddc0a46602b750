import {
  type DeadEvent,
  isDeadEvent,
  type JsonObject,
  type JsonValue,
  parseDuration,
  type StreamEvent,
} from '#libs/kernel';
import type { Frame, Marker } from '#libs/messaging';
import { FACTS } from '#libs/observability';
import { StreamTimes } from '#libs/windowing';
import type { Moment, Outputs, RunScope, TaskInput, TaskLogic, Urgency } from '../task-logic.js';
import { isForAnother } from './addressed.js';
import { DeadLetters } from './dead-letters.js';
import { FunctionCounters } from './function-counters.js';
import type { FunctionTimer, MessageMetadata } from './function-context.js';
import { FunctionSecretMissingError } from './function.errors.js';
import { DueWork } from './due-work.js';
import { FunctionUserCode } from './function-user-code.js';
import { environmentOf } from './function-environment.js';
import { type EventWork, finiteOrNull, messageOf } from './function-work.js';
import type { FunctionTaskOptions } from './function-task-options.js';
import { Handler } from './handler.js';
import { keyIdOf, ownKeyOf, streamOf } from './key-id.js';
import { Parking } from './parking.js';
import { Secrets } from './secret.js';
import { selectKey } from './select-key.js';
import { refuseUndeclaredState } from './state-evolution.js';
import { StateStore, type Times } from './state-store.js';
import { TimerStore } from './timer-store.js';
import type { Turn, TurnSource } from './turn.js';
import { TurnOutputs } from './turn-outputs.js';
import { TurnQueue } from './turn-queue.js';
import { TurnRunner } from './turn-runner.js';

const DEFAULT_IN_FLIGHT = 16;
const DEFAULT_PARKED_EVENTS = 1_000;

type Item = StreamEvent | DeadEvent;

/** Runs one user's function over one partition of its input. */
export class FunctionTaskLogic implements TaskLogic {
  readonly #store = new StateStore();
  readonly #timers = new TimerStore();
  readonly #counters = new FunctionCounters();
  readonly #parking = new Parking();
  readonly #times: StreamTimes;
  readonly #dead: DeadLetters;
  readonly #secrets: Secrets;
  readonly #isOwnDead: boolean;
  readonly #put: TurnOutputs;
  readonly userCode: FunctionUserCode;
  #queue!: TurnQueue;
  #due!: DueWork;
  #hasMore = false;

  /** @throws FunctionSecretMissingError */
  constructor(private readonly options: FunctionTaskOptions) {
    const { definition, pipeline, partition, topics, time, partitions, telemetry } = options;
    this.#secrets = new Secrets(options.secrets);
    for (const name of definition.secrets ?? []) {
      if (this.#secrets.get(name) === undefined)
        throw new FunctionSecretMissingError(definition.name, name, 'nobody has given it');
    }
    this.#times = new StreamTimes(time, partitions);
    this.#dead = new DeadLetters({ functionName: definition.name, pipeline, topics, secrets: this.#secrets });
    // What died before `enriched` is told by the aggregation; what is no event on a public topic is told by us.
    const task = { pipeline, stage: definition.name, partition };
    this.#put = new TurnOutputs(task, this.#dead, this.#counters, telemetry);
    this.#isOwnDead = !definition.input.endsWith('.enriched');
    this.userCode = this.#userCode();
    const never = new AbortController().signal;
    this.begin({ abort: never, drain: never });
  }

  begin({ abort, drain }: RunScope): void {
    const { definition } = this.options;
    const [store, timers, counters] = this.#parts();
    const environment = environmentOf(this.options, {
      store,
      timers,
      counters,
      secrets: this.#secrets,
      signal: AbortSignal.any([abort, drain]),
    });
    const budgetMs = parseDuration(definition.timeBudget ?? '10s');
    const handler = new Handler(environment, { budgetMs, abort });
    const runner = new TurnRunner(environment, handler, this.#parking, {
      parkForMs: parseDuration(definition.parkFor ?? '10m'),
      maxParkedEvents: definition.maxParkedEvents ?? DEFAULT_PARKED_EVENTS,
      random: this.options.random,
    });
    this.#queue = new TurnQueue(
      definition.maxInFlight ?? DEFAULT_IN_FLIGHT,
      (turn) => runner.run(turn),
      (turn) => this.#put.put(turn),
    );
    this.#due = new DueWork({
      timers,
      parking: this.#parking,
      runner,
      queue: this.#queue,
      now: () => this.#now(),
      turn: (keyId, source) => this.#turn(keyId, source),
      putOut: (turn) => this.#put.put(turn),
    });
  }

  /** @throws FunctionStateUndeclaredError */
  restore(cells: ReadonlyMap<string, JsonValue>): void {
    refuseUndeclaredState(cells, this.options.definition.state);
    for (const part of [this.#times, ...this.#parts()]) part.restore(cells);
    this.#put.tellRestored();
  }

  apply(input: TaskInput, outputs: Outputs): void | Promise<void> {
    this.#put.use(outputs);
    return this.#applyFrom(0, input);
  }

  tick(moment: Moment): void {
    this.#times.tick(moment);
  }

  async settle(outputs: Outputs, budgetBytes: number): Promise<void> {
    this.#put.use(outputs);
    await this.#queue.drained();
    this.#hasMore = await this.#due.run(() => this.#put.target.bytes >= budgetBytes);
    this.#tidy();
  }

  flush(outputs: Outputs): 'done' | 'more' {
    // Nobody downstream is told of progress; taken, so that a next close can be decided.
    this.#times.takeProgress();
    this.#put.hasOutput = false;
    outputs.afterDelivery(this.#put.figures(this.#parking.size));
    return this.#hasMore ? 'more' : 'done';
  }

  *changes(): Iterable<readonly [string, JsonValue | undefined]> {
    yield* this.#times.changes();
    for (const part of this.#parts()) yield* part.changes();
  }

  *cells(): Iterable<readonly [string, JsonValue]> {
    yield* this.#times.cells();
    for (const part of this.#parts()) yield* part.cells();
  }

  facts(): JsonObject {
    return this.#times.facts();
  }

  urgency(): Urgency {
    if (this.#queue.hasFailed) return 'now';
    if (!this.#queue.isIdle) return 'pace';
    return this.#put.hasOutput || this.#due.isAny || this.#times.isCloseWaiting ? 'soon' : 'pace';
  }

  /** Time has come this far in a stream, as by an event that is not for this function; for tests. */
  observeTime(stream: string, timeMs: number): void {
    this.#times.of(stream).observe(timeMs);
  }

  /** The timers that are set, by key; for tests. */
  timers(): Iterable<readonly [keyId: string, timer: FunctionTimer]> {
    return this.#timers.all();
  }

  /** The keys that are parked, each with how much waits; for tests. */
  parked(): readonly (readonly [keyId: string, works: number])[] {
    return this.#parking.all();
  }

  #parts(): readonly [StateStore, TimerStore, FunctionCounters, Parking] {
    return [this.#store, this.#timers, this.#counters, this.#parking];
  }

  #applyFrom(first: number, input: TaskInput): void | Promise<void> {
    const { items, header } = input.frame as Frame<Item>;
    const message = first < items.length ? messageOf(input.delivery) : undefined;
    for (let place = first; place < items.length; place++) {
      const room = this.#queue.room();
      if (room !== undefined) return room.then(() => this.#applyFrom(place, input));
      this.#take(items[place] as Item, message as MessageMetadata);
    }
    for (const marker of header.markers ?? []) this.#takeMarker(marker);
    if (header.caughtUp === true) this.#times.readUpTo(input.delivery.publishTimeMs);
    if (this.#queue.isIdle) this.#counters.settle();
  }

  #take(item: Item, message: MessageMetadata): void {
    if (isDeadEvent(item)) return this.#takeDead(item, message);
    if (!this.#isFor(item)) return this.#passOver();
    this.#observe(item);
    const key = selectKey(this.options.definition, item);
    if (key === undefined) return;
    if (typeof key !== 'string') return this.#refuse(item, message, key);
    const work = this.#workOf(item, message);
    this.#submit(keyIdOf(item.stream, key), { kind: 'event', work });
  }

  /** What was sent again is addressed: to whom it had failed. */
  #isFor(event: StreamEvent): boolean {
    return !isForAnother(event, this.options.definition.name);
  }

  #passOver(): void {
    const { pipeline, definition, telemetry } = this.options;
    telemetry.record(FACTS.addressedElsewhere, { pipeline, stage: definition.name });
  }

  #observe({ stream, timeMs, receivedMs }: StreamEvent): void {
    const time = this.#times.of(stream);
    if (timeMs - receivedMs > this.options.time.maxFutureSkewMs) time.touch();
    else time.observe(timeMs);
  }

  #workOf(event: StreamEvent, message: MessageMetadata): EventWork {
    const watermarkMs = finiteOrNull(this.#watermarkOf(event.stream));
    return { kind: 'event', event, message, watermarkMs };
  }

  /** A dead letter. Without a key there is nothing to keep in order. */
  #refuse(event: StreamEvent, message: MessageMetadata, refused: Error): void {
    const work = this.#workOf(event, message);
    this.#submit(keyIdOf(event.stream, ownKeyOf(event)), { kind: 'event', work, refused });
  }

  #takeDead(event: DeadEvent, { topic, partition, position }: MessageMetadata): void {
    this.#times.touch(event.stream);
    if (!this.#isOwnDead) return;
    const { name } = this.options.definition;
    const dead = { ...event, id: `${name}/${event.id}`, dead: { ...event.dead, stage: name } };
    const place = { topic, partition, ...(position === undefined ? {} : { position }) };
    this.#dead.event(dead, place, this.#put.target);
    this.#put.hasOutput = true;
  }

  #takeMarker(marker: Marker): void {
    switch (marker.type) {
      case 'open':
        this.#times.of(marker.stream);
        return;
      case 'closing':
        this.#times.closing(marker.stream, marker.closeId);
        return;
      default:
        marker satisfies never;
    }
  }

  #submit(keyId: string, source: TurnSource): void {
    this.#queue.submit(this.#turn(keyId, source));
  }

  #turn(keyId: string, source: TurnSource): Turn {
    const { nowMs } = this.#now();
    const watermarkMs = this.#watermarkOf(streamOf(keyId));
    return { keyId, source, nowMs, watermarkMs, results: [], isOver: false, isDone: false };
  }

  /** Between what has ended and the commit. */
  #tidy(): void {
    this.#counters.settle();
    this.#store.expire(this.#now(), (keyId) => this.#parking.has(keyId));
  }

  #userCode(): FunctionUserCode {
    return new FunctionUserCode({
      due: () => this.#due,
      isFor: (event) => this.#isFor(event),
      observe: (event) => this.#observe(event),
      isRunning: () => !this.#queue.isIdle,
      ended: async (outputs) => {
        this.#put.use(outputs);
        await this.#queue.drained();
        this.#tidy();
      },
      refuse: (event, { delivery }, error) => this.#refuse(event, messageOf(delivery), error),
      use: (outputs) => this.#put.use(outputs),
    });
  }

  #watermarkOf(stream: string): number {
    const { watermarkMs, closedUntilMs = -Infinity } = this.#times.of(stream);
    return Math.max(watermarkMs, closedUntilMs);
  }

  #now(): Times {
    return {
      nowMs: this.options.clock.nowMs(),
      watermarkMs: (stream) => this.#watermarkOf(stream),
    };
  }
}
