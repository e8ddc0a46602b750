import type { AlertSeverity } from './alert-rule.js';
import type { Inhibition } from './noise/inhibition.js';
import type { MaintenanceWindow } from './noise/maintenance.js';
import type { Matcher } from './noise/matcher.js';

/** How notifications are put together. */
export interface NotificationSettings {
  /** Labels (`rule`, `severity`, `pipeline` among them) that alerts of one notification share. */
  readonly groupBy: readonly string[];
  /** How long the first alert of a group waits for others; ≥ 0, wall clock as all here. */
  readonly groupWaitMs: number;
  /** The least time between two notifications of a group; > 0. */
  readonly groupIntervalMs: number;
  /** After this long what still fires is told again; > 0. */
  readonly repeatIntervalMs: number;
}

export const DEFAULT_NOTIFICATIONS: NotificationSettings = {
  groupBy: ['rule', 'stream'],
  groupWaitMs: 30_000,
  groupIntervalMs: 300_000,
  repeatIntervalMs: 4 * 3_600_000,
};

interface ReceiverBase {
  /** Unique within the pipeline. */
  readonly name: string;
  /** Alerts that it is told of; empty: all. */
  readonly matchers: readonly Matcher[];
  readonly url: string;
  /** May the address be a private one, such as `10.0.0.5` or `localhost`. */
  readonly allowPrivate: boolean;
  /** What was not taken for so long is given up, counted. */
  readonly giveUpAfterMs: number;
}

/** Where notifications go beside the topic; one member for each kind. */
export type Receiver =
  | (ReceiverBase & {
      readonly kind: 'webhook';
      /** Name of the secret that signs, `PAGER` for `MILLRACE_SECRET_PAGER`. Absent: unsigned. */
      readonly secret?: string;
      readonly sendResolved: boolean;
    })
  /** Every alert by itself, as Prometheus pushes them; grouping is then Alertmanager's. */
  | (ReceiverBase & { readonly kind: 'alertmanager' });

/** When the pipeline as a whole counts as stalled. */
export interface StallRule {
  /** Without progress of any stream for so long, by the wall clock. > 0 */
  readonly afterMs: number;
  readonly severity: AlertSeverity;
}

export const DEFAULT_STALL: StallRule = { afterMs: 120_000, severity: 'critical' };

/** Everything of an alert file but the rules. */
export interface AlertPolicy {
  readonly notifications: NotificationSettings;
  readonly inhibit: readonly Inhibition[];
  readonly maintenance: readonly MaintenanceWindow[];
  readonly receivers: readonly Receiver[];
  /** Absent: a stalled pipeline is not told. */
  readonly stall?: StallRule;
}

export const DEFAULT_POLICY: AlertPolicy = {
  notifications: DEFAULT_NOTIFICATIONS,
  inhibit: [],
  maintenance: [],
  receivers: [],
  stall: DEFAULT_STALL,
};

/** The name of the built-in alert of a stalled pipeline. No rule may have it. */
export const PIPELINE_STALLED = 'pipeline-stalled';
