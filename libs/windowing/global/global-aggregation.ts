import type { JsonScalar, JsonValue } from '#libs/kernel';
import type { Partial } from '../partial.js';
import type { SeriesDefinition } from '../series.js';
import type { StreamProgress } from '../time/stream-progress.js';
import { DueWindows } from './due-windows.js';
import { GatheredRows, type ProvisionalRows } from './gathered-rows.js';
import type { GlobalWindows, MergeOutcome } from './global-windows.js';
import { globalWindowsOf } from './global-windows-of.js';
import { UpstreamProgress } from './upstream-progress.js';
import type { WindowResult } from './window-result.js';

/** Rows of complete windows: first results and corrections. */
export interface Emission {
  /** By end of window, then in order of arrival. */
  readonly rows: readonly WindowResult[];
  /** There is more to emit; progress must not be told before. */
  readonly more: boolean;
  /** Arrival of the oldest event that no row has shown before; absent: none. */
  readonly oldestReceivedMs?: number;
}

const PROGRESS_CELL = 'progress/';
/** A removal is a change to store, about 100 bytes: half a million at once would be a commit of 50 MB. */
const MOST_FORGOTTEN = 20_000;

interface StreamState {
  readonly progress: UpstreamProgress;
  /** By series. */
  readonly windows: ReadonlyMap<string, GlobalWindows>;
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
  readonly #due = new DueWindows();
  /** Names of stored cells that the pipeline's series have no use for. */
  #removed: string[] = [];
  /** Events in refused deltas since the start of the process. */
  refused = 0;

  /** @param upstreamTasks how many local tasks there are */
  constructor(series: readonly SeriesDefinition[], upstreamTasks: number) {
    this.#series = new Map(series.map((one) => [one.name, one]));
    this.#tasks = upstreamTasks;
  }

  merge(partial: Partial): MergeOutcome {
    const windows = this.#series.has(partial.series)
      ? this.#stateOf(partial.stream).windows.get(partial.series)!
      : undefined;
    const outcome: MergeOutcome = windows?.merge(partial) ?? { kind: 'unknown-series' };
    if (outcome.kind === 'merged') this.#due.look(windows!);
    else this.refused += partial.events;
    return outcome;
  }

  /** @param upstream number of the local task, 0 ≤ upstream < upstreamTasks */
  advance(upstream: number, stream: string, progress: StreamProgress): void {
    const state = this.#stateOf(stream);
    state.progress.advance(upstream, progress);
    for (const windows of state.windows.values()) {
      windows.advance();
      this.#due.look(windows);
    }
  }

  /** Is a row due, or a close done that is not told. */
  get isUrgent(): boolean {
    return !this.#due.isEmpty || [...this.#streams.values()].some(({ progress }) => progress.isCloseWaiting);
  }

  /** @param budget at most so many rows, > 0 */
  emit(budget: number): Emission {
    const gathered = new GatheredRows();
    this.#due.emit(budget, gathered);
    const more = !this.#due.isEmpty;
    if (!more) this.#forgetFinal();
    return { rows: gathered.rows, more, ...gathered.shown };
  }

  /**
   * The results, so far, of the open windows that changed since the last call.
   *
   * @param newest at most so many of each series and stream: those of the newest windows. Default: all
   */
  changedOpen(newest = Infinity): ProvisionalRows {
    const gathered = new GatheredRows();
    for (const windows of this.#allWindows()) windows.takeProvisional(newest, gathered);
    return { rows: gathered.rows, gone: gathered.goneRows, ...gathered.shown };
  }

  /** What is known of every stream. */
  streamProgress(): Readonly<Record<string, StreamProgress>> {
    return Object.fromEntries([...this.#streams].map(([name, { progress }]) => [name, progress.current()]));
  }

  /** What each local task has said of the stream's watermark, in order; −∞: nothing. Empty: no such stream. */
  upstreamWatermarks(stream: string): readonly number[] {
    return this.#streams.get(stream)?.progress.reported ?? [];
  }

  /** The streams that are known. */
  get streams(): Iterable<string> {
    return this.#streams.keys();
  }

  /** What is known of one stream. */
  progressOf(stream: string): StreamProgress {
    return this.#streams.get(stream)?.progress.current() ?? {};
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
    for (const [name, value] of cells) if (name.startsWith('[')) this.#restoreCell(name, value);
    for (const windows of this.#allWindows()) {
      windows.restored();
      this.#due.look(windows);
    }
  }

  /** The cells that changed since the last call; undefined: removed. */
  *changes(): Iterable<readonly [string, JsonValue | undefined]> {
    for (const name of this.#removed) yield [name, undefined];
    this.#removed = [];
    for (const [stream, { progress, windows }] of this.#streams) {
      for (const each of windows.values()) yield* each.changes();
      if (!progress.isDirty) continue;
      progress.isDirty = false;
      yield [PROGRESS_CELL + stream, progress.encode()];
    }
  }

  *cells(): Iterable<readonly [string, JsonValue]> {
    for (const [stream, { progress, windows }] of this.#streams) {
      yield [PROGRESS_CELL + stream, progress.encode()];
      for (const each of windows.values()) yield* each.cells();
    }
  }

  *#allWindows(): Iterable<GlobalWindows> {
    for (const { windows } of this.#streams.values()) yield* windows.values();
  }

  #forgetFinal(): void {
    let left = MOST_FORGOTTEN;
    for (const windows of this.#allWindows()) {
      if (left <= 0) return;
      left -= windows.forgetFinal(left);
    }
  }

  #stateOf(stream: string): StreamState {
    return this.#streams.get(stream) ?? this.#addStream(stream, new UpstreamProgress(this.#tasks));
  }

  #addStream(stream: string, progress: UpstreamProgress): StreamState {
    const windows = new Map(
      [...this.#series].map(([name, series]) => [
        name,
        globalWindowsOf({ series, stream, limits: progress }),
      ]),
    );
    const state = { progress, windows };
    this.#streams.set(stream, state);
    return state;
  }

  #restoreCell(name: string, value: JsonValue): void {
    const [seriesName, stream, ...rest] = JSON.parse(name) as [string, string, ...JsonScalar[]];
    const windows = this.#series.has(seriesName) ? this.#stateOf(stream).windows.get(seriesName) : undefined;
    // Of a series that the pipeline has no more, or cuts into other windows now.
    if (windows?.restore(rest, value) !== true) this.#removed.push(name);
  }
}
