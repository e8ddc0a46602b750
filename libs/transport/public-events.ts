import type { JsonScalar, JsonValue } from '#libs/kernel';

// What messages on a pipeline's public topics carry, as docs/wire-format.md says it to any language.

/** Where an alert stands. */
export type AlertStatus =
  'inactive' | 'pending' | 'firing' | 'recovering' | 'resolved' | 'nodata' | (string & Record<never, never>);

/** A transition of an alert: the data of a message on `<pipeline>.alerts`. Times are event time, ISO 8601 in UTC. */
export interface AlertEvent {
  /** Of rule and labels; the key of the message. */
  readonly fingerprint: string;
  /** One time that the alert fires. */
  readonly episode: string;
  /** Number of the transition within its episode, from 0. `<episode>/<sequence>` is the id of the event. */
  readonly sequence: number;
  readonly pipeline: string;
  readonly rule: string;
  readonly severity: string;
  readonly summary: string;
  readonly labels: Readonly<Record<string, JsonScalar>>;
  readonly from: AlertStatus;
  readonly status: AlertStatus;
  readonly reason: string;
  /** When it got this status. */
  readonly since: string;
  /** Start of the first window that breached. */
  readonly startedAt: string;
  readonly firedAt?: string;
  readonly resolvedAt?: string;
  /** The value that caused it; null where none did. */
  readonly value: number | null;
  readonly parts?: Readonly<Record<string, number>>;
  readonly condition: {
    readonly kind: string;
    readonly series: string;
    readonly value: string;
    readonly above?: number;
    readonly below?: number;
    readonly clear?: number;
  };
  readonly annotations?: Readonly<Record<string, string>>;
  readonly flapping?: true;
  /** Older than its rule's `notifyWithin`: of last week's log, say. */
  readonly historical?: true;
}

/** A complete row, or a correction of one: the data of a message on `<pipeline>.results`. */
export interface ResultEvent<Measures = Readonly<Record<string, JsonValue>>> {
  readonly pipeline: string;
  readonly series: string;
  readonly stream: string;
  readonly key: Readonly<Record<string, JsonScalar>>;
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  readonly measures: Measures;
  /** Replaces the row of the same series, stream, key and window with a lower one. */
  readonly revision: number;
  /** A session that was merged into another: the row is taken back. */
  readonly retracted?: true;
}

/** `ce_type` of the messages on `<pipeline>.alerts`. */
export const ALERT_TYPE = 'com.millrace.alert.v1';
/** `ce_type` of the messages on `<pipeline>.results`. */
export const RESULT_TYPE = 'com.millrace.result.v1';
