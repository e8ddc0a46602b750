import { murmur3 } from '#libs/kernel';
import type { AlertEvent } from '../alert-event.js';
import type { AlertLabels } from '../alert-identity.js';
import type { AlertRule } from '../alert-rule.js';
import type { AlertState } from '../alert-state.js';
import type { Hits } from '../kinds/pattern.js';

/** One alert as it is kept: what it is, and how it stands. Plain JSON. */
export interface AlertCell {
  readonly rule: string;
  /** What the rule judged by when this was judged, see {@link judgedBy}. */
  readonly judgedBy?: string;
  readonly stream: string;
  readonly labels: AlertLabels;
  /** The global task whose rows it judges: always the same one, as its series and key are. {@link EVENTS} for patterns. */
  readonly upstream: number;
  readonly state: AlertState;
  /** The newest transition as it was told; absent while there was none. */
  readonly told?: AlertEvent;
  /** One too many of its rule: it is part of a storm, and not told by itself. */
  readonly isHeld?: true;
  /** Of a pattern that wants several matches. */
  readonly hits?: Hits;
}

/** In the place of a global task: the alert judges events, which come from all of them. */
export const EVENTS = -1;

/**
 * Changes when a rule judges by something else, or its alerts are others. Severity, texts, times and noise control are
 * not part of it.
 */
export function judgedBy({ series, condition, windows, minSamples, labels }: AlertRule): string {
  // Functions are left out of JSON; what they compute stands in `expression`.
  const text = JSON.stringify([
    series,
    condition,
    windows ?? null,
    minSamples ?? null,
    ...(labels ? [labels] : []),
  ]);
  return murmur3(text).toString(16).padStart(8, '0');
}
