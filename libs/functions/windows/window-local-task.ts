import { type DeadEvent, isDeadEvent, type JsonObject, type JsonValue, type StreamEvent } from '#libs/kernel';
import { type Frame, type OutgoingMessage, partitionOf } from '#libs/messaging';
import { FACTS } from '#libs/observability';
import type { Fields, LateArrival, Partial } from '#libs/windowing';
import { isForAnother } from '../model/addressed.js';
import { DeadLetters } from '../model/dead-letters.js';
import { codeOf } from '../model/failure.js';
import { SkipEventError, StopFunctionError } from '../model/function.errors.js';
import { FunctionCounters } from '../model/function-counters.js';
import { messageOf } from '../model/function-work.js';
import { keyIdOf } from '../model/key-id.js';
import { PureUserCode } from '../model/pure-user-code.js';
import { Secrets } from '../model/secret.js';
import type { Moment, Outputs, TaskInput, TaskLogic, Urgency } from '../task-logic.js';
import { futureMessage, lateMessage } from './late-messages.js';
import { LocalStage } from './local-stage.js';
import { isOtherKey, seriesOf, travellingKey, WindowEvents } from './window-events.js';
import { localStageOf, partialsTopicOf, type WindowTaskOptions } from './window-places.js';

type Item = StreamEvent | DeadEvent;

/** How often a quiet input tells that time goes on: as often as enrich does. */
const TELLING_PACE_MS = 2_000;

/**
 * The local stage of a window function for one partition of its input. How each event ended is counted in its state, by
 * the names of docs/event-fates.md.
 */
export class WindowLocalTask implements TaskLogic {
  readonly userCode: PureUserCode;
  readonly #stage: LocalStage;
  readonly #events: WindowEvents;
  readonly #counters = new FunctionCounters();
  readonly #dead: DeadLetters;
  /** What died before `enriched` is told by the aggregation; what is no event on a public topic is told by us. */
  readonly #isOwnDead: boolean;
  /** Time has gone on without a message that would make a commit. */
  #isTimeToTell = false;
  #toldMs = -Infinity;

