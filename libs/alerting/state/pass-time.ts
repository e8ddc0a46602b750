import type { AlertRule } from '../alert-rule.js';
import { type AlertState, type Decision, isActive, NEVER_JUDGED_MS } from './alert-status.js';
import { afterwards, changeOrFlap, changeStatus } from './change-status.js';
import { without } from './without.js';

// What falls due by time alone: silence, the end of `recovering`, the end of flapping, and what silence that counts as
// a breach brings about. A deadline is met in its own order, however far time jumps (A2).

/** Up to where time has passed. A row at a deadline itself still comes before it; the watermark does not. */
export interface PassedTime {
  readonly untilMs: number;
  readonly isRow: boolean;
}

interface Deadline {
  readonly atMs: number;
  readonly meet: (rule: AlertRule, state: AlertState, atMs: number) => Decision;
}

/** Everything that has fallen due. */
export function passTime(rule: AlertRule, state: AlertState, time: PassedTime): Decision {
  let decision: Decision = { state, transitions: [] };
  for (let due = nextDue(rule, state, time); due !== undefined; due = nextDue(rule, decision.state, time)) {
    const met = due.meet(rule, decision.state, due.atMs);
    decision = { state: met.state, transitions: [...decision.transitions, ...met.transitions] };
  }
  return decision;
}

/** Can time alone make anything of it. */
export function waitsForTime(rule: AlertRule, state: AlertState): boolean {
  return deadlinesOf(rule, state).length > 0;
}

function nextDue(rule: AlertRule, state: AlertState, { untilMs, isRow }: PassedTime): Deadline | undefined {
  return deadlinesOf(rule, state)
    .filter(({ atMs }) => (isRow ? atMs < untilMs : atMs <= untilMs))
    .reduce<Deadline | undefined>(
      (first, each) => (first === undefined || each.atMs < first.atMs ? each : first),
      undefined,
    );
}

function deadlinesOf(rule: AlertRule, state: AlertState): readonly Deadline[] {
  const { status, clearSinceMs, flapping, episode } = state;
  const found: Deadline[] = [];
  if (isSilenceAwaited(rule, state))
    found.push({ atMs: state.judgedUntilMs + rule.noDataAfterMs, meet: fallSilent });
  if (status === 'recovering' && clearSinceMs !== undefined)
    found.push({ atMs: clearSinceMs + (rule.keepFiringForMs ?? 0), meet: resolve });
  if (flapping !== undefined && rule.flapping !== undefined)
    found.push({ atMs: flapping.lastChangeMs + rule.flapping.withinMs, meet: settle });
  // Not before the silence was one.
  if (status === 'pending' && state.isSilent === true && episode !== undefined)
    found.push({ atMs: Math.max(episode.breachedSinceMs + rule.forMs, state.judgedUntilMs), meet: hold });
  return found;
}

function isSilenceAwaited({ noData = 'ok' }: AlertRule, state: AlertState): boolean {
  if (state.isSilent === true || state.judgedUntilMs === NEVER_JUDGED_MS) return false;
  const hasCounted = (state.recent ?? []).includes(1);
  // Of what does not alert, nothing is kept but for a while: labels may never come back.
  if (noData === 'keep') return hasCounted && !isActive(state);
  return noData !== 'ok' || isActive(state) || hasCounted;
}

function fallSilent(rule: AlertRule, state: AlertState, atMs: number): Decision {
  const rest = without(state, 'recent');
  // Judged up to there, so that a row that comes too late can't take back what has been told.
  const silent: AlertState = { ...rest, judgedUntilMs: atMs };
  switch (rule.noData ?? 'ok') {
    case 'nodata':
      return tellSilence({ ...silent, isSilent: true }, atMs);
    case 'breach':
      return breachBySilence(rule, { ...silent, isSilent: true }, { atMs, lastRowMs: state.judgedUntilMs });
    default:
      return endBySilence(rule, silent, atMs);
  }
}

function endBySilence(rule: AlertRule, state: AlertState, atMs: number): Decision {
  const steady = without(state, 'flapping');
  if (steady.episode === undefined || !isActive(steady)) return { state: steady, transitions: [] };
  // A pattern has no rows that are clear: its quiet is how it recovers.
  const reason = rule.condition.kind === 'pattern' ? 'recovered' : 'no-data';
  return changeStatus({ ...steady, episode: steady.episode }, { to: afterwards(steady), reason, atMs });
}

function tellSilence(state: AlertState, atMs: number): Decision {
  const steady = without(state, 'flapping');
  const episode =
    isActive(steady) && steady.episode !== undefined ? steady.episode : newEpisode(steady, atMs, atMs);
  return changeStatus({ ...begun(steady), episode }, { to: 'nodata', reason: 'no-data', atMs });
}

function breachBySilence(
  rule: AlertRule,
  state: AlertState,
  { atMs, lastRowMs }: { readonly atMs: number; readonly lastRowMs: number },
): Decision {
  const change = { reason: 'no-data', atMs } as const;
  if (!isActive(state) || state.episode === undefined) {
    const fresh = { ...begun(state), episode: newEpisode(state, lastRowMs, atMs) };
    return rule.forMs > 0
      ? changeStatus(fresh, { ...change, to: 'pending' })
      : changeOrFlap(rule, fresh, { ...change, to: 'firing' });
  }
  if (state.status !== 'recovering') return { state, transitions: [] };
  return changeOrFlap(rule, { ...state, episode: state.episode }, { ...change, to: 'firing' });
}

function resolve(rule: AlertRule, state: AlertState, atMs: number): Decision {
  if (state.episode === undefined) return { state, transitions: [] };
  return changeStatus({ ...state, episode: state.episode }, { to: 'resolved', reason: 'recovered', atMs });
}

function settle(_rule: AlertRule, state: AlertState, atMs: number): Decision {
  const { flapping } = state;
  const steady = without(state, 'flapping', 'changes');
  if (steady.episode === undefined) return { state: steady, transitions: [] };
  const to = flapping?.isBreach === true ? 'firing' : 'resolved';
  return changeStatus({ ...steady, episode: steady.episode }, { to, reason: 'settled', atMs });
}

function hold(rule: AlertRule, state: AlertState, atMs: number): Decision {
  if (state.episode === undefined) return { state, transitions: [] };
  return changeOrFlap(rule, { ...state, episode: state.episode }, { to: 'firing', reason: 'held', atMs });
}

/** Every episode begins from nothing, whatever came of the one before it. */
export function begun(state: AlertState): AlertState {
  return isActive(state) ? state : { ...state, status: 'inactive' };
}

/** Two episodes never have the same start, and so never the same name. */
export function newEpisode(
  { episode }: AlertState,
  startMs: number,
  breachedSinceMs: number,
): NonNullable<AlertState['episode']> {
  const least = (episode?.startMs ?? -Infinity) + 1;
  return { startMs: Math.max(startMs, least), breachedSinceMs, transitions: 0 };
}
