import type { AlertRule } from './alert-rule.js';
import { verdictOf } from './kinds/condition.js';
import {
  type AlertObservation,
  type AlertState,
  type Decision,
  isActive,
  NOTHING_JUDGED,
} from './state/alert-status.js';
import { correct, rememberSample } from './state/corrections.js';
import { judgeSample, type Sample } from './state/judge-sample.js';
import { passTime, waitsForTime } from './state/pass-time.js';

// What becomes of one alert (one rule, one set of labels), in event time only:
//
//     rows         ok   bad   bad   bad   ok           bad   (nothing any more)
//     window end   1m   2m    3m    4m    5m           9m          9m + noDataAfter
//     for: 1m      inactive   pending     |            pending ->  inactive (no-data)
//                             2m   firing 3m  resolved 5m
//
// A1. Windows are judged once, in the order of their ends: a row at or before what has been judged changes nothing,
//     unless it is a correction that takes back what an alert was told for (state/corrections.ts).
// A2. What happens between two rows does not depend on when the watermark was told: silence ends an alert at the
//     end of its last row + noDataAfter, whether the watermark or a later row shows it.
// A3. Every transition has a number within its episode; an episode has the start of its first breaching window. So
//     the same rows give the same ids after any crash or replay.

export {
  ALERT_STATUSES,
  type AlertEpisode,
  type AlertObservation,
  type AlertState,
  type AlertStatus,
  type AlertTransition,
  type Decision,
  isActive,
  isAlerting,
  NEVER_JUDGED_MS,
  type TransitionReason,
} from './state/alert-status.js';
export { waitsForTime } from './state/pass-time.js';

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
  const known = state ?? NOTHING_JUDGED;
  switch (observation.kind) {
    case 'watermark':
      return passTime(rule, known, { untilMs: observation.watermarkMs, isRow: false });
    case 'sample':
      return takeSample(rule, known, observation);
    case 'correction': {
      const { value, verdict } = observation;
      const judged = verdict ?? (value === undefined ? undefined : verdictOf(rule.condition, value));
      return correct(
        rule,
        known,
        { ...observation, ...(judged === undefined ? {} : { verdict: judged }) },
        decideTransitions,
      );
    }
    default:
      return observation satisfies never;
  }
}

function takeSample(rule: AlertRule, state: AlertState, sample: Sample): Decision {
  const passed = passTime(rule, state, { untilMs: sample.windowEndMs, isRow: true });
  if (sample.windowEndMs <= passed.state.judgedUntilMs) return passed;
  const verdict = sample.verdict ?? verdictOf(rule.condition, sample.value);
  const judged = judgeSample(rule, passed.state, sample, verdict);
  const remembered = rememberSample(rule, [passed.state, judged.state], {
    sample: [sample.windowStartMs, sample.windowEndMs, sample.value, verdict],
    replay: decideTransitions,
  });
  return { state: remembered, transitions: [...passed.transitions, ...judged.transitions] };
}

/**
 * Has nothing that is still to come anything to do with what is remembered: it may be forgotten.
 *
 * @param settlingMs for how long after its end a row can still change
 */
export function isForgettable(
  rule: AlertRule,
  state: AlertState,
  { watermarkMs, settlingMs }: { readonly watermarkMs: number; readonly settlingMs: number },
): boolean {
  if (isActive(state) || waitsForTime(rule, state)) return false;
  const lastChangeMs = state.changes?.at(-1) ?? -Infinity;
  const isCalm = lastChangeMs + (rule.flapping?.withinMs ?? 0) <= watermarkMs;
  return isCalm && state.judgedUntilMs <= watermarkMs - settlingMs;
}
