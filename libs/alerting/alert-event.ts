import { alertFingerprint, type AlertLabels, episodeId } from './alert-identity.js';
import type { AlertRule, AlertSeverity } from './alert-rule.js';
import type { AlertStatus, AlertTransition, TransitionReason } from './alert-state.js';

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
  readonly reason: TransitionReason | 'rule-removed';
  /** When it got this status. */
  readonly since: string;
  /** Start of the first window that breached. */
  readonly startedAt: string;
  readonly firedAt?: string;
  readonly resolvedAt?: string;
  /** The value of the row that caused it; null where none did. */
  readonly value: number | null;
  readonly condition: {
    readonly kind: string;
    readonly series: string;
    readonly value: string;
    readonly above?: number;
    readonly below?: number;
  };
  /** It is older than `notifyWithin`, and notifies nobody. */
  readonly historical?: true;
};

/**
 * Puts a transition into words.
 *
 * @param nowMs wall clock: transitions that are older than `notifyWithin` are marked `historical`
 */
export function alertEvent(
  { pipeline, rule, labels }: AlertSubject,
  transition: AlertTransition,
  nowMs: number,
): AlertEvent {
  const { from, to, reason, atMs, value, episode, sequence } = transition;
  const fingerprint = alertFingerprint(pipeline, rule.name, labels);
  const { kind, expression, direction, limit } = rule.condition;
  return {
    fingerprint,
    episode: episodeId(fingerprint, episode.startMs),
    sequence,
    pipeline,
    rule: rule.name,
    severity: rule.severity,
    summary: rule.summary,
    labels,
    from,
    status: to,
    reason,
    since: iso(atMs),
    startedAt: iso(episode.startMs),
    ...(episode.firedMs === undefined ? {} : { firedAt: iso(episode.firedMs) }),
    ...(to === 'resolved' ? { resolvedAt: iso(atMs) } : {}),
    value: value ?? null,
    condition: { kind, series: rule.series, value: expression, [direction]: limit },
    ...(nowMs - atMs > rule.notifyWithinMs ? { historical: true } : {}),
  };
}

/**
 * The end of an alert whose rule is gone from the pipeline file.
 *
 * @param told its last transition
 * @param atMs the end of the last row that was judged
 */
export function alertRemovedEvent(told: AlertEvent, atMs: number): AlertEvent {
  const hasFired = told.status === 'firing';
  return {
    ...told,
    sequence: told.sequence + 1,
    from: told.status,
    status: hasFired ? 'resolved' : 'inactive',
    reason: 'rule-removed',
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
