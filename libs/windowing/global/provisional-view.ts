import type { WindowCell, WindowResult } from './window-cell.js';

/** Results of windows that are still filling. */
export interface ProvisionalRows {
  readonly rows: readonly WindowResult[];
  /** Arrival of the oldest event that no row has shown before; absent: none. */
  readonly oldestReceivedMs?: number;
}

/** Which open windows have changed since somebody last looked. */
export class ProvisionalView {
  readonly #changed = new Set<WindowCell>();

  changed(cell: WindowCell): void {
    this.#changed.add(cell);
  }

  /** The cell's window is complete, and its row out. */
  forget(cell: WindowCell): void {
    this.#changed.delete(cell);
  }

  /** The rows of the changed cells, of each series and stream at most `newest`: those of the newest windows. */
  take(newest: number): ProvisionalRows {
    const rows: WindowResult[] = [];
    let oldestMs = Infinity;
    for (const cells of this.#bySeriesAndStream()) {
      for (const cell of newestOf(cells, newest)) {
        rows.push(cell.result());
        oldestMs = Math.min(oldestMs, cell.unshownReceivedMs);
        cell.unshownReceivedMs = Infinity;
      }
    }
    this.#changed.clear();
    return { rows, ...(oldestMs === Infinity ? {} : { oldestReceivedMs: oldestMs }) };
  }

  #bySeriesAndStream(): Iterable<WindowCell[]> {
    const groups = new Map<string, WindowCell[]>();
    for (const cell of this.#changed) {
      // A due cell is shown by its row, which comes at once.
      if (cell.isDue) continue;
      const name = `${cell.place.series.name}/${cell.place.stream}`;
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [cell]);
      else group.push(cell);
    }
    return groups.values();
  }
}

function newestOf(cells: WindowCell[], most: number): readonly WindowCell[] {
  if (cells.length <= most) return cells;
  return cells.sort((a, b) => b.place.window.startMs - a.place.window.startMs).slice(0, most);
}
