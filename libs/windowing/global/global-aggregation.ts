import type { JsonValue } from '#libs/kernel';
import { DueCells } from './due-cells.js';
import type { Partial } from '../partial.js';
import { type ProvisionalRows, ProvisionalView } from './provisional-view.js';
import type { SeriesDefinition } from '../series.js';
import type { StreamProgress } from '../time/stream-progress.js';
import { isWindowOf } from '../time/window.js';
import { UpstreamProgress } from './upstream-progress.js';
import { keyText, placeOf, WindowCell, type WindowResult } from './window-cell.js';
import { type KeyedWindow, WindowQueue } from './window-queue.js';

/** What became of a delta. */
export type MergeOutcome =
  | { readonly kind: 'merged' }
  /** Its window is final: counted in {@link GlobalAggregation.refused}, and its events with it. */
  | { readonly kind: 'too-late' }
  /** The pipeline has no such series, or none with such windows: it comes from a former version. Counted, too. */
  | { readonly kind: 'unknown-series' };

/** Rows of complete windows: first results and corrections. */
export interface Emission {
  /** By end of window, then in order of arrival. */
  readonly rows: readonly WindowResult[];
  /** There is more to emit; progress must not be told before. */
  readonly more: boolean;
  /** Arrival of the oldest event that no row has shown before; absent: none. */
  readonly oldestReceivedMs?: number;
}

const MERGED: MergeOutcome = { kind: 'merged' };
const PROGRESS_CELL = 'progress/';
/** A removal is a change to store, about 100 bytes: half a million at once would be a commit of 50 MB. */
const MOST_FORGOTTEN = 20_000;

interface StreamState {
  readonly progress: UpstreamProgress;
  readonly queues: ReadonlyMap<string, WindowQueue>;
}

/**
 * The global stage: merges the deltas of all local tasks, and emits each window's result when the last of them has
 * passed its end.
 *
 *     local 0   ──●───●──wm 60──●────────wm 120──            ● delta
 *     local 1   ────●──────────────●─wm 70──                 wm: watermark, rides behind the deltas before it
 *     here      min: −∞          60: windows that end by 60 are complete
 *
 * G1. A window is complete, or final, by {@link UpstreamProgress} alone; deltas move no time.
 * G2. A delta never meets a final window. The local task that made it took its events by its own watermark and
 *     closes, told them only after the delta, and the minimum over all is never ahead of what one has told. Should
 *     it happen all the same (a sequence was accepted with losses), the delta is refused and counted: a row with
 *     revision 0 would replace nothing and be wrong.
 * G3. A row is emitted once per change: due cells are stored as such, so that an emission in slices goes on after a
 *     restart where it stood.
 */
export class GlobalAggregation {
  readonly #series: ReadonlyMap<string, SeriesDefinition>;
  readonly #tasks: number;
  readonly #streams = new Map<string, StreamState>();
  readonly #provisional = new ProvisionalView();
  readonly #dirty = new Set<WindowCell>();
  readonly #removed = new Set<string>();
  readonly #due = new DueCells();
  /** Events in refused deltas since the start of the process. */
  refused = 0;

  /** @param upstreamTasks how many local tasks there are */
  constructor(series: readonly SeriesDefinition[], upstreamTasks: number) {
    this.#series = new Map(series.map((one) => [one.name, one]));
    this.#tasks = upstreamTasks;
  }

  merge(partial: Partial): MergeOutcome {
    const series = this.#series.get(partial.series);
    if (series === undefined || !isWindowOf(series.window, partial))
      return this.#refuse(partial, 'unknown-series');
    const { queues, progress } = this.#stateOf(partial.stream);
    const window = queues
      .get(series.name)!
      .take({ startMs: partial.startMs, endMs: partial.endMs }, progress);
    if (window === undefined) return this.#refuse(partial, 'too-late');
    const cell = this.#cellOf(window, partial);
    cell.merge(partial);
    this.#dirty.add(cell);
    if (window.isComplete) this.#due.add(cell);
    else this.#provisional.changed(cell);
    return MERGED;
  }

  /** @param upstream number of the local task, 0 ≤ upstream < upstreamTasks */
  advance(upstream: number, stream: string, progress: StreamProgress): void {
    const state = this.#stateOf(stream);
    state.progress.advance(upstream, progress);
    this.#complete(state);
  }

  /** Is a row due, or a close done that is not told. */
  get isUrgent(): boolean {
    return (
      this.#due.length > 0 || [...this.#streams.values()].some(({ progress }) => progress.isCloseWaiting)
    );
  }

  /** @param budget at most so many rows, > 0 */
  emit(budget: number): Emission {
    const cells = this.#due.take(budget);
    let oldestMs = Infinity;
    const rows = cells.map((cell) => {
      const row = cell.result();
      oldestMs = Math.min(oldestMs, cell.unshownReceivedMs);
      cell.unshownReceivedMs = Infinity;
      cell.revision += 1;
      this.#dirty.add(cell);
      this.#provisional.forget(cell);
      return row;
    });
    const more = this.#due.length > 0;
    if (!more) this.#forgetFinal();
    return { rows, more, ...(oldestMs === Infinity ? {} : { oldestReceivedMs: oldestMs }) };
  }

