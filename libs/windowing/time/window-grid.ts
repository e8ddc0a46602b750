import type { AlignedWindow, TimeWindow } from './window.js';

/**
 * Where the windows of an aligned definition lie: each start has one end, and a later start never an earlier end.
 * Every moment is in at least one window.
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

export function gridOf(definition: AlignedWindow): WindowGrid {
  const { sizeMs, offsetMs } = definition;
  const everyMs = definition.kind === 'tumbling' ? sizeMs : definition.everyMs;
  return new FixedGrid(sizeMs, everyMs, offsetMs);
}

/** Every window that holds `timeMs`, oldest first. */
export function windowsAt(grid: WindowGrid, timeMs: number): readonly TimeWindow[] {
  const windows: TimeWindow[] = [];
  let startMs = grid.startAtOrBefore(timeMs);
  let endMs = grid.endOf(startMs);
  while (endMs > timeMs) {
    windows.unshift({ startMs, endMs });
    startMs = grid.startAtOrBefore(startMs - 1);
    endMs = grid.endOf(startMs);
  }
  return windows;
}

/** Is it one of the grid's windows: false for what was cut by a former version of the pipeline. */
export function isWindowOf(grid: WindowGrid, { startMs, endMs }: TimeWindow): boolean {
  return grid.startAtOrBefore(startMs) === startMs && grid.endOf(startMs) === endMs;
}
