import type { AlertRule } from './alert-rule.js';

// What becomes of one alert (one rule, one set of labels), in event time only:
//
//     rows         ok   bad   bad   bad   ok           bad   (nothing any more)
//     window end   1m   2m    3m    4m    5m           9m          9m + noDataAfter
//     for: 1m      inactive   pending     |            pending ->  inactive (no-data)
//                             2m   firing 3m  resolved 5m
//
// A1. Windows are judged once, in the order of their ends: a row at or before what has been judged (a correction, or
//     a window that got its first event late) changes nothing.
// A2. What happens between two rows does not depend on when the watermark was told: silence ends an alert at the
//     end of its last row + noDataAfter, whether the watermark or a later row shows it.
// A3. Every transition has a number within its episode; an episode has the start of its first breaching window. So
//     the same rows give the same ids after any crash or replay.

/** `pending`: it breaches, but not yet for long enough. `resolved`: it was firing, and is no more. */
export type AlertStatus = 'inactive' | 'pending' | 'firing' | 'resolved';

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

/** What is remembered of one alert; plain JSON. */
export interface AlertState {
  readonly status: AlertStatus;
  /** Rows up to here are judged; epoch milliseconds. */
  readonly judgedUntilMs: number;
  /** Of the newest episode; absent if there was none. */
  readonly episode?: AlertEpisode;
}

/** What an alert is told: the value of a complete row, or how far its stream has come. */
export type AlertObservation =
  | {
      readonly kind: 'sample';
      readonly windowStartMs: number;
      readonly windowEndMs: number;
      readonly value: number;
    }
  /** Every row that ends at or before this has been told. */
  | { readonly kind: 'watermark'; readonly watermarkMs: number };

/** `breach`: the first row; `held`: for as long as `for` says; `recovered`: a row that does not breach. */
export type TransitionReason = 'breach' | 'held' | 'recovered' | 'no-data';

export interface AlertTransition {
  readonly from: AlertStatus;
  readonly to: AlertStatus;
  readonly reason: TransitionReason;
  /** When it happened in event time, epoch milliseconds. */
  readonly atMs: number;
  /** The value of the row that caused it; absent for `no-data`. */
  readonly value?: number;
  readonly episode: AlertEpisode;
  /** Number of this transition within its episode, from 0. */
  readonly sequence: number;
}

export interface Decision {
  readonly state: AlertState;
  /** In order; a row that comes after a silence may cause two. */
  readonly transitions: readonly AlertTransition[];
}

/**
 * What an observation makes of an alert.
 *
 * @param state undefined: nothing is known of it yet
 */
export function decideTransitions(
  rule: AlertRule,
  state: AlertState | undefined,
  observation: AlertObservation,
): Decision {
  const silenced = endBySilence(rule, state ?? NOTHING_JUDGED, observation);
  if (observation.kind === 'watermark') return silenced;
  const { windowEndMs } = observation;
  if (windowEndMs <= silenced.state.judgedUntilMs) return silenced;
  const judged = judge(rule, { ...silenced.state, judgedUntilMs: windowEndMs }, observation);
  return { state: judged.state, transitions: [...silenced.transitions, ...judged.transitions] };
}

const NOTHING_JUDGED: AlertState = { status: 'inactive', judgedUntilMs: -Infinity };

/** Is there something that an observation can end. */
export function isActive({ status }: AlertState): boolean {
  return status === 'pending' || status === 'firing';
}

function endBySilence(rule: AlertRule, state: AlertState, observation: AlertObservation): Decision {
  const { episode } = state;
  const endsMs = state.judgedUntilMs + rule.noDataAfterMs;
  if (episode === undefined || !isActive(state) || !isSilentUntil(endsMs, observation))
    return { state, transitions: [] };
  // A2. Judged up to there, so that a row that comes too late can't take back what has been told.
  const silent = { ...state, episode, judgedUntilMs: endsMs };
  return change(silent, { to: afterwards(state), reason: 'no-data', atMs: endsMs });
}

/** Has no row that ends up to there come, nor can one come any more. */
function isSilentUntil(endsMs: number, observation: AlertObservation): boolean {
  return observation.kind === 'watermark'
    ? observation.watermarkMs >= endsMs
    : observation.windowEndMs > endsMs;
}

type Sample = AlertObservation & { kind: 'sample' };

function judge(rule: AlertRule, state: AlertState, sample: Sample): Decision {
  const { windowStartMs: startMs, windowEndMs: atMs, value } = sample;
  const isBreach = breaches(rule, value);
  if (!isActive(state) || state.episode === undefined) {
    if (!isBreach) return { state, transitions: [] };
    // Every episode begins from nothing, whatever came of the one before it.
    const episode = { startMs, breachedSinceMs: atMs, transitions: 0 };
    const begun = { ...state, status: 'inactive' as const, episode };
    return change(begun, { to: rule.forMs > 0 ? 'pending' : 'firing', reason: 'breach', atMs, value });
  }
  const active = { ...state, episode: state.episode };
  if (!isBreach) return change(active, { to: afterwards(state), reason: 'recovered', atMs, value });
  const isHeld = state.status === 'pending' && atMs - active.episode.breachedSinceMs >= rule.forMs;
  return isHeld ? change(active, { to: 'firing', reason: 'held', atMs, value }) : { state, transitions: [] };
}

function breaches({ condition }: AlertRule, value: number): boolean {
  return condition.direction === 'above' ? value > condition.limit : value < condition.limit;
}

/** What never fired has nothing to resolve. */
function afterwards({ status }: AlertState): AlertStatus {
  return status === 'firing' ? 'resolved' : 'inactive';
}

/** A3. The one place that counts transitions. */
function change(
  state: AlertState & { readonly episode: AlertEpisode },
  { to, reason, atMs, value }: Pick<AlertTransition, 'to' | 'reason' | 'atMs'> & { readonly value?: number },
): Decision {
  const sequence = state.episode.transitions;
  const fired = to === 'firing' ? { firedMs: atMs } : {};
  const episode = { ...state.episode, ...fired, transitions: sequence + 1 };
  const transition = { from: state.status, to, reason, atMs, episode, sequence };
  return {
    state: { ...state, status: to, episode },
    transitions: [value === undefined ? transition : { ...transition, value }],
  };
}
