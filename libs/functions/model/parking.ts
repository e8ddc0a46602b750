import type { JsonValue } from '#libs/kernel';
import type { FunctionWork } from './function-work.js';

const KEY_CELL = 'p/';
const WORK_CELL = 'q/';

/** A key whose work waits. Its first work is the one that has failed. */
interface ParkedKey {
  /** When the first work failed for the first time; wall clock. */
  readonly sinceMs: number;
  /** When it is tried again; wall clock. */
  readonly nextMs: number;
  /** How often it has failed. */
  readonly attempts: number;
  /** Work is numbered within its key: `[first, end)`. */
  readonly first: number;
  readonly end: number;
}

/** How the first work of a key stands. */
export type ParkedState = Pick<ParkedKey, 'sinceMs' | 'nextMs' | 'attempts'>;

/** The keys of a task that wait, with their work in order. All of it is committed state. */
export class Parking {
  /** Works of all keys. */
  size = 0;
  readonly #keys = new Map<string, ParkedKey>();
  readonly #works = new Map<string, FunctionWork>();
  readonly #changedKeys = new Set<string>();
  readonly #changedWorks = new Set<string>();

  has(keyId: string): boolean {
    return this.#keys.has(keyId);
  }

  stateOf(keyId: string): ParkedState | undefined {
    return this.#keys.get(keyId);
  }

  /** The first work of a key. */
  head(keyId: string): FunctionWork | undefined {
    const key = this.#keys.get(keyId);
    return key === undefined ? undefined : this.#works.get(cellOf(keyId, key.first));
  }

  /** Puts work in front: it has failed. */
  park(keyId: string, work: FunctionWork, state: ParkedState): void {
    const { first, end } = this.#keys.get(keyId) ?? { first: 1, end: 1 };
    this.#putKey(keyId, { ...state, first: first - 1, end });
    this.#putWork(keyId, first - 1, work);
  }

  /** The first work has failed again. */
  defer(keyId: string, state: ParkedState): void {
    const key = this.#keys.get(keyId);
    if (key !== undefined) this.#putKey(keyId, { ...key, ...state });
  }

  /** Puts work behind what waits for the same key. */
  append(keyId: string, work: FunctionWork): void {
    const key = this.#keys.get(keyId);
    if (key === undefined) return;
    this.#putKey(keyId, { ...key, end: key.end + 1 });
    this.#putWork(keyId, key.end, work);
  }

  /** The first work is done with; the next one has not failed yet. Without a next one the key waits no more. */
  shift(keyId: string): void {
    const key = this.#keys.get(keyId);
    if (key === undefined) return;
    const cell = cellOf(keyId, key.first);
    this.#works.delete(cell);
    this.#changedWorks.add(cell);
    this.size--;
    if (key.first + 1 < key.end) this.#putKey(keyId, { ...key, attempts: 0, first: key.first + 1 });
    else {
      this.#keys.delete(keyId);
      this.#changedKeys.add(keyId);
    }
  }

  /** Keys that are to be tried again by now. */
  dueKeys(nowMs: number): readonly string[] {
    return [...this.#keys].filter(([, { nextMs }]) => nextMs <= nowMs).map(([keyId]) => keyId);
  }

  isAnyDue(nowMs: number): boolean {
    for (const { nextMs } of this.#keys.values()) if (nextMs <= nowMs) return true;
    return false;
  }

  /** The keys that wait, each with how much waits. */
  all(): readonly (readonly [keyId: string, works: number])[] {
    return [...this.#keys].map(([keyId, { first, end }]) => [keyId, end - first]);
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    for (const [name, value] of cells) {
      if (name.startsWith(KEY_CELL))
        this.#keys.set(name.slice(KEY_CELL.length), value as unknown as ParkedKey);
      else if (name.startsWith(WORK_CELL)) this.#works.set(name, value as unknown as FunctionWork);
    }
    this.size = this.#works.size;
  }

  *changes(): Generator<readonly [string, JsonValue | undefined]> {
    for (const keyId of this.#changedKeys)
      yield [KEY_CELL + keyId, this.#keys.get(keyId) as JsonValue | undefined];
    for (const cell of this.#changedWorks)
      yield [cell, this.#works.get(cell) as unknown as JsonValue | undefined];
    this.#changedKeys.clear();
    this.#changedWorks.clear();
  }

  *cells(): Generator<readonly [string, JsonValue]> {
    for (const [keyId, key] of this.#keys) yield [KEY_CELL + keyId, key as unknown as JsonValue];
    for (const [cell, work] of this.#works) yield [cell, work as unknown as JsonValue];
  }

  #putKey(keyId: string, key: ParkedKey): void {
    this.#keys.set(keyId, key);
    this.#changedKeys.add(keyId);
  }

  #putWork(keyId: string, place: number, work: FunctionWork): void {
    const cell = cellOf(keyId, place);
    this.#works.set(cell, work);
    this.#changedWorks.add(cell);
    this.size++;
  }
}

function cellOf(keyId: string, place: number): string {
  return WORK_CELL + JSON.stringify([keyId, place]);
}
