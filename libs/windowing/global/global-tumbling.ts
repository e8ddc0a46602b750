import type { JsonScalar, JsonValue } from '#libs/kernel';
import { type Key, keyId, keyOf } from '../key.js';
import type { Partial } from '../partial.js';
import type { TimeWindow, TumblingWindow } from '../time/window.js';
import { gridOf, isWindowOf, type WindowGrid } from '../time/window-grid.js';
import { DueQueue } from './due-queue.js';
import type {
  GlobalContext,
  GlobalWindows,
  MergeOutcome,
  ProvisionalSink,
  RowSink,
} from './global-windows.js';
import { newestOf } from './newest-of.js';
import { nameBegin } from './stored-name.js';
import { type CellPlace, WindowCell } from './window-cell.js';
import { type KeyedWindow, WindowQueue } from './window-queue.js';

/** Windows side by side: a cell a window and key. */
export class GlobalTumbling implements GlobalWindows {
  readonly #grid: WindowGrid;
  readonly #queue: WindowQueue<WindowCell>;
  readonly #due = new DueQueue<WindowCell>();
  readonly #changedOpen = new Set<WindowCell>();
  /** In the order of their first change; some of them may be dirty no more. */
  #dirty: WindowCell[] = [];
  #removed: string[] = [];
  /** Of the window that a cell was made in last. */
  #place: CellPlace | undefined;

  constructor(
    private readonly context: GlobalContext,
    definition: TumblingWindow,
  ) {
    this.#grid = gridOf(definition);
    this.#queue = new WindowQueue(context.series);
  }

  merge(partial: Partial): MergeOutcome {
    if (!isWindowOf(this.#grid, partial)) return { kind: 'unknown-series' };
    const window = this.#queue.take(partial, this.context.limits);
    if (window === undefined) return { kind: 'too-late' };
    const cell = this.#cellOf(window, partial.key);
    cell.merge(partial);
    this.#mark(cell);
    if (window.isComplete) this.#due.add(cell);
    else this.#changedOpen.add(cell);
    return { kind: 'merged' };
  }

  advance(): void {
    for (const { cells } of this.#queue.completed(this.context.limits)) {
      for (const cell of cells.values()) {
        this.#due.add(cell);
        // It is shown by its row, which comes at once.
        this.#changedOpen.delete(cell);
      }
    }
  }

  get nextDueMs(): number | undefined {
    return this.#due.nextMs;
  }

  emit(upToMs: number, most: number, into: RowSink): number {
    for (let emitted = 0; emitted < most; emitted++) {
      const cell = this.#due.take(upToMs);
      if (cell === undefined) return emitted;
      into.add(cell.result(), cell.show());
      cell.revision += 1;
      this.#mark(cell);
    }
    return most;
  }

  takeProvisional(newest: number, into: ProvisionalSink): void {
    for (const cell of newestOf(this.#changedOpen, newest)) into.add(cell.result(), cell.show());
    this.#changedOpen.clear();
  }

  forgetFinal(most: number): number {
    let forgotten = 0;
    for (const cell of this.#queue.finished(this.context.limits, most)) {
      forgotten += 1;
      cell.isDirty = false;
      if (cell.isStored) this.#removed.push(cell.name);
    }
    return forgotten;
  }

  restore(name: readonly JsonScalar[], value: JsonValue): boolean {
    const { series, limits } = this.context;
    const [startMs, endMs, ...values] = name as [number, number, ...JsonScalar[]];
    if (values.length !== series.by.length || !isWindowOf(this.#grid, { startMs, endMs })) return false;
    const { window, cells } = this.#queue.restore({ startMs, endMs }, limits);
    const key = keyOf(series, values);
    cells.set(keyId(series, key), new WindowCell(this.#placeOf(window), key, value));
    return true;
  }

  restored(): void {
    for (const { cells, isComplete } of this.#queue.windows()) {
      if (!isComplete) continue;
      for (const cell of cells.values()) if (cell.wantsRow) this.#due.add(cell);
    }
  }

  *changes(): Iterable<readonly [string, JsonValue | undefined]> {
    for (const cell of this.#dirty) {
      // Forgotten since.
      if (!cell.isDirty) continue;
      cell.isDirty = false;
      cell.isStored = true;
      yield [cell.name, cell.encode()];
    }
    this.#dirty = [];
    for (const name of this.#removed) yield [name, undefined];
    this.#removed = [];
  }

  *cells(): Iterable<readonly [string, JsonValue]> {
    for (const { cells } of this.#queue.windows())
      for (const cell of cells.values()) yield [cell.name, cell.encode()];
  }

  #mark(cell: WindowCell): void {
    if (cell.isDirty) return;
    cell.isDirty = true;
    this.#dirty.push(cell);
  }

  #cellOf({ window, cells }: KeyedWindow<WindowCell>, key: Key): WindowCell {
    const id = keyId(this.context.series, key);
    let cell = cells.get(id);
    if (cell === undefined) {
      cell = new WindowCell(this.#placeOf(window), key);
      cells.set(id, cell);
    }
    return cell;
  }

  #placeOf(window: TimeWindow): CellPlace {
    if (this.#place?.window === window) return this.#place;
    const { series, stream } = this.context;
    const begin = nameBegin(this.context, [window.startMs, window.endMs]);
    return (this.#place = { series, stream, window, nameBegin: begin });
  }
}
