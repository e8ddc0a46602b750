import type { KeyId } from '../key.js';
import type { Pane } from '../time/window-grid.js';
import type { PaneCell } from './pane-cell.js';

/** A pane with the cells of all its keys. */
export interface KeyedPane {
  readonly pane: Pane;
  readonly cells: Map<KeyId, PaneCell>;
}

/** The panes of one series and stream, by start. */
export class SortedPanes {
  readonly #byStart = new Map<number, KeyedPane>();
  /** Nearly always added at the end, and taken from the beginning. */
  readonly #sorted: KeyedPane[] = [];

  get size(): number {
    return this.#sorted.length;
  }

  get oldest(): KeyedPane | undefined {
    return this.#sorted[0];
  }

  get(startMs: number): KeyedPane | undefined {
    return this.#byStart.get(startMs);
  }

  add(pane: Pane): KeyedPane {
    const keyed: KeyedPane = { pane, cells: new Map() };
    this.#byStart.set(pane.startMs, keyed);
    this.#sorted.splice(this.#placeOf(pane.startMs), 0, keyed);
    return keyed;
  }

  removeOldest(): void {
    const oldest = this.#sorted.shift();
    if (oldest !== undefined) this.#byStart.delete(oldest.pane.startMs);
  }

  /** Those that start in the half-open stretch. */
  *between(startMs: number, endMs: number): Iterable<KeyedPane> {
    for (let i = this.#placeOf(startMs); i < this.#sorted.length; i++) {
      const keyed = this.#sorted[i]!;
      if (keyed.pane.startMs >= endMs) return;
      yield keyed;
    }
  }

  all(): Iterable<KeyedPane> {
    return this.#sorted;
  }

  /** The place of the first that starts at or after it. */
  #placeOf(startMs: number): number {
    let [low, high] = [0, this.#sorted.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sorted[middle]!.pane.startMs < startMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
