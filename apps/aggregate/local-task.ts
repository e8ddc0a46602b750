import type { Moment, Outputs, TaskInput, TaskLogic, Urgency } from '#libs/functions';
import { type DeadEvent, isDeadEvent, type JsonObject, type JsonValue, type StreamEvent } from '#libs/kernel';
import type { Frame, Marker, TopicNoun } from '#libs/messaging';
import { FACTS, type Telemetry } from '#libs/observability';
import type { PipelineDefinition } from '#libs/pipeline';
import { type Fields, LocalAggregation } from '#libs/windowing';
import { FateCounts, fateOf } from './fate-counts.js';
import { publishPartials } from './partials.publisher.js';
import { LateAndDeadPublisher } from './late-and-dead.publisher.js';

export interface LocalTaskOptions {
  readonly pipeline: Pick<PipelineDefinition, 'name' | 'partitions' | 'series' | 'time'>;
  readonly partition: number;
  /** The full name of the pipeline's topic. */
  readonly topic: (noun: TopicNoun) => string;
  readonly partitionsOf: (noun: TopicNoun) => number;
  readonly telemetry: Telemetry;
}

type Item = StreamEvent<Fields> | DeadEvent;

/**
 * The local stage for one partition of `enriched`: decides time and lateness, counts how every event ends, and sends
 * deltas on with each commit. Its state is its sense of time, its counts, and which keys its open windows admit; deltas
 * never outlive a commit.
 */
export class LocalTaskLogic implements TaskLogic {
  readonly #aggregation: LocalAggregation;
  readonly #fates: FateCounts;
  readonly #refused: LateAndDeadPublisher;

  constructor(private readonly options: LocalTaskOptions) {
    const { pipeline, partition, telemetry } = options;
    this.#aggregation = new LocalAggregation(pipeline.series, pipeline.time, pipeline.partitions);
    this.#fates = new FateCounts({ pipeline: pipeline.name, partition, telemetry });
    this.#refused = new LateAndDeadPublisher({ ...options, pipeline: pipeline.name });
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    this.#aggregation.restore(cells);
    this.#fates.restore(cells);
  }

  apply({ frame, delivery }: TaskInput, outputs: Outputs): void {
    const { header, items } = frame as Frame<Item>;
    for (const item of items) {
      if (isDeadEvent(item)) this.#takeDead(item, outputs);
      else this.#takeEvent(item, outputs);
    }
    for (const marker of header.markers ?? []) this.#takeMarker(marker);
    this.#countDropped(header.dropped ?? {});
    if (header.caughtUp === true) this.#aggregation.times.readUpTo(delivery.publishTimeMs);
  }

  tick(moment: Moment): void {
    this.#aggregation.times.tick(moment);
  }

  /**
   * Always all of it: what is here comes from one commit's worth of input, at most 5,000 events or 4 MB, and is gone
   * from memory behind it.
   */
  flush(outputs: Outputs): 'done' {
    const target = {
      topic: this.options.topic('partials'),
      partitions: this.options.partitionsOf('partials'),
    };
    const partials = this.#aggregation.drain();
    publishPartials(target, { partials, progress: this.#aggregation.times.takeProgress() }, outputs);
    this.#fates.publish(outputs);
    this.#countOtherKeys(outputs);
    return 'done';
  }

  *changes(): Iterable<readonly [string, JsonValue | undefined]> {
    yield* this.#aggregation.changes();
    yield* this.#fates.changes();
  }

  *cells(): Iterable<readonly [string, JsonValue]> {
    yield* this.#aggregation.cells();
    yield* this.#fates.cells();
  }

  facts(): JsonObject {
    return this.#aggregation.times.facts();
  }

  urgency(): Urgency {
    return this.#aggregation.hasDeltas || this.#aggregation.times.isCloseWaiting ? 'soon' : 'pace';
  }

  #countOtherKeys(outputs: Outputs): void {
    const { pipeline, partition, telemetry } = this.options;
    for (const [series, events] of this.#aggregation.takeOtherKeyEvents()) {
      const fields = { pipeline: pipeline.name, partition, series };
      outputs.afterDelivery(() => telemetry.record(FACTS.otherKeyEvents, fields, events));
    }
  }

  #takeEvent(event: StreamEvent<Fields>, outputs: Outputs): void {
    const outcome = this.#aggregation.add(event);
    this.#fates.count(event.stream, fateOf(outcome), event.receivedMs);
    if (outcome.kind === 'future') this.#refused.future(event, outcome.byMs, outputs);
    else for (const late of outcome.late) this.#refused.late(event, late, outputs);
  }

  #takeDead(event: DeadEvent, outputs: Outputs): void {
    this.#aggregation.times.touch(event.stream);
    this.#fates.countDead(event.stream, event.dead.code, event.receivedMs);
    this.#refused.dead(event, outputs);
  }

  #takeMarker(marker: Marker): void {
    const { times } = this.#aggregation;
    switch (marker.type) {
      case 'open':
        times.of(marker.stream);
        return;
      case 'closing':
        times.closing(marker.stream, marker.closeId);
        return;
      default:
        marker satisfies never;
    }
  }

  #countDropped(dropped: Readonly<Record<string, Readonly<Record<string, number>>>>): void {
    for (const [stream, fates] of Object.entries(dropped)) {
      this.#aggregation.times.touch(stream);
      for (const [fate, amount] of Object.entries(fates)) this.#fates.countDropped(stream, fate, amount);
    }
  }
}
