import type { AnyAggregator, Fields } from './aggregators/aggregator.js';
import type { WindowDefinition } from './time/window.js';

/** One number, or object of numbers, of a series. */
export interface MeasureDefinition {
  readonly name: string;
  readonly aggregator: AnyAggregator;
  /** What the aggregator looks at. Absent: nothing, as for `count`. */
  readonly value?: (data: Fields) => unknown;
  /** Only events for which this is true are added. Absent: all. */
  readonly where?: (data: Fields) => boolean;
}

/** What is computed: measures per window, stream and key. */
export interface SeriesDefinition {
  readonly name: string;
  readonly window: WindowDefinition;
  /** How long after its end a window still takes events; ≥ 0. */
  readonly allowedLatenessMs: number;
  /** Only events for which this is true belong to the series. Absent: all. */
  readonly where?: (data: Fields) => boolean;
  /** Names of the fields of data whose values are the key. The stream always belongs to it and is not named here. */
  readonly by: readonly string[];
  /**
   * The most keys of a window at one local task, whole, ≥ 1; the events of others count in one key, `__other__` in every
   * field. Absent: 10,000. Hopping windows: of each stretch of their size; sessions and
   * sliding windows: no cap.
   */
  readonly maxKeys?: number;
  readonly measures: readonly MeasureDefinition[];
}

/** A pipeline's sense of time; all ≥ 0. */
export interface TimeDefinition {
  /** How much an event may be behind the newest one of its stream and still be on time. */
  readonly maxOutOfOrdernessMs: number;
  /** How much an event's time may be ahead of its arrival. */
  readonly maxFutureSkewMs: number;
  /** How long a partition that is read to its end must be without an event before its stream counts as idle. */
  readonly idleAfterMs: number;
}
