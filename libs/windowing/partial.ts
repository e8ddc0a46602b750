import type { JsonObject, JsonScalar } from '#libs/kernel';

/**
 * What one local task adds to one window of a series, stream and key: a mergeable delta. As it travels; JSON.
 */
export interface Partial {
  readonly series: string;
  readonly stream: string;
  /** Values of the fields that the series is grouped by. */
  readonly key: Readonly<Record<string, JsonScalar>>;
  /** The window, half-open. */
  readonly startMs: number;
  readonly endMs: number;
  /** Encoded states of the aggregators, by measure. */
  readonly measures: JsonObject;
  /** Arrival of the oldest event in it. */
  readonly oldestReceivedMs: number;
  /** How many events are in it. */
  readonly events: number;
}
