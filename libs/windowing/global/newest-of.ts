import type { TimeWindow } from '../time/window.js';

/** At most so many of the cells: those of the windows that start last. */
export function newestOf<C extends { readonly window: TimeWindow }>(
  cells: ReadonlySet<C>,
  most: number,
): Iterable<C> {
  if (cells.size <= most) return cells;
  return [...cells].sort((a, b) => b.window.startMs - a.window.startMs).slice(0, most);
}
