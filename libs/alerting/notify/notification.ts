import type { AlertEvent } from '../alert-event.js';
import { labelOf } from '../noise/matcher.js';

/** An alert within a notification: its newest transition that was told to the group. */
export type NotifiedAlert = AlertEvent;

/** What a group tells: the data of a message on `<pipeline>.notifications`. Times are wall clock, ISO 8601 UTC. */
export type Notification = {
  /** The same after any crash: receivers may drop repeats by it. */
  readonly id: string;
  readonly pipeline: string;
  /** Names the group: the values of what it is grouped by. */
  readonly groupKey: string;
  readonly groupLabels: Readonly<Record<string, string>>;
  /** `firing` while any of its alerts is. */
  readonly status: 'firing' | 'resolved';
  /** `changed`: an alert began, flaps or ended; `repeat`: nothing new for `repeatInterval`. */
  readonly reason: 'changed' | 'repeat';
  readonly at: string;
  /** Firing ones first; those that have ended are in the one notification that says so. */
  readonly alerts: readonly NotifiedAlert[];
  /** Alerts that did not fit. */
  readonly truncatedAlerts: number;
};

/** The most alerts of one notification: its message stays far below what a broker takes. */
export const MAX_NOTIFIED_ALERTS = 100;

/** The labels of an alert as texts, with the name and severity of its rule, as receivers know them. */
export function receiverLabels(alert: AlertEvent): Readonly<Record<string, string>> {
  const labels = Object.entries(alert.labels).map(([name, value]) => [
    name,
    value === null ? '' : String(value),
  ]);
  return {
    ...(Object.fromEntries(labels) as Record<string, string>),
    alertname: alert.rule,
    severity: alert.severity,
    pipeline: alert.pipeline,
  };
}

/** The values of what a group is grouped by. */
export function groupLabelsOf(
  alert: AlertEvent,
  groupBy: readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(groupBy.map((name) => [name, labelOf(alert, name)]));
}
