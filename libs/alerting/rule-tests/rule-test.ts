import type { JsonObject, JsonScalar } from '#libs/kernel';
import type { AlertStatus } from '../alert-state.js';
import type { JudgedRow } from '../engine/judged-row.js';
import type { Silence } from '../noise/silence.js';

/** One test of a file of rules: what comes in by which time, and what is to come of it. Times are epoch milliseconds. */
export interface RuleTest {
  readonly name: string;
  /** Event time at which the input begins; what is expected is told from here. */
  readonly startMs: number;
  /** Wall clock at that moment. */
  readonly clockMs: number;
  /** Event time until which the test runs. */
  readonly untilMs: number;
  /** `atMs`: when it is told, in event time. */
  readonly rows: readonly { readonly atMs: number; readonly row: JudgedRow }[];
  readonly events: readonly RuleTestEvent[];
  /** By the wall clock. */
  readonly silences: readonly Silence[];
  /** When nothing goes on at all; half-open, event time. */
  readonly standstills: readonly { readonly fromMs: number; readonly toMs: number }[];
  /** Absent: not looked at. */
  readonly transitions?: readonly ExpectedTransition[];
  readonly notifications?: readonly ExpectedNotification[];
}

export interface RuleTestEvent {
  readonly atMs: number;
  readonly stream: string;
  readonly data: JsonObject;
}

type Labels = Readonly<Record<string, JsonScalar>>;

export interface ExpectedTransition {
  readonly atMs: number;
  readonly rule: string;
  readonly status: AlertStatus;
  /** These at least. */
  readonly labels: Labels;
  readonly reason?: string;
  readonly value?: number;
}

export interface ExpectedNotification {
  readonly atMs: number;
  readonly status: 'firing' | 'resolved';
  readonly reason?: 'changed' | 'repeat';
  /** Absent: not looked at. */
  readonly alerts?: readonly Pick<ExpectedTransition, 'rule' | 'labels'>[];
}
