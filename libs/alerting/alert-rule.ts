import type { AlertLabels } from './alert-identity.js';
import type { AlertCondition } from './kinds/condition.js';
import type { Template } from './template.js';

/** How bad it is, least first. */
export const ALERT_SEVERITIES = ['info', 'warning', 'critical'] as const;
export type AlertSeverity = (typeof ALERT_SEVERITIES)[number];

/** How long after the end of the last row a stream may advance without another one before that is silence: 5 minutes. */
export const DEFAULT_NO_DATA_AFTER_MS = 300_000;
/** Transitions older than this against the wall clock are history and notify nobody: 1 hour. */
export const DEFAULT_NOTIFY_WITHIN_MS = 3_600_000;
/** Six changes within ten minutes are flapping. */
export const DEFAULT_FLAPPING: FlappingRule = { changes: 6, withinMs: 600_000 };
/** Label sets of a rule that alert one by one; what comes on top is one storm. */
export const DEFAULT_MAX_ACTIVE = 100;

/**
 * What silence means: `ok`: the alert ends; `keep`: it stays as it is; `nodata`: a state of its own, told; `breach`:
 * as a row that breaches.
 */
export const NO_DATA_MEANINGS = ['ok', 'keep', 'nodata', 'breach'] as const;
export type NoDataMeaning = (typeof NO_DATA_MEANINGS)[number];

export interface FlappingRule {
  /** Times that it begins or ends to fire, ≥ 2. */
  readonly changes: number;
  /** Event time; also how long it must be steady to stop flapping. > 0 */
  readonly withinMs: number;
}

/** One alert rule, checked. It is judged for every stream and key of its series apart. */
export interface AlertRule {
  /** Unique within the pipeline. */
  readonly name: string;
  readonly severity: AlertSeverity;
  /** One sentence for people; as written. */
  readonly summary: string;
  /** The summary with its `{{ }}`, where it has any. */
  readonly summaryTemplate?: Template;
  /** Further texts for people, `runbook` and the like. */
  readonly annotations?: Readonly<Record<string, Template>>;
  /** Labels of every alert of the rule, beside stream and key. */
  readonly labels?: AlertLabels;
  /** The series whose complete rows it judges; empty: it judges events. */
  readonly series: string;
  readonly condition: AlertCondition;
  /**
   * How long rows must breach before it fires, in event time, counted from the end of the first breaching window;
   * 0: at the first one.
   */
  readonly forMs: number;
  /** How long it fires on (as `recovering`) after the first row that is clear. Default 0. */
  readonly keepFiringForMs?: number;
  /** Breaches while at least so many of the last so many rows do. Absent: each row by itself. */
  readonly windows?: { readonly breaching: number; readonly of: number };
  /** A row counts only if this measure of it has at least this value. */
  readonly minSamples?: { readonly measure: string; readonly atLeast: number };
  /** Rows that end within this long after the first window of their stream are not judged. Default 0. */
  readonly warmUpMs?: number;
  /** Default `ok`. */
  readonly noData?: NoDataMeaning;
  /** See {@link DEFAULT_NO_DATA_AFTER_MS}. */
  readonly noDataAfterMs: number;
  /** See {@link DEFAULT_NOTIFY_WITHIN_MS}. */
  readonly notifyWithinMs: number;
  /** Absent: it is never called flapping. */
  readonly flapping?: FlappingRule;
  /** See {@link DEFAULT_MAX_ACTIVE}; absent: no limit. */
  readonly maxActive?: number;
  /** For how long a row of its series can still be corrected. Absent: corrections undo nothing. */
  readonly correctableMs?: number;
  /** Distance of the windows of its series; only for kinds that compare with earlier ones. */
  readonly everyMs?: number;
}
