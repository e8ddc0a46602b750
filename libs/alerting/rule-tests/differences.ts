import { formatDuration } from '#libs/kernel';
import type { AlertEvent } from '../alert-event.js';
import type { Notification } from '../notify/notification.js';
import type { ExpectedNotification, ExpectedTransition, RuleTest } from './rule-test.js';

/** Where what came differs from what was expected, in sentences. */
export function differencesOf(
  test: RuleTest,
  found: { readonly transitions: readonly AlertEvent[]; readonly notifications: readonly Notification[] },
): readonly string[] {
  const transitions =
    test.transitions === undefined
      ? []
      : compare(test.transitions, found.transitions, {
          fits: (wanted, event) => fitsTransition(test, wanted, event),
          wanted: (each) => `transition ${wantedTransition(test, each)}`,
          found: (each) => `transition ${foundTransition(test, each)}`,
        });
  const notifications =
    test.notifications === undefined
      ? []
      : compare(test.notifications, found.notifications, {
          fits: (wanted, each) => fitsNotification(test, wanted, each),
          wanted: (each) => `notification ${wantedNotification(test, each)}`,
          found: (each) => `notification ${foundNotification(test, each)}`,
        });
  return [...transitions, ...notifications];
}

interface Comparison<W, F> {
  readonly fits: (wanted: W, found: F) => boolean;
  readonly wanted: (wanted: W) => string;
  readonly found: (found: F) => string;
}

function compare<W, F>(wanted: readonly W[], found: readonly F[], by: Comparison<W, F>): readonly string[] {
  const left = [...found];
  const missing = wanted.filter((each) => {
    const index = left.findIndex((candidate) => by.fits(each, candidate));
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
  return [
    ...missing.map((each) => `expected and missing: ${by.wanted(each)}`),
    ...left.map((each) => `not expected: ${by.found(each)}`),
  ];
}

function fitsTransition(_test: RuleTest, wanted: ExpectedTransition, event: AlertEvent): boolean {
  return (
    Date.parse(event.since) === wanted.atMs &&
    event.status === wanted.status &&
    fitsAlert(wanted, event) &&
    (wanted.reason === undefined || event.reason === wanted.reason) &&
    (wanted.value === undefined ||
      Math.abs((event.value ?? NaN) - wanted.value) <= 1e-9 * Math.abs(wanted.value))
  );
}

function fitsAlert(
  { rule, labels }: Pick<ExpectedTransition, 'rule' | 'labels'>,
  event: AlertEvent,
): boolean {
  return event.rule === rule && Object.entries(labels).every(([name, value]) => event.labels[name] === value);
}

function fitsNotification(test: RuleTest, wanted: ExpectedNotification, found: Notification): boolean {
  const { alerts } = wanted;
  if (clockAt(test, found) !== wanted.atMs || found.status !== wanted.status) return false;
  if (wanted.reason !== undefined && wanted.reason !== found.reason) return false;
  if (alerts === undefined) return true;
  const left = [...found.alerts];
  return (
    alerts.length === left.length &&
    alerts.every((alert) => {
      const index = left.findIndex((event) => fitsAlert(alert, event));
      if (index >= 0) left.splice(index, 1);
      return index >= 0;
    })
  );
}

/** Notifications go by the wall clock; the test tells them by its own time. */
function clockAt({ startMs, clockMs }: RuleTest, { at }: Notification): number {
  return Date.parse(at) - clockMs + startMs;
}

function wantedTransition(
  test: RuleTest,
  { atMs, rule, status, labels, reason }: ExpectedTransition,
): string {
  return [after(test, atMs), rule, status, written(labels), reason].filter(Boolean).join(' ');
}

function foundTransition(test: RuleTest, { since, rule, status, labels, reason, value }: AlertEvent): string {
  return `${after(test, Date.parse(since))} ${rule} ${status} ${written(labels)} (${reason}, value ${value ?? 'none'})`;
}

function wantedNotification(test: RuleTest, { atMs, status, alerts }: ExpectedNotification): string {
  return [after(test, atMs), status, alerts?.map(({ rule }) => rule).join(', ')].filter(Boolean).join(' ');
}

function foundNotification(test: RuleTest, found: Notification): string {
  const alerts = found.alerts.map(({ rule, labels, status }) => `${rule} ${status} ${written(labels)}`);
  return `${after(test, clockAt(test, found))} ${found.status} (${found.reason}): ${alerts.join(', ')}`;
}

function after({ startMs }: RuleTest, timeMs: number): string {
  return timeMs < startMs
    ? `${formatDuration(startMs - timeMs)} before the start`
    : formatDuration(timeMs - startMs);
}

function written(labels: AlertEvent['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${String(value)}`);
  return pairs.length === 0 ? '' : `{${pairs.join(', ')}}`;
}
