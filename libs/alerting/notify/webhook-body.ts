import type { AlertEvent } from '../alert-event.js';
import { isAlerting } from '../alert-state.js';
import { type Matcher, matchesAll } from '../noise/matcher.js';
import { type Notification, receiverLabels } from './notification.js';

/** What Alertmanager 0.2x posts to a webhook: its data version 4. */
export type WebhookBody = {
  readonly version: '4';
  readonly groupKey: string;
  readonly truncatedAlerts: number;
  readonly status: 'firing' | 'resolved';
  readonly receiver: string;
  readonly groupLabels: Texts;
  readonly commonLabels: Texts;
  readonly commonAnnotations: Texts;
  readonly externalURL: string;
  readonly alerts: readonly WebhookAlert[];
};

type Texts = Readonly<Record<string, string>>;

export type WebhookAlert = {
  readonly status: 'firing' | 'resolved';
  readonly labels: Texts;
  readonly annotations: Texts;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
  readonly fingerprint: string;
};

/** An element of what Prometheus posts to `/api/v2/alerts`. */
export type PostedAlert = Pick<
  WebhookAlert,
  'labels' | 'annotations' | 'startsAt' | 'endsAt' | 'generatorURL'
>;

/** How Go writes a time that is not set; Alertmanager sends it as the end of what still fires. */
const NO_TIME = '0001-01-01T00:00:00Z';

/** The body for one webhook; undefined: none of the alerts is for it. */
export function webhookBody(
  notification: Notification,
  receiver: { readonly name: string; readonly matchers: readonly Matcher[]; readonly sendResolved: boolean },
): WebhookBody | undefined {
  const wanted = notification.alerts.filter(
    (alert) => matchesAll(receiver.matchers, alert) && (receiver.sendResolved || isAlerting(alert.status)),
  );
  if (wanted.length === 0) return undefined;
  const alerts = wanted.map(webhookAlert);
  const groupLabels = receiverGroupLabels(notification.groupLabels);
  return {
    version: '4',
    groupKey: `{}:{${quoted(groupLabels)}}`,
    truncatedAlerts: notification.truncatedAlerts,
    status: alerts.some(({ status }) => status === 'firing') ? 'firing' : 'resolved',
    receiver: receiver.name,
    groupLabels,
    commonLabels: commonOf(alerts.map(({ labels }) => labels)),
    commonAnnotations: commonOf(alerts.map(({ annotations }) => annotations)),
    externalURL: '',
    alerts,
  };
}

function webhookAlert(alert: AlertEvent): WebhookAlert {
  const isFiring = isAlerting(alert.status);
  return {
    status: isFiring ? 'firing' : 'resolved',
    labels: withoutEmpty(receiverLabels(alert)),
    annotations: annotationsOf(alert),
    startsAt: alert.firedAt ?? alert.since,
    endsAt: isFiring ? NO_TIME : (alert.resolvedAt ?? alert.since),
    generatorURL: '',
    fingerprint: alert.fingerprint,
  };
}

/**
 * An alert as Prometheus would push it.
 *
 * @param endsAtMs when what fires is to count as over unless it is pushed again; epoch milliseconds
 */
export function postedAlert(alert: AlertEvent, endsAtMs: number): PostedAlert {
  const { labels, annotations, startsAt, endsAt, generatorURL } = webhookAlert(alert);
  const isFiring = isAlerting(alert.status);
  return {
    labels,
    annotations,
    startsAt,
    endsAt: isFiring ? new Date(endsAtMs).toISOString() : endsAt,
    generatorURL,
  };
}

function annotationsOf({ summary, annotations, value, flapping, status }: AlertEvent): Texts {
  return {
    summary,
    ...annotations,
    ...(value === null ? {} : { value: String(value) }),
    ...(flapping === true ? { flapping: 'true' } : {}),
    ...(status === 'nodata' ? { nodata: 'true' } : {}),
  };
}

/** Receivers know the name of a rule as `alertname`. */
function receiverGroupLabels(labels: Texts): Texts {
  return Object.fromEntries(
    Object.entries(labels).map(([name, value]) => [name === 'rule' ? 'alertname' : name, value]),
  );
}

function withoutEmpty(labels: Texts): Texts {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));
}

function commonOf(all: readonly Texts[]): Texts {
  const [first = {}, ...others] = all;
  return Object.fromEntries(
    Object.entries(first).filter(([name, value]) => others.every((other) => other[name] === value)),
  );
}

function quoted(labels: Texts): string {
  return Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(', ');
}
