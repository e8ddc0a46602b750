import TinyQueue from 'tinyqueue';
import type { JsonScalar, JsonValue } from '#libs/kernel';
import { DueRows } from '../global/due-rows.js';
import type {
  GlobalContext,
  GlobalWindows,
  MergeOutcome,
  ProvisionalSink,
  RowSink,
} from '../global/global-windows.js';
import { storedName } from '../global/stored-name.js';
import type { RowIdentity, WindowResult } from '../global/window-result.js';
import { type Key, type KeyId, keyId, keyOf } from '../key.js';
import type { Partial } from '../partial.js';
import { classifyArrival } from '../time/arrival.js';
import type { SlidingWindow, TimeWindow } from '../time/window.js';
import { decodeSlice, encodeSlice, type Slice, SlidingKey, type SlidingRow } from './sliding-key.js';
import { endingWith, following, slidingFrom } from './sliding-window.js';

interface Moment {
  readonly of: SlidingKey;
  readonly timeMs: number;
}

/**
 * Sliding windows, put together from the moments of a key when their rows are due: a row costs as much as there are
 * moments in its window, and a moment makes at most two rows.
 *
 * D1. All windows have one size, so what completes first, by watermark or close, starts first.
 * D2. A moment stays until the window that follows it is final, and the rows of its windows as long: so a window
 *     without a stored row has not been emitted, whatever the limits say after a restart.
 * D3. Of what is open a key shows one window: the one that ends with its newest event.
 */
export class GlobalSliding implements GlobalWindows {
  readonly #keys = new Map<KeyId, SlidingKey>();
  readonly #open = new TinyQueue<SlidingRow>([], (a, b) => a.startMs - b.startMs);
  readonly #moments = new TinyQueue<Moment>([], (a, b) => a.timeMs - b.timeMs);
  readonly #due = new DueRows<SlidingRow>();
  readonly #changed = new Set<SlidingKey>();
  readonly #dirtySlices = new Map<Slice, SlidingKey>();
  readonly #dirtyRows = new Set<SlidingRow>();
  readonly #wantsNoRow = new Set<SlidingRow>();
  #removed: string[] = [];

  constructor(
    private readonly context: GlobalContext,
    private readonly definition: SlidingWindow,
  ) {}

