import type { JsonScalar, JsonValue } from '#libs/kernel';
import { DueQueue } from '../global/due-queue.js';
import type {
  GlobalContext,
  GlobalWindows,
  MergeOutcome,
  ProvisionalSink,
  RowSink,
} from '../global/global-windows.js';
import { storedName } from '../global/stored-name.js';
import { type KeyedWindow, WindowQueue } from '../global/window-queue.js';
import { type Key, keyId, keyOf } from '../key.js';
import type { Partial } from '../partial.js';
import { type Arrival, classifyArrival } from '../time/arrival.js';
import type { HoppingWindow, TimeWindow } from '../time/window.js';
import { gridOf, type Pane, paneAt, type WindowGrid } from '../time/window-grid.js';
import { assembledRow } from './assembled-row.js';
import { ChangedPanes } from './changed-panes.js';
import { PANE_CELL, PaneCell } from './pane-cell.js';
import { ROW_CELL, RowCell } from './row-cell.js';
import { type KeyedPane, SortedPanes } from './sorted-panes.js';

/** Name of the cell that holds the start of the newest window that is final and whose rows are out. */
const SETTLED_CELL = 'settled';
/** Panes that one look at the open windows may put together; the newest windows come first. */
const MOST_PANES_SHOWN = 20_000;

/**
 * Overlapping windows: a cell a pane and key; windows are put together from panes when they are emitted.
 *
 *     panes      [ 3 ][ 2 ][ 4 ][ 1 ]
 *     windows    [─── 5 ──)              complete: a row for each key in its panes, and a cell for its revision
 *                     [─── 6 ──)
 *                          [─── 5 ──)    open: nothing is kept of it but its panes
 *
 * H2. A pane's events count in the windows that the local task took them for: {@link PaneCell} keeps them apart.
 * H3. Rows of complete windows are known as cells until the window is final. Of a window up to the settled one every
 *     row is out, although its panes may still be there for younger windows.
 */
export class GlobalHopping implements GlobalWindows {
  readonly #grid: WindowGrid;
  readonly #panes = new SortedPanes();
  readonly #windows: WindowQueue<RowCell>;
  readonly #due = new DueQueue<RowCell>();
  readonly #changedOpen: ChangedPanes;
  readonly #dirty = new Set<PaneCell | RowCell>();
  #removed: string[] = [];
  #restoredRows: RowCell[] = [];
  #settledMs = -Infinity;
  #isSettledDirty = false;

  constructor(
    private readonly context: GlobalContext,
    definition: HoppingWindow,
  ) {
    this.#grid = gridOf(definition);
    this.#windows = new WindowQueue(context.series);
    this.#changedOpen = new ChangedPanes(context.series);
  }