  constructor(
    private readonly options: WindowTaskOptions,
    private readonly partition: number,
  ) {
    const { definition, pipeline, time, topics, telemetry } = options;
    const place = topics(partialsTopicOf(definition, pipeline));
    this.#events = new WindowEvents(definition);
    this.#stage = new LocalStage({
      pipeline,
      partition,
      series: [seriesOf(definition)],
      time,
      tasks: topics(definition.input).partitions,
      target: { topic: place.name, partitions: place.partitions },
      telemetry,
      finish: (partial) => this.#withKey(partial),
    });
    this.#dead = new DeadLetters({
      functionName: definition.name,
      pipeline,
      topics,
      secrets: new Secrets(),
    });
    this.#isOwnDead = !definition.input.endsWith('.enriched');
    this.userCode = new PureUserCode(definition.name, ({ event, error, ...given }) =>
      this.#fail(event, error, given),
    );
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    this.#stage.restore(cells);
    this.#counters.restore(cells);
  }

  apply(input: TaskInput, outputs: Outputs): void {
    const { header, items } = input.frame as Frame<Item>;
    for (const item of items) {
      if (isDeadEvent(item)) this.#takeDead(item, input, outputs);
      else if (isForAnother(item, this.options.definition.name)) this.#leave();
      else this.#takeEvent(item, input, outputs);
    }
    this.#stage.takeHeader(header, input.delivery.publishTimeMs);
    this.#counters.settle();
  }

  tick(moment: Moment): void {
    const { topics, definition } = this.options;
    const { nowMs, caughtUp } = moment;
    if (caughtUp?.has(topics(definition.input).name) === true) this.#stage.times.readUpTo(nowMs);
    this.#stage.tick(moment);
    this.#isTimeToTell = this.#stage.times.hasProgress && nowMs - this.#toldMs >= TELLING_PACE_MS;
    if (this.#isTimeToTell) this.#toldMs = nowMs;
  }

  flush(outputs: Outputs): 'done' {
    this.#stage.flush(outputs);
    this.#isTimeToTell = false;
    this.#tellCounters(outputs);
    return 'done';
  }

  *changes(): Iterable<readonly [string, JsonValue | undefined]> {
    yield* this.#stage.changes();
    yield* this.#counters.changes();
  }

  *cells(): Iterable<readonly [string, JsonValue]> {
    yield* this.#stage.cells();
    yield* this.#counters.cells();
  }

  facts(): JsonObject {
    return this.#stage.facts();
  }

  urgency(): Urgency {
    return this.#isTimeToTell ? 'soon' : this.#stage.urgency();
  }

  /** Time has come this far in a stream, as by an event that is not for this function; for tests. */
  observeTime(stream: string, timeMs: number): void {
    this.#stage.times.of(stream).observe(timeMs);
  }

  #leave(): void {
    const { pipeline, definition, telemetry } = this.options;
    telemetry.record(FACTS.addressedElsewhere, { pipeline, stage: definition.name });
  }

  #takeEvent(event: StreamEvent, input: TaskInput, outputs: Outputs): void {
    const selected = this.#events.select(event);
    switch (selected.kind) {
      case 'taken':
        return this.#add(event, selected.event, outputs);
      case 'filtered':
        return this.#passOver(event, 'filtered', outputs);
      case 'failed':
        return this.#fail(event, selected.error, { input, outputs });
      default:
        selected satisfies never;
    }
  }

  #add(event: StreamEvent, taken: StreamEvent<Fields>, outputs: Outputs): void {
    const outcome = this.#stage.add(taken);
    if (outcome.kind === 'future') return this.#future(event, outcome.byMs, outputs);
    this.#counters.add(outcome.counted > 0 ? 'counted' : 'late', 1);
    for (const late of outcome.late) this.#late(event, late, outputs);
  }

  /** It counts in nothing, but time goes on by it. */
  #passOver(event: StreamEvent, fate: 'filtered' | 'skipped' | 'dead', outputs: Outputs): void {
    const byMs = event.timeMs - event.receivedMs - this.options.time.maxFutureSkewMs;
    const time = this.#stage.times.of(event.stream);
    if (byMs > 0 && fate === 'filtered') return this.#future(event, byMs, outputs);
    if (byMs > 0) time.touch();
    else time.observe(event.timeMs);
    this.#counters.add(fate, 1);
  }

  #fail(
    event: StreamEvent,
    error: Error,
    { input, outputs }: { readonly input: TaskInput; readonly outputs: Outputs },
  ): void {
    if (error instanceof StopFunctionError) throw error;
    const isSkipped = error instanceof SkipEventError;
    const { pipeline, definition, telemetry } = this.options;
    const outcome = isSkipped ? 'skip' : 'dead-letter';
    const code = codeOf(error);
    telemetry.record(FACTS.functionFailure, { pipeline, stage: definition.name, outcome, code });
    if (!isSkipped) {
      const work = { kind: 'event', event, message: messageOf(input.delivery), watermarkMs: null } as const;
      const keyId = keyIdOf(event.stream, event.key ?? event.id);
      this.#dead.work({ keyId, work, nowMs: event.receivedMs }, { code, error, attempts: 1 }, outputs);
    }
    this.#passOver(event, isSkipped ? 'skipped' : 'dead', outputs);
  }

  #future(event: StreamEvent, byMs: number, outputs: Outputs): void {
    const { pipeline, definition } = this.options;
    this.#stage.times.touch(event.stream);
    this.#counters.add('future', 1);
    this.#refuse(event, futureMessage(pipeline, event, byMs, definition.name), outputs);
  }

  #late(event: StreamEvent, late: LateArrival, outputs: Outputs): void {
    this.#refuse(event, lateMessage(this.options.pipeline, event, late), outputs);
  }

  #refuse(event: StreamEvent, message: OutgoingMessage, outputs: Outputs): void {
    const { topics, pipeline } = this.options;
    const place = topics(`${pipeline}.late`);
    outputs.message(place.name, partitionOf(event.stream, place.partitions), message);
  }

  #takeDead(event: DeadEvent, { delivery }: TaskInput, outputs: Outputs): void {
    this.#stage.times.touch(event.stream);
    if (!this.#isOwnDead) return;
    const { name } = this.options.definition;
    const { topic, partition, position } = delivery;
    const dead = { ...event, id: `${name}/${event.id}`, dead: { ...event.dead, stage: name } };
    this.#dead.event(dead, { topic, partition, position }, outputs);
    this.#counters.add('dead', 1);
  }

  #withKey(partial: Partial): Partial {
    return isOtherKey(partial.key)
      ? { ...partial, key: travellingKey(this.#events.otherKeyText()) }
      : partial;
  }

  #tellCounters(outputs: Outputs): void {
    const counters = this.#counters.changedValues();
    if (counters.length === 0) return;
    const { telemetry, pipeline, definition } = this.options;
    const task = { pipeline, stage: localStageOf(definition.name), partition: this.partition };
    outputs.afterDelivery(() => {
      for (const [name, value] of counters) telemetry.record(FACTS.functionCounter, { ...task, name }, value);
    });
  }
}
