import type { WindowCell } from './window-cell.js';

/** The cells whose rows are to be emitted, in order; each is in it once. */
export class DueCells {
  #cells: WindowCell[] = [];
  #taken = 0;

  get length(): number {
    return this.#cells.length - this.#taken;
  }

  add(cell: WindowCell): void {
    if (cell.isDue) return;
    cell.isDue = true;
    this.#cells.push(cell);
  }

  /** Takes out at most `most`, the oldest first. */
  take(most: number): readonly WindowCell[] {
    const cells = this.#cells.slice(this.#taken, this.#taken + most);
    this.#taken += cells.length;
    // Not at every call: hundreds of thousands may be due at once, and moving them each time would be quadratic.
    if (this.#taken * 2 >= this.#cells.length) {
      this.#cells = this.#cells.slice(this.#taken);
      this.#taken = 0;
    }
    for (const cell of cells) cell.isDue = false;
    return cells;
  }
}
