/** Things by the time they are due, soonest first; equal times in the order of their names. */
export class TimeHeap {
  readonly #entries: HeapEntry[] = [];

  get size(): number {
    return this.#entries.length;
  }

  peek(): HeapEntry | undefined {
    return this.#entries[0];
  }

  push(entry: HeapEntry): void {
    let place = this.#entries.push(entry) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(entry, this.#entries[parent])) break;
      this.#entries[place] = this.#entries[parent] as HeapEntry;
      place = parent;
    }
    this.#entries[place] = entry;
  }

  /** The soonest, if it is due by `timeMs`. */
  popDue(timeMs: number): HeapEntry | undefined {
    const first = this.#entries[0];
    if (first === undefined || first.dueMs > timeMs) return undefined;
    const last = this.#entries.pop();
    if (last !== undefined && last !== first) this.#sink(last);
    return first;
  }

  #sink(entry: HeapEntry): void {
    let place = 0;
    for (let child = 1; child < this.#entries.length; child = place * 2 + 1) {
      const right = this.#entries[child + 1];
      if (right !== undefined && isBefore(right, this.#entries[child])) child++;
      if (!isBefore(this.#entries[child] as HeapEntry, entry)) break;
      this.#entries[place] = this.#entries[child] as HeapEntry;
      place = child;
    }
    this.#entries[place] = entry;
  }
}

export interface HeapEntry {
  readonly dueMs: number;
  /** A key, or a cell of a key. */
  readonly id: string;
}

function isBefore(a: HeapEntry, b: HeapEntry | undefined): boolean {
  if (b === undefined) return false;
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.id < b.id);
}
