import TinyQueue from 'tinyqueue';
import type { GlobalWindows, RowSink } from './global-windows.js';

interface Entry {
  readonly windows: GlobalWindows;
  readonly nextMs: number;
}

const byNext = (a: Entry, b: Entry): number => a.nextMs - b.nextMs;

/** Of all series and streams, those with rows to emit: whatever the series, rows come by end of window. */
export class DueWindows {
  readonly #due = new Set<GlobalWindows>();

  get isEmpty(): boolean {
    return this.#due.size === 0;
  }

  /** Something of it may have become due, or be due no more: a session that was merged into an open one. */
  look(windows: GlobalWindows): void {
    if (windows.nextDueMs === undefined) this.#due.delete(windows);
    else this.#due.add(windows);
  }

  /** @param budget at most so many rows, > 0 */
  emit(budget: number, into: RowSink): void {
    const queue = new TinyQueue<Entry>([...this.#due].flatMap(entryOf), byNext);
    for (let left = budget; left > 0;) {
      const head = queue.pop();
      if (head === undefined) return;
      left -= head.windows.emit(queue.peek()?.nextMs ?? Infinity, left, into);
      const [again] = entryOf(head.windows);
      if (again === undefined) this.#due.delete(head.windows);
      else queue.push(again);
    }
  }
}

function entryOf(windows: GlobalWindows): readonly Entry[] {
  const nextMs = windows.nextDueMs;
  return nextMs === undefined ? [] : [{ windows, nextMs }];
}
