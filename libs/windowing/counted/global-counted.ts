import type { JsonScalar, JsonValue } from '#libs/kernel';
import { DueRows } from '../global/due-rows.js';
import type {
  GlobalContext,
  GlobalWindows,
  MergeOutcome,
  ProvisionalSink,
  RowSink,
} from '../global/global-windows.js';
import { newestOf } from '../global/newest-of.js';
import { storedName } from '../global/stored-name.js';
import type { RowIdentity } from '../global/window-result.js';
import { type Key, type KeyId, keyId, keyOf } from '../key.js';
import type { Partial } from '../partial.js';
import type { GlobalCountWindow } from '../time/window.js';
import { CountedCell } from './counted-cell.js';
import type { CountedEvent } from './local-counted.js';

/**
 * A result every so many events of a key, in the order in which they are merged here. It is complete, and final, at
 * once: neither watermarks nor closes have a say. What is left of a key stays open, and provisional, until more comes,
 * so a key is never forgotten; the cap on keys bounds them.
 */
export class GlobalCounted implements GlobalWindows {
  /** By key: the one that is filling. */
  readonly #open = new Map<KeyId, CountedCell>();
  readonly #full = new Set<CountedCell>();
  readonly #due = new DueRows<CountedCell>();
  readonly #changedOpen = new Set<CountedCell>();
  readonly #dirty = new Set<CountedCell>();
  #gone: RowIdentity[] = [];
  #removed: string[] = [];

  constructor(
    private readonly context: GlobalContext,
    private readonly definition: GlobalCountWindow,
  ) {}

  merge({ key, part }: Partial): MergeOutcome {
    if (part?.kind !== 'events') return { kind: 'unknown-series' };
    const id = keyId(this.context.series, key);
    for (const event of part.events as readonly CountedEvent[]) {
      const cell = this.#open.get(id) ?? this.#begin(id, key, 0);
      cell.add(event);
      this.#dirty.add(cell);
      if (cell.events >= this.definition.count) this.#fill(id, cell);
      else this.#changedOpen.add(cell);
    }
    return { kind: 'merged' };
  }

  advance(): void {
    // No window of time ends.
  }

  get nextDueMs(): number | undefined {
    return this.#due.nextEndMs;
  }

  emit(upToMs: number, most: number, into: RowSink): number {
    for (let emitted = 0; emitted < most; emitted++) {
      const cell = this.#due.take(upToMs);
      if (cell === undefined) return emitted;
      into.add(cell.result(), cell.show());
      this.#full.delete(cell);
      this.#dirty.delete(cell);
      if (cell.isStored) this.#removed.push(this.#nameOf(cell));
    }
    return most;
  }

  takeProvisional(newest: number, into: ProvisionalSink): void {
    for (const identity of this.#gone) into.gone(identity);
    this.#gone = [];
    for (const cell of newestOf(this.#changedOpen, newest)) {
      if (cell.shown !== undefined && !isSame(cell.shown, cell.window))
        into.gone(cell.identityIn(cell.shown));
      into.add(cell.result(), cell.show());
      cell.shown = cell.window;
    }
    this.#changedOpen.clear();
  }

  forgetFinal(): number {
    return 0;
  }

  restore([count, ordinal, ...values]: readonly JsonScalar[], value: JsonValue): boolean {
    const { series, stream } = this.context;
    if (count !== this.definition.count || values.length !== series.by.length) return false;
    const key = keyOf(series, values);
    const cell = new CountedCell({ series, stream, key, ordinal: ordinal as number }, value);
    if (cell.events < this.definition.count) this.#open.set(keyId(series, key), cell);
    else this.#full.add(cell);
    return true;
  }

  restored(): void {
    const inOrder = [...this.#full].sort((a, b) => a.place.ordinal - b.place.ordinal);
    for (const cell of inOrder) this.#due.add(cell, cell.window.endMs);
  }

  *changes(): Iterable<readonly [string, JsonValue | undefined]> {
    for (const name of this.#removed) yield [name, undefined];
    this.#removed = [];
    for (const cell of this.#dirty) {
      cell.isStored = true;
      yield [this.#nameOf(cell), cell.encode()];
    }
    this.#dirty.clear();
  }

  *cells(): Iterable<readonly [string, JsonValue]> {
    for (const cell of this.#open.values()) yield [this.#nameOf(cell), cell.encode()];
    for (const cell of this.#full) yield [this.#nameOf(cell), cell.encode()];
  }

  #begin(id: KeyId, key: Key, ordinal: number): CountedCell {
    const { series, stream } = this.context;
    const cell = new CountedCell({ series, stream, key, ordinal });
    this.#open.set(id, cell);
    return cell;
  }

  #fill(id: KeyId, cell: CountedCell): void {
    this.#changedOpen.delete(cell);
    if (cell.shown !== undefined && !isSame(cell.shown, cell.window))
      this.#gone.push(cell.identityIn(cell.shown));
    this.#full.add(cell);
    this.#due.add(cell, cell.window.endMs);
    // Without an event, and stored all the same: the next result has to know its number.
    this.#dirty.add(this.#begin(id, cell.place.key, cell.place.ordinal + 1));
  }

  #nameOf({ place: { key, ordinal } }: CountedCell): string {
    return storedName(this.context, [this.definition.count, ordinal], key);
  }
}

function isSame(a: { startMs: number; endMs: number }, b: { startMs: number; endMs: number }): boolean {
  return a.startMs === b.startMs && a.endMs === b.endMs;
}
