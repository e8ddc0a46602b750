import type { JsonObject, JsonValue, StreamEvent } from '#libs/kernel';
import type { FrameHeader, Marker } from '#libs/messaging';
import { FACTS, type Telemetry } from '#libs/observability';
import {
  type AddOutcome,
  type Fields,
  LocalAggregation,
  type Partial,
  type SeriesDefinition,
  type StreamTimes,
  type TimeDefinition,
} from '#libs/windowing';
import type { Moment, Outputs, Urgency } from '../task-logic.js';
import { type PartialsTarget, publishPartials } from './partials.publisher.js';

export interface LocalStageOptions {
  readonly pipeline: string;
  readonly partition: number;
  readonly series: readonly SeriesDefinition[];
  readonly time: TimeDefinition;
  /** How many local tasks there are. */
  readonly tasks: number;
  readonly target: PartialsTarget;
  readonly telemetry: Telemetry;
  /** The last look at deltas before they travel. Default: as they are. */
  readonly finish?: (partial: Partial) => Partial;
}

/**
 * The local stage of one partition: decides time and lateness, and sends deltas on with each commit. Its state is its
 * sense of time, and which keys its open windows admit; deltas never outlive a commit.
 */
export class LocalStage {
  readonly #aggregation: LocalAggregation;

  constructor(private readonly options: LocalStageOptions) {
    this.#aggregation = new LocalAggregation(options.series, options.time, options.tasks);
  }

  get times(): StreamTimes {
    return this.#aggregation.times;
  }

  add(event: StreamEvent<Fields>): AddOutcome {
    return this.#aggregation.add(event);
  }

  /** What stands beside the events of a frame, and applies after them. */
  takeHeader({ markers = [], dropped = {}, caughtUp }: FrameHeader, publishTimeMs: number): void {
    for (const marker of markers) this.#takeMarker(marker);
    for (const stream of Object.keys(dropped)) this.times.touch(stream);
    if (caughtUp === true) this.times.readUpTo(publishTimeMs);
  }

  tick(moment: Moment): void {
    this.times.tick(moment);
  }

  /**
   * Always all of it: what is here comes from one commit's worth of input, at most 5,000 events or 4 MB, and is gone
   * from memory behind it.
   */
  flush(outputs: Outputs): void {
    const { target, finish } = this.options;
    const drained = this.#aggregation.drain();
    const partials = finish === undefined ? drained : drained.map(finish);
    publishPartials(target, { partials, progress: this.times.takeProgress() }, outputs);
    this.#countOtherKeys(outputs);
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    this.#aggregation.restore(cells);
  }

  changes(): Iterable<readonly [string, JsonValue | undefined]> {
    return this.#aggregation.changes();
  }

  cells(): Iterable<readonly [string, JsonValue]> {
    return this.#aggregation.cells();
  }

  facts(): JsonObject {
    return this.times.facts();
  }

  urgency(): Urgency {
    return this.#aggregation.hasDeltas || this.times.isCloseWaiting ? 'soon' : 'pace';
  }

  #countOtherKeys(outputs: Outputs): void {
    const { pipeline, partition, telemetry } = this.options;
    for (const [series, events] of this.#aggregation.takeOtherKeyEvents()) {
      const fields = { pipeline, partition, series };
      outputs.afterDelivery(() => telemetry.record(FACTS.otherKeyEvents, fields, events));
    }
  }

  #takeMarker(marker: Marker): void {
    switch (marker.type) {
      case 'open':
        this.times.of(marker.stream);
        return;
      case 'closing':
        this.times.closing(marker.stream, marker.closeId);
        return;
      default:
        marker satisfies never;
    }
  }
}
