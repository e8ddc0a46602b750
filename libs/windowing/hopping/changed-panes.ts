import { type Key, type KeyId, keyId } from '../key.js';
import type { SeriesDefinition } from '../series.js';
import type { TimeWindow } from '../time/window.js';
import type { PaneCell } from './pane-cell.js';

/** Which panes have changed since somebody last looked at the windows they are in. */
export class ChangedPanes {
  readonly #cells = new Set<PaneCell>();

  constructor(private readonly series: SeriesDefinition) {}

  add(cell: PaneCell): void {
    this.#cells.add(cell);
  }

  /** The cell is no more. */
  forget(cell: PaneCell): void {
    this.#cells.delete(cell);
  }

  clear(): void {
    this.#cells.clear();
  }

  /** The windows and keys that count one of them, newest window first. */
  *rows(): Iterable<{ readonly window: TimeWindow; readonly key: Key }> {
    const windows = new Map<number, TimeWindow>();
    for (const { pane } of this.#cells)
      for (const window of pane.windows) windows.set(window.startMs, window);
    for (const window of [...windows.values()].sort((a, b) => b.startMs - a.startMs)) {
      const keys = new Map<KeyId, Key>();
      for (const cell of this.#cells)
        if (isIn(cell, window)) keys.set(keyId(this.series, cell.key), cell.key);
      for (const key of keys.values()) yield { window, key };
    }
  }
}

function isIn(cell: PaneCell, { startMs, endMs }: TimeWindow): boolean {
  return cell.pane.startMs >= startMs && cell.pane.startMs < endMs && cell.isIn(startMs);
}