  merge(partial: Partial): MergeOutcome {
    const { startMs: timeMs, endMs, part, measures, events, oldestReceivedMs } = partial;
    if (endMs !== timeMs + 1 || (part !== undefined && part.kind !== 'pane'))
      return { kind: 'unknown-series' };
    if (this.#arrival(this.#windowAt(timeMs)) === 'late-rejected') return { kind: 'too-late' };
    const of = this.#keyOf(partial.key);
    const fromMs = part?.fromWindowStartMs ?? -Infinity;
    const slice = of.merge({ timeMs, fromMs, measures, events }, oldestReceivedMs);
    this.#dirtySlices.set(slice, of);
    this.#makeWindows(of, slice);
    if (this.#arrival(endingWith(timeMs, this.definition.sizeMs)) !== 'on-time') this.#correct(of, slice);
    this.#changed.add(of);
    return { kind: 'merged' };
  }

  advance(): void {
    for (let head = this.#open.peek(); head !== undefined; head = this.#open.peek()) {
      if (this.#arrival(this.#windowAt(head.startMs)) === 'on-time') return;
      this.#open.pop();
      this.#complete(head);
    }
  }

  get nextDueMs(): number | undefined {
    return this.#due.nextEndMs;
  }

  emit(upToMs: number, most: number, into: RowSink): number {
    for (let emitted = 0; emitted < most; emitted++) {
      const row = this.#due.take(upToMs);
      if (row === undefined) return emitted;
      this.#show(row, into);
      row.revision += 1;
      if (row.of.shownMs === row.startMs) row.of.shownMs = undefined;
      this.#dirtyRows.add(row);
    }
    return most;
  }

  takeProvisional(newest: number, into: ProvisionalSink): void {
    const rows = [...this.#changed]
      .flatMap((of) => this.#newestOpen(of))
      .sort((a, b) => b.startMs - a.startMs);
    for (const row of rows.slice(0, newest)) {
      const { of } = row;
      if (of.shownMs !== undefined && of.shownMs !== row.startMs)
        into.gone(this.#identity(of.key, of.shownMs));
      of.shownMs = row.startMs;
      this.#show(row, into);
    }
    this.#changed.clear();
  }

  forgetFinal(most: number): number {
    let forgotten = 0;
    for (
      let head = this.#moments.peek();
      head !== undefined && forgotten < most;
      head = this.#moments.peek()
    ) {
      if (this.#arrival(following(head.timeMs, this.definition.sizeMs)) !== 'late-rejected') break;
      this.#moments.pop();
      forgotten += this.#forget(head);
    }
    return forgotten;
  }

  restore(name: readonly JsonScalar[], value: JsonValue): boolean {
    const [kind, sizeMs, timeMs, ...rest] = name as [string, number, number, ...JsonScalar[]];
    const [fromMs, ...values] = kind === 'slice' ? rest : [null, ...rest];
    const isOurs = sizeMs === this.definition.sizeMs && values.length === this.context.series.by.length;
    if (!isOurs || (kind !== 'slice' && kind !== 'row')) return false;
    const of = this.#keyOf(keyOf(this.context.series, values));
    if (kind === 'slice') of.insert(decodeSlice(timeMs, fromMs as number | null, value));
    else this.#restoreRow(of, timeMs, value);
    return true;
  }

  restored(): void {
    for (const of of this.#keys.values()) for (const slice of of.slices) this.#makeWindows(of, slice);
    for (const of of this.#keys.values()) {
      for (const row of of.rows.values()) if (row.isStored && !row.isComplete) this.#open.push(row);
    }
    this.advance();
    this.#wantsNoRow.clear();
  }

  *changes(): Iterable<readonly [string, JsonValue | undefined]> {
    for (const name of this.#removed) yield [name, undefined];
    this.#removed = [];
    for (const [slice, of] of this.#dirtySlices) {
      slice.isStored = true;
      yield [this.#sliceName(of.key, slice), encodeSlice(slice)];
    }
    this.#dirtySlices.clear();
    for (const row of this.#dirtyRows) {
      row.isStored = true;
      yield [this.#rowName(row), this.#encodeRow(row)];
    }
    this.#dirtyRows.clear();
  }

  *cells(): Iterable<readonly [string, JsonValue]> {
    for (const of of this.#keys.values()) {
      for (const slice of of.slices) yield [this.#sliceName(of.key, slice), encodeSlice(slice)];
      for (const row of of.rows.values())
        if (row.revision > 0) yield [this.#rowName(row), this.#encodeRow(row)];
    }
  }

  #arrival(window: TimeWindow): ReturnType<typeof classifyArrival>['kind'] {
    const { watermarkMs, closedUntilMs } = this.context.limits;
    return classifyArrival(window, watermarkMs, closedUntilMs, this.context.series.allowedLatenessMs).kind;
  }

  #windowAt(startMs: number): TimeWindow {
    return slidingFrom(startMs, this.definition.sizeMs);
  }

  #keyOf(key: Key): SlidingKey {
    const id = keyId(this.context.series, key);
    let of = this.#keys.get(id);
    if (of === undefined) {
      of = new SlidingKey(key, this.context.series.measures);
      this.#keys.set(id, of);
    }
    return of;
  }

  /** The window that ends with the slice's moment, where it counts there, and the one that follows it. */
  #makeWindows(of: SlidingKey, slice: Slice): void {
    const { sizeMs } = this.definition;
    const { timeMs, fromMs } = slice;
    const endingMs = endingWith(timeMs, sizeMs).startMs;
    if (!slice.isWaiting) this.#moments.push({ of, timeMs });
    slice.isWaiting = true;
    if (fromMs <= endingMs) this.#makeRow(of, endingMs);
    this.#makeRow(of, timeMs + 1);
  }

  #makeRow(of: SlidingKey, startMs: number): void {
    if (of.rows.has(startMs)) return;
    const row: SlidingRow = { of, startMs, revision: 0, isComplete: false, isStored: false };
    of.rows.set(startMs, row);
    if (this.#arrival(this.#windowAt(startMs)) === 'on-time') this.#open.push(row);
    else this.#complete(row);
  }

  /** A late slice: the rows of complete windows that count it. */
  #correct(of: SlidingKey, { timeMs, fromMs }: Slice): void {
    const { sizeMs } = this.definition;
    const starts = new Set([
      ...of.between(timeMs, timeMs + sizeMs).map((slice) => slice.timeMs - sizeMs),
      ...of.between(timeMs - sizeMs - 1, timeMs - 1).map((slice) => slice.timeMs + 1),
    ]);
    for (const startMs of starts) {
      const row = of.rows.get(startMs);
      if (startMs >= fromMs && row?.isComplete === true) this.#makeDue(row);
    }
  }

  #complete(row: SlidingRow): void {
    row.isComplete = true;
    const holdsEvents = row.of.contentOf(row.startMs, this.definition.sizeMs).length > 0;
    if (holdsEvents && !this.#wantsNoRow.has(row)) this.#makeDue(row);
  }

  #makeDue(row: SlidingRow): void {
    this.#due.add(row, this.#windowAt(row.startMs).endMs);
    if (row.revision > 0) this.#dirtyRows.add(row);
  }

  #newestOpen(of: SlidingKey): SlidingRow[] {
    const { newestMs } = of;
    const row = newestMs === undefined ? undefined : of.rows.get(newestMs - this.definition.sizeMs);
    return row === undefined || row.isComplete ? [] : [row];
  }

  #show(row: SlidingRow, into: RowSink): void {
    const { of, startMs, revision } = row;
    const slices = of.contentOf(startMs, this.definition.sizeMs);
    const accumulator = of.accumulatorOf(slices);
    for (const slice of slices) slice.unshownReceivedMs = Infinity;
    const measures = accumulator.results(this.#windowAt(startMs));
    const result: WindowResult = { ...this.#identity(of.key, startMs), measures, revision };
    into.add(result, accumulator.oldestReceivedMs);
  }

  #identity(key: Key, startMs: number): RowIdentity {
    const { series, stream } = this.context;
    const { endMs } = this.#windowAt(startMs);
    return { series: series.name, stream, key, windowStartMs: startMs, windowEndMs: endMs };
  }

  #forget({ of, timeMs }: Moment): number {
    const { sizeMs } = this.definition;
    const slices = of.remove(timeMs);
    for (const slice of slices) {
      this.#dirtySlices.delete(slice);
      if (slice.isStored) this.#removed.push(this.#sliceName(of.key, slice));
    }
    this.#forgetRow(of, timeMs - sizeMs);
    // The window that follows may be the one that ends with another moment, and goes with that.
    const endMs = timeMs + 1 + sizeMs;
    if (of.between(endMs, endMs).length === 0) this.#forgetRow(of, timeMs + 1);
    if (of.isEmpty) this.#keys.delete(keyId(this.context.series, of.key));
    return slices.length;
  }

  #forgetRow(of: SlidingKey, startMs: number): void {
    const row = of.rows.get(startMs);
    if (row === undefined) return;
    of.rows.delete(startMs);
    this.#dirtyRows.delete(row);
    if (row.isStored) this.#removed.push(this.#rowName(row));
  }

  #restoreRow(of: SlidingKey, startMs: number, value: JsonValue): void {
    const { revision, isDue } = value as StoredRow;
    const row: SlidingRow = { of, startMs, revision, isComplete: false, isStored: true };
    of.rows.set(startMs, row);
    if (isDue !== true) this.#wantsNoRow.add(row);
  }

  #encodeRow(row: SlidingRow): JsonValue {
    const stored: StoredRow = { revision: row.revision, isDue: this.#due.has(row) ? true : undefined };
    return stored;
  }

  #sliceName(key: Key, { timeMs, fromMs }: Slice): string {
    const from = fromMs === -Infinity ? null : fromMs;
    return storedName(this.context, ['slice', this.definition.sizeMs, timeMs, from], key);
  }

  #rowName({ of, startMs }: SlidingRow): string {
    return storedName(this.context, ['row', this.definition.sizeMs, startMs], of.key);
  }
}

type StoredRow = { readonly revision: number; readonly isDue?: true | undefined };