  merge(partial: Partial): MergeOutcome {
    const pane = this.#paneOf(partial);
    const fromMs = pane === undefined ? undefined : this.#firstStartOf(partial, pane);
    if (pane === undefined || fromMs === undefined) return { kind: 'unknown-series' };
    if (this.#isFinal(pane.windows.at(-1)!)) return { kind: 'too-late' };
    const cell = this.#cellOf(this.#panes.get(pane.startMs) ?? this.#create(pane), partial.key);
    cell.merge(partial, fromMs);
    this.#dirty.add(cell);
    this.#changedOpen.add(cell);
    this.#correct(cell, fromMs);
    return { kind: 'merged' };
  }

  advance(): void {
    for (const keyed of this.#windows.completed(this.context.limits)) this.#complete(keyed);
  }

  get nextDueMs(): number | undefined {
    return this.#due.nextMs;
  }

  emit(upToMs: number, most: number, into: RowSink): number {
    for (let emitted = 0; emitted < most; emitted++) {
      const row = this.#due.take(upToMs);
      if (row === undefined) return emitted;
      const { result, oldestReceivedMs } = this.#assemble(row);
      into.add(result, oldestReceivedMs);
      row.revision += 1;
      this.#dirty.add(row);
    }
    return most;
  }

  takeProvisional(newest: number, into: ProvisionalSink): void {
    let [rowsLeft, panesLeft] = [newest, MOST_PANES_SHOWN];
    for (const { window, key } of this.#changedOpen.rows()) {
      // Older windows are complete, too, and shown by their rows.
      if (rowsLeft-- <= 0 || panesLeft <= 0 || this.#arrival(window) !== 'on-time') break;
      const { result, oldestReceivedMs, panes } = this.#assemble({ window, key, revision: 0 });
      into.add(result, oldestReceivedMs);
      panesLeft -= panes;
    }
    this.#changedOpen.clear();
  }

  forgetFinal(most: number): number {
    let left = most - this.#forgetRows(most);
    for (let head = this.#panes.oldest; head !== undefined && left > 0; head = this.#panes.oldest) {
      if (!this.#isFinal(head.pane.windows.at(-1)!)) break;
      for (const [key, cell] of head.cells) {
        if (left-- === 0) return most;
        head.cells.delete(key);
        this.#changedOpen.forget(cell);
        this.#forget(cell);
      }
      this.#panes.removeOldest();
    }
    if (this.#panes.size === 0) this.#settle(-Infinity);
    return most - left;
  }

  restore([kind, ...rest]: readonly JsonScalar[], value: JsonValue): boolean {
    if (kind === SETTLED_CELL) {
      this.#settledMs = Number(value);
      return true;
    }
    const { series } = this.context;
    const [startMs, endMs, ...values] = rest as [number, number, ...JsonScalar[]];
    if (values.length !== series.by.length) return false;
    const key = keyOf(series, values);
    if (kind === PANE_CELL) return this.#restorePane({ startMs, endMs }, key, value);
    if (kind !== ROW_CELL) return false;
    this.#restoredRows.push(new RowCell(this.context, { startMs, endMs }, key, value));
    return true;
  }

  restored(): void {
    for (const { pane } of this.#panes.all()) {
      for (const window of pane.windows)
        if (window.startMs > this.#settledMs) this.#windows.restore(window, this.context.limits);
    }
    for (const row of this.#restoredRows) {
      const { cells } = this.#windows.restore(row.window, this.context.limits);
      cells.set(keyId(this.context.series, row.key), row);
      if (row.wantsRow) this.#due.add(row);
    }
    this.#restoredRows = [];
    for (const keyed of this.#windows.windows()) if (keyed.isComplete) this.#complete(keyed);
  }

  *changes(): Iterable<readonly [string, JsonValue | undefined]> {
    for (const cell of this.#dirty) {
      cell.isStored = true;
      yield [cell.name, cell.encode()];
    }
    this.#dirty.clear();
    for (const name of this.#removed) yield [name, undefined];
    this.#removed = [];
    if (!this.#isSettledDirty) return;
    this.#isSettledDirty = false;
    yield [storedName(this.context, [SETTLED_CELL]), this.#settled()];
  }

  *cells(): Iterable<readonly [string, JsonValue]> {
    for (const { cells } of this.#panes.all())
      for (const cell of cells.values()) yield [cell.name, cell.encode()];
    for (const { cells } of this.#windows.windows())
      for (const row of cells.values()) if (row.revision > 0) yield [row.name, row.encode()];
    const settled = this.#settled();
    if (settled !== undefined) yield [storedName(this.context, [SETTLED_CELL]), settled];
  }

  /** The rows of its keys become due, but for those that are out. */
  #complete({ window, cells }: KeyedWindow<RowCell>): void {
    if (window.startMs <= this.#settledMs) return;
    for (const { cells: inPane } of this.#panes.between(window.startMs, window.endMs)) {
      for (const [id, cell] of inPane) {
        if (cells.has(id) || !cell.isIn(window.startMs)) continue;
        const row = new RowCell(this.context, window, cell.key);
        cells.set(id, row);
        this.#due.add(row);
      }
    }
  }

  /** Events came for windows that are complete and not final: the oldest that are not final. */
  #correct({ pane, key }: PaneCell, fromMs: number): void {
    const id = keyId(this.context.series, key);
    for (const window of pane.windows) {
      const keyed = window.startMs < fromMs ? undefined : this.#windows.take(window, this.context.limits);
      if (keyed === undefined) continue;
      if (!keyed.isComplete) return;
      const row = keyed.cells.get(id) ?? new RowCell(this.context, window, key);
      keyed.cells.set(id, row);
      this.#due.add(row);
      if (row.revision > 0) this.#dirty.add(row);
    }
  }

  #assemble(row: Pick<RowCell, 'window' | 'key' | 'revision'>): ReturnType<typeof assembledRow> {
    return assembledRow(this.context, row, this.#panes.between(row.window.startMs, row.window.endMs));
  }

  #forgetRows(most: number): number {
    let forgotten = 0;
    for (const row of this.#windows.finished(this.context.limits, most)) {
      forgotten += 1;
      this.#settle(Math.max(this.#settledMs, row.window.startMs));
      this.#forget(row);
    }
    return forgotten;
  }

  #settle(startMs: number): void {
    if (startMs === this.#settledMs) return;
    this.#settledMs = startMs;
    this.#isSettledDirty = true;
  }

  #settled(): number | undefined {
    return this.#settledMs === -Infinity ? undefined : this.#settledMs;
  }

  #forget(cell: PaneCell | RowCell): void {
    this.#dirty.delete(cell);
    if (cell.isStored) this.#removed.push(cell.name);
  }

  #restorePane(span: TimeWindow, key: Key, value: JsonValue): boolean {
    const pane = this.#paneOf(span);
    if (pane === undefined) return false;
    const { cells } = this.#panes.get(pane.startMs) ?? this.#panes.add(pane);
    cells.set(keyId(this.context.series, key), new PaneCell(this.context, pane, key, value));
    return true;
  }

  /** Undefined: it is none of the definition's. */
  #paneOf({ startMs, endMs }: TimeWindow): Pane | undefined {
    const pane = this.#panes.get(startMs)?.pane ?? paneAt(this.#grid, startMs);
    return pane.startMs === startMs && pane.endMs === endMs ? pane : undefined;
  }

  #create(pane: Pane): KeyedPane {
    for (const window of pane.windows) this.#windows.take(window, this.context.limits);
    return this.#panes.add(pane);
  }

  /** Start of the oldest window that the delta counts in; undefined: there is none such. */
  #firstStartOf({ part }: Partial, { windows }: Pane): number | undefined {
    if (part === undefined) return windows[0]!.startMs;
    if (part.kind !== 'pane') return undefined;
    const place = windows.findIndex(({ startMs }) => startMs === part.fromWindowStartMs);
    // Where the rows of the windows that do not count it are out for good, nothing has to be kept apart.
    const isSettled = place > 0 && windows[place - 1]!.startMs <= this.#settledMs;
    return isSettled ? windows[0]!.startMs : windows[place]?.startMs;
  }

  #cellOf({ pane, cells }: KeyedPane, key: Key): PaneCell {
    const { series } = this.context;
    const id = keyId(series, key);
    let cell = cells.get(id);
    if (cell === undefined) {
      cell = new PaneCell(this.context, pane, key);
      cells.set(id, cell);
    }
    return cell;
  }

  #isFinal(window: TimeWindow): boolean {
    return this.#arrival(window) === 'late-rejected';
  }

  #arrival(window: TimeWindow): Arrival['kind'] {
    const { series, limits } = this.context;
    return classifyArrival(window, limits.watermarkMs, limits.closedUntilMs, series.allowedLatenessMs).kind;
  }
}
