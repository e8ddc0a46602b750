import type { Aggregator } from './aggregator.js';
import { count, type CountState } from './count.js';
import { sum, type SumState } from './sum.js';

/**
 * Events, or the sum of a field, for each second of the window; `null` where the window has no length that is known.
 * The whole length of the window counts, also while it is still filling. A sum skips what is not a finite number.
 *
 * @param of `events` (default) looks at no value; `sum` adds up the value that the measure looks at
 */
export function rate(of?: 'events'): Aggregator<CountState, number | null>;
export function rate(of: 'sum'): Aggregator<SumState, number | null>;
export function rate(
  of: 'events' | 'sum' = 'events',
): Aggregator<CountState, number | null> | Aggregator<SumState, number | null> {
  return of === 'sum' ? perSecond(sum()) : perSecond(count());
}

function perSecond<S>(total: Aggregator<S, number>): Aggregator<S, number | null> {
  return {
    ...total,
    name: 'rate',
    result: (state, window) => {
      if (window === undefined) return null;
      const seconds = (window.endMs - window.startMs) / 1_000;
      // 0 seconds give no finite rate.
      const rate = total.result(state) / seconds;
      return Number.isFinite(seconds) && Number.isFinite(rate) ? rate : null;
    },
  };
}
