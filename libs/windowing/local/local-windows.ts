import type { JsonScalar, StreamEvent } from '#libs/kernel';
import type { Fields } from '../aggregators/aggregator.js';
import type { Partial } from '../partial.js';
import type { SeriesDefinition } from '../series.js';
import type { TimeWindow } from '../time/window.js';

/** A window that did not take an event any more. */
export interface LateArrival {
  readonly series: string;
  readonly window: TimeWindow;
  readonly lateByMs: number;
}

/** The time of a stream at the local task, as it is now; epoch milliseconds. */
export interface LocalTime {
  /** −∞ before the first event. */
  readonly watermarkMs: number;
  /** Windows that start at or before it are final. Undefined: the stream was never closed. */
  readonly closedUntilMs: number | undefined;
}

/**
 * How one kind of windows gathers the deltas of one series and stream at a local task. It is forgotten once there was
 * no event from one {@link LocalWindows.drain} to the next, and keeps nothing that would be missed then.
 *
 * W1. What it takes, and for which windows, is decided here once, by `classifyArrival` and the time given; the delta
 *     says so. The global stage, whose watermark is the minimum over all tasks and so lags, decides nothing again.
 * W2. The event has moved the watermark before it is added, and never reaches the end of a window it is in.
 */
export interface LocalWindows {
  /**
   * Adds to every window that still takes the event; the series wants it.
   *
   * @returns undefined: at least one window did; else the refusal of the newest one
   */
  add(event: StreamEvent<Fields>, time: LocalTime): LateArrival | undefined;
  /** Gives the deltas, and forgets them. */
  drain(into: Partial[]): void;
  /** There is no delta. */
  readonly isEmpty: boolean;
}

/** Which keys of a window count under their own name: the cap on keys. It outlives a drain; the task stores it. */
export interface KeyAdmission {
  /**
   * Asked for each key and window at least once before the window is final. False: the window holds as many keys as
   * it may, and the event goes to `otherKey(series)`.
   *
   * @param window identified by its start; forgotten once it is final
   */
  admits(window: TimeWindow, key: readonly JsonScalar[]): boolean;
  /** So many events went under the other key; told at a drain, to be counted. */
  countOther(events: number): void;
}

/** Whose windows they are. */
export interface LocalContext {
  readonly series: SeriesDefinition;
  readonly stream: string;
  readonly admission: KeyAdmission;
}
