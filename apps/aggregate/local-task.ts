import {
  LocalStage,
  type Moment,
  type Outputs,
  type StateIdentity,
  type TaskInput,
  type TaskLogic,
  type Urgency,
} from '#libs/functions';
import { type DeadEvent, isDeadEvent, type JsonObject, type JsonValue, type StreamEvent } from '#libs/kernel';
import type { Frame, TopicNoun } from '#libs/messaging';
import type { Telemetry } from '#libs/observability';
import type { PipelineDefinition } from '#libs/pipeline';
import type { Fields } from '#libs/windowing';
import { FateCounts, fateOf } from './fate-counts.js';
import { LateAndDeadPublisher } from './late-and-dead.publisher.js';

/** Whose state it is; what it reads of former versions: test/fixtures/state. */
export const LOCAL_STATE: StateIdentity = { operator: 'local', version: 1 };

export interface LocalTaskOptions {
  readonly pipeline: Pick<PipelineDefinition, 'name' | 'partitions' | 'series' | 'time'>;
  readonly partition: number;
  /** The full name of the pipeline's topic. */
  readonly topic: (noun: TopicNoun) => string;
  readonly partitionsOf: (noun: TopicNoun) => number;
  readonly telemetry: Telemetry;
}

type Item = StreamEvent<Fields> | DeadEvent;

/** The local stage of a pipeline for one partition of `enriched`; counts how every event ends. */
export class LocalTaskLogic implements TaskLogic {
  readonly #stage: LocalStage;
  readonly #fates: FateCounts;
  readonly #refused: LateAndDeadPublisher;

  constructor(options: LocalTaskOptions) {
    const { pipeline, partition, telemetry, topic, partitionsOf } = options;
    const { name, series, time, partitions: tasks } = pipeline;
    const target = { topic: topic('partials'), partitions: partitionsOf('partials') };
    this.#stage = new LocalStage({ pipeline: name, partition, series, time, tasks, target, telemetry });
    this.#fates = new FateCounts({ pipeline: name, partition, telemetry });
    this.#refused = new LateAndDeadPublisher({ ...options, pipeline: name });
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    this.#stage.restore(cells);
    this.#fates.restore(cells);
  }

  apply({ frame, delivery }: TaskInput, outputs: Outputs): void {
    const { header, items } = frame as Frame<Item>;
    for (const item of items) {
      if (isDeadEvent(item)) this.#takeDead(item, outputs);
      // Sent again to the function on which it had failed: it was counted here when it first came.
      else if (item.again?.to !== undefined) this.#fates.count(item.stream, 'addressed', item.receivedMs);
      else this.#takeEvent(item, outputs);
    }
    this.#stage.takeHeader(header, delivery.publishTimeMs);
    for (const [stream, fates] of Object.entries(header.dropped ?? {})) {
      for (const [fate, amount] of Object.entries(fates)) this.#fates.countDropped(stream, fate, amount);
    }
  }

  tick(moment: Moment): void {
    this.#stage.tick(moment);
  }

  flush(outputs: Outputs): 'done' {
    this.#stage.flush(outputs);
    this.#fates.publish(outputs);
    return 'done';
  }

  *changes(): Iterable<readonly [string, JsonValue | undefined]> {
    yield* this.#stage.changes();
    yield* this.#fates.changes();
  }

  *cells(): Iterable<readonly [string, JsonValue]> {
    yield* this.#stage.cells();
    yield* this.#fates.cells();
  }

  facts(): JsonObject {
    return this.#stage.facts();
  }

  urgency(): Urgency {
    return this.#stage.urgency();
  }

  #takeEvent(event: StreamEvent<Fields>, outputs: Outputs): void {
    const outcome = this.#stage.add(event);
    this.#fates.count(event.stream, fateOf(outcome), event.receivedMs);
    if (outcome.kind === 'future') this.#refused.future(event, outcome.byMs, outputs);
    else for (const late of outcome.late) this.#refused.late(event, late, outputs);
  }

  #takeDead(event: DeadEvent, outputs: Outputs): void {
    this.#stage.times.touch(event.stream);
    this.#fates.countDead(event.stream, event.dead.code, event.receivedMs);
    this.#refused.dead(event, outputs);
  }
}
