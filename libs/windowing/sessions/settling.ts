import type { SeriesDefinition } from '../series.js';

/**
 * For how long after its end a row of the series can change, in milliseconds of the watermark: what `phaseOf` is to
 * be given. The allowed lateness; for sessions the gap on top, since an event that makes one grow is late only when
 * the session that it would be by itself is; −∞ for windows that a count completes: their rows never change.
 */
export function settlingMs({
  window,
  allowedLatenessMs,
}: Pick<SeriesDefinition, 'window' | 'allowedLatenessMs'>): number {
  if (window.kind === 'global') return -Infinity;
  return window.kind === 'session' ? allowedLatenessMs + window.gapMs : allowedLatenessMs;
}
