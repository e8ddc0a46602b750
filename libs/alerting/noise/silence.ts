import { type Matched, type Matcher, matchesAll } from './matcher.js';

/** Alerts that fit notify nobody for a while; what becomes of them is still told on `alerts`. */
export interface Silence {
  readonly id: string;
  /** At least one that an empty label does not fit. */
  readonly matchers: readonly Matcher[];
  /** Half-open, wall clock, epoch milliseconds. */
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly createdBy: string;
  readonly comment: string;
}

export type SilenceStatus = 'pending' | 'active' | 'expired';

export function silenceStatus({ startsAtMs, endsAtMs }: Silence, nowMs: number): SilenceStatus {
  if (nowMs >= endsAtMs) return 'expired';
  return nowMs < startsAtMs ? 'pending' : 'active';
}

/** The silences that hold an alert back now. */
export function silencesOf(silences: readonly Silence[], alert: Matched, nowMs: number): readonly Silence[] {
  return silences.filter(
    (silence) => silenceStatus(silence, nowMs) === 'active' && matchesAll(silence.matchers, alert),
  );
}

/** Would it hold back everything: then it was not meant. */
export function matchesNothingGiven(matchers: readonly Matcher[]): boolean {
  return matchesAll(matchers, { labels: {}, rule: '', severity: '' as 'info', pipeline: '' });
}
