import { countedFact, gaugedFact, loggedFact } from './fact.js';

/** What alerts record. */
export const ALERT_FACTS = {
  alertTransition: countedFact<{ pipeline: string; rule: string; to: string; fingerprint: string }>({
    level: 'info',
    message: 'alert changed',
    counter: 'millrace_alert_transitions_total',
    help: 'Transitions of alerts, by rule and new state',
    labels: ['pipeline', 'rule', 'to'],
  }),
  alertRowsRefused: countedFact<{ pipeline: string }>({
    level: 'warn',
    message: 'rows were not judged: a rule has more label sets than are remembered',
    counter: 'millrace_alert_refused_rows_total',
    help: 'Rows and events that were not judged, since a rule has too many label sets',
    labels: ['pipeline'],
  }),
  alertsUngrouped: countedFact<{ pipeline: string }>({
    level: 'warn',
    message: 'alerts were not notified: their group is full',
    counter: 'millrace_alert_ungrouped_total',
    help: 'Transitions that notify nobody, since their group is full',
    labels: ['pipeline'],
  }),
  notificationTold: countedFact<{ pipeline: string; status: string; id: string }>({
    level: 'info',
    message: 'notification',
    counter: 'millrace_alert_notifications_total',
    help: 'Notifications on the topic, by status',
    labels: ['pipeline', 'status'],
  }),
  notificationTaken: countedFact<{ pipeline: string; receiver: string; outcome: string }>({
    level: 'debug',
    counter: 'millrace_alert_receiver_taken_total',
    help: 'What receivers have taken',
    labels: ['pipeline', 'receiver'],
  }),
  notificationFailed: countedFact<{ pipeline: string; receiver: string; outcome: string; reason?: string }>({
    level: 'warn',
    message: 'a receiver was not told',
    counter: 'millrace_alert_receiver_failures_total',
    help: 'Attempts that failed (they are repeated), and what was refused or dropped for good, by outcome',
    labels: ['pipeline', 'receiver', 'outcome'],
  }),
  alertRulesLoaded: countedFact<{ pipeline: string; version: string; rules: number }>({
    level: 'info',
    message: 'the alert rules have changed and are in use',
    counter: 'millrace_alert_rules_loaded_total',
    help: 'Changes of the alert rules that were taken while the process ran',
    labels: ['pipeline'],
  }),
  alertRulesRefused: countedFact<{ pipeline: string; code: string; error: unknown }>({
    level: 'error',
    message: 'the pipeline file has changed and cannot be used; the alert rules are those before',
    counter: 'millrace_alert_rules_refused_total',
    help: 'Changes of a pipeline file that were refused while the process ran: the alert rules are those before',
    labels: ['pipeline', 'code'],
  }),
  alertRulesOutdated: gaugedFact<{ pipeline: string }>({
    gauge: 'millrace_alert_rules_outdated',
    help: '1: the pipeline file is not what the process runs with, since it was refused; 0: it is',
    labels: ['pipeline'],
  }),
  alertRulesInUse: loggedFact<{ pipeline: string; version: string; before: string }>(
    'info',
    'alerts are judged by other rules from this commit on',
  ),
} as const;
