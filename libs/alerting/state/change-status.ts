import type { AlertRule } from '../alert-rule.js';
import type { AlertState, AlertStatus, AlertTransition, Decision } from './alert-status.js';
import { without } from './without.js';

/** What a change needs to be told. */
export type Change = Pick<AlertTransition, 'to' | 'reason' | 'atMs'> & {
  readonly value?: number | undefined;
};

type InEpisode = AlertState & { readonly episode: NonNullable<AlertState['episode']> };

/** A3. The one place that counts transitions. */
export function changeStatus(state: InEpisode, change: Change, isFlapping = false): Decision {
  const { to, reason, atMs, value } = change;
  const sequence = state.episode.transitions;
  const hasFired = to === 'firing' && state.episode.firedMs === undefined;
  const episode = { ...state.episode, ...(hasFired ? { firedMs: atMs } : {}), transitions: sequence + 1 };
  const transition = { from: state.status, to, reason, atMs, episode, sequence };
  const rest = without(state, 'clearSinceMs');
  return {
    state: { ...rest, status: to, episode, ...(to === 'recovering' ? { clearSinceMs: atMs } : {}) },
    transitions: [
      {
        ...transition,
        ...(value === undefined ? {} : { value }),
        ...(isFlapping ? { flapping: true as const } : {}),
      },
    ],
  };
}

/**
 * A change into or out of `firing`: the one that makes it too many is told as `flapping`, and those after it not at
 * all until it is steady again.
 */
export function changeOrFlap(rule: AlertRule, state: InEpisode, change: Change): Decision {
  const { flapping } = rule;
  const isCounted = change.to === 'firing' || state.status === 'firing';
  if (flapping === undefined || !isCounted) return changeStatus(state, change);
  const recent = (state.changes ?? []).filter((atMs) => atMs > change.atMs - flapping.withinMs);
  const changes = [...recent, change.atMs].slice(-flapping.changes);
  if (changes.length < flapping.changes) return changeStatus({ ...state, changes }, change);
  const isBreach = change.to === 'firing';
  const marked = { ...state, changes, flapping: { lastChangeMs: change.atMs, isBreach } };
  return changeStatus(marked, { ...change, to: 'firing', reason: 'flapping' }, true);
}

/** What never fired has nothing to resolve. */
export function afterwards({ status, episode }: AlertState): AlertStatus {
  return status === 'nodata' || (status !== 'pending' && episode?.firedMs !== undefined)
    ? 'resolved'
    : 'inactive';
}
