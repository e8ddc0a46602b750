import type { AlertRule } from '../alert-rule.js';
import { type AlertState, type Decision, isActive, isAlerting, type JudgedSample } from './alert-status.js';
import { changeStatus } from './change-status.js';
import type { AlertObservation } from './alert-status.js';
import { without } from './without.js';

// A row may be corrected while its series allows lateness. For that long an alert remembers the rows of its episode
// and what it was before them; a correction judges them again:
//
//     rows            ok   bad  bad            correction of the row of 2m: ok
//     told                 pending firing      resolved (updated): without it there was no firing
//
// C1. A correction only ever takes back. One that makes a breach of what was none is not judged: an alert says what
//     was known when its windows completed.

type Replay = (rule: AlertRule, state: AlertState, observation: AlertObservation) => Decision;
type Correction = AlertObservation & { kind: 'correction' };

/** More rows than this are not remembered: a correction of an older one undoes nothing. */
const MAX_SAMPLES = 64;

/** What is remembered after a row was judged. `before`: what it was before the row. */
export function rememberSample(
  rule: AlertRule,
  [before, after]: readonly [AlertState, AlertState],
  { sample, replay }: { readonly sample: JudgedSample; readonly replay: Replay },
): AlertState {
  if (rule.correctableMs === undefined || after.flapping !== undefined) return withoutUndo(after);
  const hasBegun = after.episode !== undefined && after.episode.startMs !== before.episode?.startMs;
  if (!hasBegun && before.undo === undefined) return after;
  const undo =
    hasBegun || before.undo === undefined
      ? { before: withoutUndo(before), samples: [sample] }
      : { ...before.undo, samples: [...before.undo.samples, sample] };
  return settleSamples(rule, { ...after, undo }, replay);
}

/** Forgets the rows that can't be corrected any more. */
function settleSamples(rule: AlertRule, state: AlertState, replay: Replay): AlertState {
  const plain = withoutCorrections(rule);
  let { before, samples } = state.undo!;
  const settledMs = state.judgedUntilMs - (rule.correctableMs ?? 0);
  while (samples.length > 0 && (samples.length > MAX_SAMPLES || samples[0]![1] <= settledMs)) {
    before = replay(plain, before, observationOf(samples[0]!)).state;
    samples = samples.slice(1);
  }
  return samples.length === 0 ? withoutUndo(state) : { ...state, undo: { before, samples } };
}

/** What a corrected row makes of an alert. */
export function correct(
  rule: AlertRule,
  state: AlertState,
  correction: Correction,
  replay: Replay,
): Decision {
  const unchanged = { state, transitions: [] };
  if (state.undo === undefined || state.flapping !== undefined) return unchanged;
  const { before } = state.undo;
  const index = state.undo.samples.findIndex(
    ([startMs, endMs]) => startMs === correction.windowStartMs && endMs === correction.windowEndMs,
  );
  if (index < 0) return unchanged;
  const samples = state.undo.samples.toSpliced(index, 1, ...sampleOf(rule, correction));
  const again = judgeAgain(withoutCorrections(rule), before, { samples, replay });
  const corrected = { ...state, undo: { before, samples } };
  return outcome(corrected, again, correction.value);
}

interface Again {
  readonly state: AlertState;
  readonly hasFired: boolean;
}

function judgeAgain(
  rule: AlertRule,
  before: AlertState,
  { samples, replay }: { readonly samples: readonly JudgedSample[]; readonly replay: Replay },
): Again {
  let state = before;
  let hasFired = isAlerting(before.status);
  for (const sample of samples) {
    const decision = replay(rule, state, observationOf(sample));
    state = decision.state;
    hasFired ||= decision.transitions.some(({ to }) => to === 'firing');
  }
  return { state, hasFired };
}

function outcome(state: AlertState, again: Again, value: number | undefined): Decision {
  const { episode } = state;
  const isPending = again.state.status === 'pending';
  if (episode === undefined || again.hasFired || !isUndone(state, isPending))
    return { state, transitions: [] };
  const to = undoneStatus(state, isPending);
  const breachedSinceMs =
    (isPending ? again.state.episode : episode)?.breachedSinceMs ?? episode.breachedSinceMs;
  const kept = to === 'resolved' ? episode : without(episode, 'firedMs');
  const change = { to, reason: 'updated', atMs: state.judgedUntilMs, value } as const;
  const decision = changeStatus({ ...state, episode: { ...kept, breachedSinceMs } }, change);
  // Taken back once: what is corrected after that has nothing left to undo.
  const done = to === 'pending' ? decision.state : withoutUndo(decision.state);
  return { ...decision, state: withRecent(done, again.state) };
}

/** Had it fired; or was it pending, and is that not any more. */
function isUndone({ status, episode }: AlertState, isPending: boolean): boolean {
  return episode?.firedMs !== undefined || (status === 'pending' && !isPending);
}

function undoneStatus(state: AlertState, isPending: boolean): 'pending' | 'resolved' | 'inactive' {
  if (isActive(state) && isPending) return 'pending';
  return state.episode?.firedMs === undefined ? 'inactive' : 'resolved';
}

function withRecent(state: AlertState, { recent }: AlertState): AlertState {
  return recent === undefined ? state : { ...state, recent };
}

function sampleOf(
  rule: AlertRule,
  { windowStartMs, windowEndMs, value, verdict }: Correction,
): readonly JudgedSample[] {
  return value === undefined ? [] : [[windowStartMs, windowEndMs, value, verdict ?? 'clear']];
}

function observationOf([windowStartMs, windowEndMs, value, verdict]: JudgedSample): AlertObservation {
  return { kind: 'sample', windowStartMs, windowEndMs, value, verdict };
}

function withoutCorrections(rule: AlertRule): AlertRule {
  const plain = without(rule, 'correctableMs');
  return plain;
}

export function withoutUndo(state: AlertState): AlertState {
  if (state.undo === undefined) return state;
  const rest = without(state, 'undo');
  return rest;
}
