import TinyQueue from 'tinyqueue';
import type { TimeWindow } from '../time/window.js';

/** What a row is made of. */
export interface DueCell {
  readonly window: TimeWindow;
  /** It stands in the queue. */
  isDue: boolean;
}

interface Entry<C> {
  readonly cell: C;
  readonly endMs: number;
  readonly number: number;
}

const byEnd = <C>(a: Entry<C>, b: Entry<C>): number => a.endMs - b.endMs || a.number - b.number;

/** The cells whose rows are to be emitted, by end of window and then in order of arrival; each is in it once. */
export class DueQueue<C extends DueCell> {
  readonly #entries = new TinyQueue<Entry<C>>([], byEnd<C>);
  #added = 0;

  /** End of the first cell's window; undefined: it is empty. */
  get nextMs(): number | undefined {
    return this.#entries.peek()?.endMs;
  }

  add(cell: C): void {
    if (cell.isDue) return;
    cell.isDue = true;
    this.#entries.push({ cell, endMs: cell.window.endMs, number: this.#added++ });
  }

  /** Takes out the first cell, if its window ends at or before `upToMs`. */
  take(upToMs: number): C | undefined {
    const head = this.#entries.peek();
    if (head === undefined || head.endMs > upToMs) return undefined;
    this.#entries.pop();
    head.cell.isDue = false;
    return head.cell;
  }
}
