import type { Verdict } from '../kinds/condition.js';

/**
 * `pending`: it breaches, but not yet for long enough. `recovering`: it fires on though its rows are clear.
 * `resolved`: it was firing, and is no more. `nodata`: nothing comes any more, which the rule wants told.
 */
export const ALERT_STATUSES = ['inactive', 'pending', 'firing', 'recovering', 'resolved', 'nodata'] as const;
export type AlertStatus = (typeof ALERT_STATUSES)[number];

/** One stretch of breaching rows. */
export interface AlertEpisode {
  /** Start of the first breaching window: with the fingerprint it names the episode. */
  readonly startMs: number;
  /** End of that window: `for` counts from here. */
  readonly breachedSinceMs: number;
  /** When it began to fire, if it did. */
  readonly firedMs?: number;
  /** How many transitions it has had. */
  readonly transitions: number;
}

/** A row that was judged, as far as a correction of it matters. */
export type JudgedSample = readonly [
  windowStartMs: number,
  windowEndMs: number,
  value: number,
  verdict: Verdict,
];

/** What is remembered of one alert; plain JSON. */
export interface AlertState {
  readonly status: AlertStatus;
  /** Rows up to here are judged; epoch milliseconds. */
  readonly judgedUntilMs: number;
  /** Of the newest episode; absent if there was none. */
  readonly episode?: AlertEpisode;
  /** Since when its rows are clear; only while `recovering`. */
  readonly clearSinceMs?: number;
  /** M of N: whether each of the last rows breached, oldest first. */
  readonly recent?: readonly (0 | 1)[];
  /** When it last began or ended to fire, oldest first: at most as many as make it flap. */
  readonly changes?: readonly number[];
  /** It flaps: the last change, and what its rows have said since. */
  readonly flapping?: { readonly lastChangeMs: number; readonly isBreach: boolean };
  /** No row for `noDataAfter`, and that is dealt with. */
  readonly isSilent?: true;
  /** What a correction can still undo: the state before the first of these rows. */
  readonly undo?: { readonly before: AlertState; readonly samples: readonly JudgedSample[] };
}

/** What an alert is told: the value of a complete row, a correction of one, or how far its stream has come. */
export type AlertObservation =
  | {
      readonly kind: 'sample';
      readonly windowStartMs: number;
      readonly windowEndMs: number;
      readonly value: number;
      /** Absent: what the limits of the rule say of the value. */
      readonly verdict?: Verdict;
    }
  /** A row that was judged says something else now; without a value: nothing any more. */
  | {
      readonly kind: 'correction';
      readonly windowStartMs: number;
      readonly windowEndMs: number;
      readonly value?: number;
      readonly verdict?: Verdict;
    }
  /** Every row that ends at or before this has been told. */
  | { readonly kind: 'watermark'; readonly watermarkMs: number };

/**
 * `breach`: the first row; `held`: for as long as `for` says; `recovered`: a clear row, for as long as
 * `keepFiringFor` says; `relapsed`: not clear any more while recovering; `no-data`: silence; `updated`: a correction
 * took the breach back; `flapping`: it changes too often to tell each change; `settled`: it has stopped flapping.
 */
export type TransitionReason =
  'breach' | 'held' | 'recovered' | 'relapsed' | 'no-data' | 'updated' | 'flapping' | 'settled';

export interface AlertTransition {
  readonly from: AlertStatus;
  readonly to: AlertStatus;
  readonly reason: TransitionReason;
  /** When it happened in event time, epoch milliseconds. */
  readonly atMs: number;
  /** The value of the row that caused it; absent where none did. */
  readonly value?: number;
  readonly episode: AlertEpisode;
  /** Number of this transition within its episode, from 0. */
  readonly sequence: number;
  /** It flaps from here on. */
  readonly flapping?: true;
}

export interface Decision {
  readonly state: AlertState;
  /** In order; a row that comes after a silence may cause several. */
  readonly transitions: readonly AlertTransition[];
}

/** Before every row: the earliest time that a date can be. −∞ would not outlive JSON. */
export const NEVER_JUDGED_MS = -8.64e15;
export const NOTHING_JUDGED: AlertState = { status: 'inactive', judgedUntilMs: NEVER_JUDGED_MS };

/** Is there something that an observation can end. */
export function isActive({ status }: AlertState): boolean {
  return status !== 'inactive' && status !== 'resolved';
}

/** Has it been told as something to act on: then its end is told, too. */
export function isAlerting(status: AlertStatus): boolean {
  return status === 'firing' || status === 'recovering' || status === 'nodata';
}