  /**
   * The results, so far, of the open windows that changed since the last call.
   *
   * @param newest at most so many of each series and stream: those of the newest windows. Default: all
   */
  changedOpen(newest = Infinity): ProvisionalRows {
    return this.#provisional.take(newest);
  }

  /** What is known of every stream. */
  streamProgress(): Readonly<Record<string, StreamProgress>> {
    return Object.fromEntries([...this.#streams].map(([name, { progress }]) => [name, progress.current()]));
  }

  /**
   * The streams whose progress changed since the last call, to be told behind the rows.
   * Only after {@link emit} has said that there is no more.
   */
  takeProgress(): Readonly<Record<string, StreamProgress>> {
    const changed = [...this.#streams].filter(([, { progress }]) => progress.isChanged);
    return Object.fromEntries(changed.map(([name, { progress }]) => [name, progress.take()]));
  }

  /** Called once, first. */
  restore(cells: ReadonlyMap<string, JsonValue>): void {
    for (const [name, value] of cells) {
      if (!name.startsWith(PROGRESS_CELL)) continue;
      this.#addStream(name.slice(PROGRESS_CELL.length), UpstreamProgress.decode(value, this.#tasks));
    }
    const restored: WindowCell[] = [];
    for (const [name, value] of cells) {
      if (!name.startsWith('[')) continue;
      const cell = this.#restoreCell(name, value);
      if (cell !== undefined) restored.push(cell);
    }
    restored
      .sort((a, b) => a.place.window.endMs - b.place.window.endMs)
      .forEach((cell) => this.#due.add(cell));
  }

  /** The cells that changed since the last call; undefined: removed. */
  *changes(): Iterable<readonly [string, JsonValue | undefined]> {
    for (const cell of this.#dirty) yield [cell.name, cell.encode()];
    this.#dirty.clear();
    for (const name of this.#removed) yield [name, undefined];
    this.#removed.clear();
    for (const [name, { progress }] of this.#streams) {
      if (!progress.isDirty) continue;
      progress.isDirty = false;
      yield [PROGRESS_CELL + name, progress.encode()];
    }
  }

  *cells(): Iterable<readonly [string, JsonValue]> {
    for (const [name, { progress, queues }] of this.#streams) {
      yield [PROGRESS_CELL + name, progress.encode()];
      for (const queue of queues.values()) for (const cell of queue.cells()) yield [cell.name, cell.encode()];
    }
  }

  #refuse(partial: Partial, kind: 'too-late' | 'unknown-series'): MergeOutcome {
    this.refused += partial.events;
    return { kind };
  }

  #cellOf(window: KeyedWindow, partial: Partial): WindowCell {
    const { series, cells } = window;
    const key = keyText(series, partial.key);
    let cell = cells.get(key);
    if (cell === undefined) {
      cell = new WindowCell({ series, stream: partial.stream, window: window.window, key: partial.key });
      cells.set(key, cell);
    }
    return cell;
  }

  #complete({ progress, queues }: StreamState): void {
    const windows: KeyedWindow[] = [];
    for (const queue of queues.values()) windows.push(...queue.completed(progress));
    windows.sort((a, b) => a.window.endMs - b.window.endMs);
    for (const { cells } of windows) for (const cell of cells.values()) this.#due.add(cell);
  }

  #forgetFinal(): void {
    let left = MOST_FORGOTTEN;
    for (const { progress, queues } of this.#streams.values()) {
      for (const queue of queues.values()) {
        for (const cell of queue.finished(progress, left)) {
          left -= 1;
          this.#dirty.delete(cell);
          this.#removed.add(cell.name);
        }
      }
    }
  }

  #stateOf(stream: string): StreamState {
    return this.#streams.get(stream) ?? this.#addStream(stream, new UpstreamProgress(this.#tasks));
  }

  #addStream(stream: string, progress: UpstreamProgress): StreamState {
    const queues = new Map([...this.#series].map(([name, series]) => [name, new WindowQueue(series)]));
    const state = { progress, queues };
    this.#streams.set(stream, state);
    return state;
  }

  /** Gives the cell if a row of it is due. */
  #restoreCell(name: string, value: JsonValue): WindowCell | undefined {
    const place = placeOf(name, this.#series);
    if (place === undefined) {
      // Of a series that the pipeline has no more, or cuts into other windows now.
      this.#removed.add(name);
      return undefined;
    }
    const { progress, queues } = this.#stateOf(place.stream);
    const window = queues.get(place.series.name)!.restore(place.window, progress);
    const cell = new WindowCell({ ...place, window: window.window }, value);
    window.cells.set(keyText(place.series, place.key), cell);
    return window.isComplete && cell.wantsRow ? cell : undefined;
  }
}
