import { alertFingerprint, type AlertLabels, episodeId } from './alert-identity.js';
import type { AlertRule, AlertSeverity } from './alert-rule.js';
import type { AlertStatus, AlertTransition, TransitionReason } from './alert-state.js';
import { without } from './state/without.js';

/** Which alert it is. */
export interface AlertSubject {
  readonly pipeline: string;
  readonly rule: AlertRule;
  /** With `stream`. */
  readonly labels: AlertLabels;
}

/**
 * A transition as the world is told: the data of a message on `<pipeline>.alerts`, and what is stored of an alert.
 * Times are event time, written as ISO 8601 in UTC.
 */
export type AlertEvent = {
  readonly fingerprint: string;
  readonly episode: string;
  /** Number of the transition within its episode, from 0. */
  readonly sequence: number;
  readonly pipeline: string;
  readonly rule: string;
  readonly severity: AlertSeverity;
  readonly summary: string;
  readonly labels: AlertLabels;
  readonly from: AlertStatus;
  readonly status: AlertStatus;
  readonly reason:
    | TransitionReason
    | 'rule-removed'
    | 'rule-changed'
    | 'storm'
    | 'storm-over'
    | 'stalled'
    | 'silent'
    | 'progress';
  /** When it got this status. */
  readonly since: string;
  /** Start of the first window that breached. */
  readonly startedAt: string;
  readonly firedAt?: string;
  readonly resolvedAt?: string;
  /** The value of the row that caused it; null where none did. */
  readonly value: number | null;
  /** What the value was made of, where the kind of rule has more to say than one number. */
  readonly parts?: Readonly<Record<string, number>>;
  readonly condition: {
    readonly kind: string;
    readonly series: string;
    readonly value: string;
    readonly above?: number;
    readonly below?: number;
    /** What has to be passed the other way to recover, where that is not the limit. */
    readonly clear?: number;
  };
  readonly annotations?: Readonly<Record<string, string>>;
  /** It changes too often: what follows is told when it is steady. */
  readonly flapping?: true;
  /** It is older than `notifyWithin`, and notifies nobody. */
  readonly historical?: true;
};

/**
 * Puts a transition into words.
 *
 * @param nowMs wall clock: transitions that are older than `notifyWithin` are marked `historical`
 * @param parts what the value was made of
 */
export function alertEvent(
  subject: AlertSubject,
  transition: AlertTransition,
  nowMs: number,
  parts?: Readonly<Record<string, number>>,
): AlertEvent {
  const { pipeline, rule, labels } = subject;
  const { from, to, reason, atMs, value, episode, sequence, flapping } = transition;
  const fingerprint = alertFingerprint(pipeline, rule.name, labels);
  return {
    fingerprint,
    episode: episodeId(fingerprint, episode.startMs),
    sequence,
    pipeline,
    rule: rule.name,
    severity: rule.severity,
    ...textsOf(subject, transition, parts),
    labels,
    from,
    status: to,
    reason,
    since: iso(atMs),
    startedAt: iso(episode.startMs),
    ...(episode.firedMs === undefined ? {} : { firedAt: iso(episode.firedMs) }),
    ...(to === 'resolved' ? { resolvedAt: iso(atMs) } : {}),
    value: value ?? null,
    ...(parts === undefined ? {} : { parts }),
    condition: conditionOf(rule),
    ...(flapping === true ? { flapping } : {}),
    ...(nowMs - atMs > rule.notifyWithinMs ? { historical: true } : {}),
  };
}

/** The condition of a rule, as alerts and explanations show it. */
export function conditionOf({ condition, series }: AlertRule): AlertEvent['condition'] {
  const { kind, expression, direction, limit, clearLimit } = condition;
  const clear = clearLimit === undefined ? {} : { clear: clearLimit };
  return { kind, series, value: expression, [direction]: limit, ...clear };
}

function textsOf(
  { pipeline, rule, labels }: AlertSubject,
  { to, value }: AlertTransition,
  parts: Readonly<Record<string, number>> = {},
): Pick<AlertEvent, 'summary' | 'annotations'> {
  const { summaryTemplate, annotations, severity, condition } = rule;
  const values = {
    ...{ pipeline, rule: rule.name, severity, labels, status: to, parts },
    value: value ?? null,
    limit: condition.limit,
  };
  const written = Object.entries(annotations ?? {}).map(([name, text]) => [name, text.render(values)]);
  return {
    summary: summaryTemplate?.render(values) ?? rule.summary,
    ...(written.length === 0 ? {} : { annotations: Object.fromEntries(written) as Record<string, string> }),
  };
}

/**
 * The end of an alert whose rule is gone from the pipeline file, or judges something else now.
 *
 * @param told its last transition
 * @param atMs the end of the last row that was judged
 */
export function alertRemovedEvent(
  told: AlertEvent,
  atMs: number,
  reason: 'rule-removed' | 'rule-changed' = 'rule-removed',
): AlertEvent {
  const steady = without(told, 'flapping');
  const hasFired = told.status !== 'pending' && told.status !== 'inactive';
  return {
    ...steady,
    sequence: told.sequence + 1,
    from: told.status,
    status: hasFired ? 'resolved' : 'inactive',
    reason,
    since: iso(atMs),
    ...(hasFired ? { resolvedAt: iso(atMs) } : {}),
    value: null,
  };
}

/** The name of a transition, and the id of its message: `<episode>/<sequence>`. The same after any crash or replay. */
export function alertEventId({ episode, sequence }: AlertEvent): string {
  return `${episode}/${sequence}`;
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
