import type { JsonObject } from '#libs/kernel';

/** How bad it is, least first. */
export const ALERT_SEVERITIES = ['info', 'warning', 'critical'] as const;
export type AlertSeverity = (typeof ALERT_SEVERITIES)[number];

/** How long after the end of the last row a stream may advance without another one before an alert ends: 5 minutes. */
export const DEFAULT_NO_DATA_AFTER_MS = 300_000;
/** Transitions older than this against the wall clock are history and notify nobody: 1 hour. */
export const DEFAULT_NOTIFY_WITHIN_MS = 3_600_000;

/** Breaches while the value of a row is above, or below, a limit. The limit itself does not breach. */
export interface ThresholdCondition {
  readonly kind: 'threshold';
  /** The value as it was written, e.g. `errors / requests`. */
  readonly expression: string;
  /**
   * The value of a row's measures. Undefined: the row says nothing (a measure is missing, or a division by zero)
   * and is no sample.
   */
  readonly value: (measures: JsonObject) => number | undefined;
  readonly direction: 'above' | 'below';
  readonly limit: number;
}

/** What makes a row a breach. One member for each kind of rule; all end in the same states. */
export type AlertCondition = ThresholdCondition;

/** One alert rule, checked. It is judged for every stream and key of its series apart. */
export interface AlertRule {
  /** Unique within the pipeline. */
  readonly name: string;
  readonly severity: AlertSeverity;
  /** One sentence for people. */
  readonly summary: string;
  /** The series whose complete rows it judges. */
  readonly series: string;
  readonly condition: AlertCondition;
  /**
   * How long rows must breach before it fires, in event time, counted from the end of the first breaching window;
   * 0: at the first one.
   */
  readonly forMs: number;
  /** A row counts only if this measure of it has at least this value. */
  readonly minSamples?: { readonly measure: string; readonly atLeast: number };
  /** See {@link DEFAULT_NO_DATA_AFTER_MS}. */
  readonly noDataAfterMs: number;
  /** See {@link DEFAULT_NOTIFY_WITHIN_MS}. */
  readonly notifyWithinMs: number;
}
