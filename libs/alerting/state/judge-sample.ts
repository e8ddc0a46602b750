import type { AlertRule } from '../alert-rule.js';
import type { Verdict } from '../kinds/condition.js';
import { type AlertObservation, type AlertState, type Decision, isActive } from './alert-status.js';
import { afterwards, type Change, changeOrFlap, changeStatus } from './change-status.js';
import { begun, newEpisode } from './pass-time.js';
import { without } from './without.js';

export type Sample = AlertObservation & { kind: 'sample' };

/** What the row makes of an alert whose time has passed up to it. `verdict`: of the row by itself. */
export function judgeSample(rule: AlertRule, state: AlertState, sample: Sample, verdict: Verdict): Decision {
  const heard = without(state, 'isSilent');
  const counted = countRecent(rule, { ...heard, judgedUntilMs: sample.windowEndMs }, verdict);
  if (counted.state.flapping !== undefined) return judgeFlapping(counted.state, sample, counted.verdict);
  return judge(rule, counted.state, sample, counted.verdict);
}

/** M of N: a breach is so many of the last rows; what is below is clear only if the row itself is. */
function countRecent(
  { windows }: AlertRule,
  state: AlertState,
  verdict: Verdict,
): { readonly state: AlertState; readonly verdict: Verdict } {
  if (windows === undefined) return { state, verdict };
  const isBreach = verdict === 'breach' ? 1 : 0;
  const recent = [...(state.recent ?? []), isBreach].slice(-windows.of) as (0 | 1)[];
  const breaching = recent.filter((each) => each === 1).length;
  const together = breaching >= windows.breaching ? 'breach' : verdict === 'clear' ? 'clear' : 'between';
  return { state: { ...state, recent }, verdict: together };
}

function judge(rule: AlertRule, state: AlertState, sample: Sample, verdict: Verdict): Decision {
  const { windowEndMs: atMs, value, windowStartMs } = sample;
  if (!isActive(state) || state.episode === undefined) {
    if (verdict !== 'breach') return { state, transitions: [] };
    return begin(rule, { ...begun(state), episode: newEpisode(state, windowStartMs, atMs) }, { atMs, value });
  }
  const active = { ...state, episode: state.episode };
  switch (state.status) {
    case 'pending':
      return judgePending(rule, active, { atMs, value }, verdict);
    case 'firing':
      return verdict === 'clear' ? recover(rule, active, { atMs, value }) : { state, transitions: [] };
    case 'recovering':
      return judgeRecovering(rule, active, { atMs, value }, verdict);
    default:
      return judgeNoData(rule, active, { atMs, value }, verdict);
  }
}

type Active = AlertState & { readonly episode: NonNullable<AlertState['episode']> };
type Moment = Required<Pick<Change, 'atMs'>> & { readonly value: number };

function begin(rule: AlertRule, state: Active, moment: Moment): Decision {
  return rule.forMs > 0
    ? changeStatus(state, { ...moment, to: 'pending', reason: 'breach' })
    : changeOrFlap(rule, state, { ...moment, to: 'firing', reason: 'breach' });
}

function judgePending(rule: AlertRule, state: Active, moment: Moment, verdict: Verdict): Decision {
  if (verdict !== 'breach')
    return changeStatus(state, { ...moment, to: afterwards(state), reason: 'recovered' });
  const isHeld = moment.atMs - state.episode.breachedSinceMs >= rule.forMs;
  if (!isHeld) return { state, transitions: [] };
  return changeOrFlap(rule, state, { ...moment, to: 'firing', reason: 'held' });
}

function recover(rule: AlertRule, state: Active, moment: Moment): Decision {
  const to = (rule.keepFiringForMs ?? 0) > 0 ? 'recovering' : 'resolved';
  return changeOrFlap(rule, state, { ...moment, to, reason: 'recovered' });
}

function judgeRecovering(rule: AlertRule, state: Active, moment: Moment, verdict: Verdict): Decision {
  if (verdict !== 'clear') return changeOrFlap(rule, state, { ...moment, to: 'firing', reason: 'relapsed' });
  const isOver = moment.atMs - (state.clearSinceMs ?? moment.atMs) >= (rule.keepFiringForMs ?? 0);
  return isOver
    ? changeStatus(state, { ...moment, to: 'resolved', reason: 'recovered' })
    : { state, transitions: [] };
}

/** Data is back: what it says goes on in the same episode. */
function judgeNoData(rule: AlertRule, state: Active, moment: Moment, verdict: Verdict): Decision {
  if (verdict !== 'breach') return changeStatus(state, { ...moment, to: 'resolved', reason: 'recovered' });
  const unfired = without(state.episode, 'firedMs');
  return begin(rule, { ...state, episode: { ...unfired, breachedSinceMs: moment.atMs } }, moment);
}

/** It is told again only when it has been steady; see settle in pass-time.ts. */
function judgeFlapping(state: AlertState, { windowEndMs }: Sample, verdict: Verdict): Decision {
  const isBreach = state.flapping!.isBreach;
  if (verdict === 'between' || (verdict === 'breach') === isBreach) return { state, transitions: [] };
  return {
    state: { ...state, flapping: { lastChangeMs: windowEndMs, isBreach: !isBreach } },
    transitions: [],
  };
}
