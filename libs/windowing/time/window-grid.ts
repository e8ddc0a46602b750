import type { AlignedWindow, TimeWindow } from './window.js';
import { ZonedSteps } from './zoned-steps.js';

const DAY_MS = 86_400_000;

/**
 * Where the windows of an aligned definition lie: each start has one end, and a later start never an earlier end.
 * Every moment is in at least one window.
 *
 * With a time zone windows start at the steps of its wall clock. Tumbling: they end at the next. Hopping: windows of
 * whole days end at the same wall clock so many days later, smaller ones after `size / every` steps.
 */
export interface WindowGrid {
  /** The newest start at or before the time. */
  startAtOrBefore(timeMs: number): number;
  /** The oldest start after the time. */
  startAfter(timeMs: number): number;
  /** The end of the window that starts there. */
  endOf(startMs: number): number;
}

/** Windows aligned to the epoch. */
class FixedGrid implements WindowGrid {
  constructor(
    private readonly sizeMs: number,
    private readonly everyMs: number,
    private readonly offsetMs: number,
  ) {}

  startAtOrBefore(timeMs: number): number {
    // Floor, not truncation: before the epoch the start must still be at or below the event.
    return Math.floor((timeMs - this.offsetMs) / this.everyMs) * this.everyMs + this.offsetMs;
  }

  startAfter(timeMs: number): number {
    return this.startAtOrBefore(timeMs) + this.everyMs;
  }

  endOf(startMs: number): number {
    return startMs + this.sizeMs;
  }
}

/** Windows that follow the wall clock of a time zone. */
class ZonedGrid implements WindowGrid {
  readonly #steps: ZonedSteps;

  constructor(
    private readonly sizeMs: number,
    private readonly everyMs: number,
    { offsetMs, timeZone }: { readonly offsetMs: number; readonly timeZone: string },
  ) {
    this.#steps = new ZonedSteps(timeZone, everyMs, offsetMs);
  }

  startAtOrBefore(timeMs: number): number {
    return this.#steps.atOrBefore(timeMs);
  }

  startAfter(timeMs: number): number {
    return this.#steps.after(timeMs);
  }

  endOf(startMs: number): number {
    // Days are those of the calendar, whatever the distance of the starts: of 23 and 25 hours, too.
    if (this.sizeMs > this.everyMs && this.sizeMs % DAY_MS === 0)
      return this.#steps.later(startMs, this.sizeMs);
    return this.#steps.stepsAfter(startMs, Math.round(this.sizeMs / this.everyMs));
  }
}

/** Made once a definition: a grid in a time zone remembers where the clock was changed. */
const GRIDS = new WeakMap<AlignedWindow, WindowGrid>();

export function gridOf(definition: AlignedWindow): WindowGrid {
  let grid = GRIDS.get(definition);
  if (grid === undefined) {
    const { sizeMs, offsetMs, timeZone } = definition;
    const everyMs = definition.kind === 'tumbling' ? sizeMs : definition.everyMs;
    grid =
      timeZone === undefined
        ? new FixedGrid(sizeMs, everyMs, offsetMs)
        : new ZonedGrid(sizeMs, everyMs, { offsetMs, timeZone });
    GRIDS.set(definition, grid);
  }
  return grid;
}

/** Every window that holds `timeMs`, oldest first. */
export function windowsAt(grid: WindowGrid, timeMs: number): readonly TimeWindow[] {
  const windows: TimeWindow[] = [];
  let startMs = grid.startAtOrBefore(timeMs);
  let endMs = grid.endOf(startMs);
  while (endMs > timeMs) {
    windows.push({ startMs, endMs });
    startMs = grid.startAtOrBefore(startMs - 1);
    endMs = grid.endOf(startMs);
  }
  return windows.reverse();
}

/**
 * The stretch around a time that lies in the same windows all through, and those, oldest first. Its ends are starts and
 * ends of windows: two panes for each start, one where the distance of starts divides the size.
 *
 *     windows    [───────────)                  size 5, every 3
 *                      [───────────)
 *                            [───────────)
 *     panes      [     )[   )[ )[   )[ )[   )   3, 2, 1, 2, 1, 2
 *
 * Source: Krishnamurthy, Wu, Franklin: On-the-Fly Sharing for Streamed Aggregation, SIGMOD 2006 ("paired windows").
 */
export interface Pane extends TimeWindow {
  readonly windows: readonly TimeWindow[];
}

export function paneAt(grid: WindowGrid, timeMs: number): Pane {
  const windows = windowsAt(grid, timeMs);
  const oldest = windows[0]!;
  const newest = windows.at(-1)!;
  return {
    startMs: Math.max(newest.startMs, grid.endOf(grid.startAtOrBefore(oldest.startMs - 1))),
    endMs: Math.min(grid.startAfter(newest.startMs), oldest.endMs),
    windows,
  };
}

/** Is it one of the grid's windows: false for what was cut by a former version of the pipeline. */
export function isWindowOf(grid: WindowGrid, { startMs, endMs }: TimeWindow): boolean {
  return grid.startAtOrBefore(startMs) === startMs && grid.endOf(startMs) === endMs;
}
