import type { JsonValue } from '#libs/kernel';
import type { FunctionTimer, TimeKind } from './function-context.js';
import { streamOf } from './key-id.js';
import type { Times } from './state-store.js';
import { TimeHeap } from './time-heap.js';

const CELL = 't/';

/** The timers of all keys of a task. */
export class TimerStore {
  readonly #keys = new Map<string, Map<string, FunctionTimer>>();
  readonly #changed = new Map<string, readonly [keyId: string, name: string]>();
  /** By `wall`, or `event/<stream>`: keys by when their timers may be due. */
  readonly #due = new Map<string, TimeHeap>();
  /** By heap and key: the soonest that stands in the heap. A timer that is put off stays where it is until its turn comes. */
  readonly #queued = new Map<string, number>();

  /** Takes over what a call has set; undefined: cancelled. */
  merge(keyId: string, writes: ReadonlyMap<string, FunctionTimer | undefined>): void {
    for (const [name, timer] of writes) this.#write(keyId, name, timer);
  }

  /** The first timer of the key that is due by then; equal times in the order of their names. */
  nextDue(keyId: string, kind: TimeKind, timeMs: number): FunctionTimer | undefined {
    let first: FunctionTimer | undefined;
    for (const timer of this.#keys.get(keyId)?.values() ?? []) {
      if (timer.kind === kind && timer.dueMs <= timeMs && isBefore(timer, first)) first = timer;
    }
    return first;
  }

  find(keyId: string, name: string): FunctionTimer | undefined {
    return this.#keys.get(keyId)?.get(name);
  }

  of(keyId: string): readonly FunctionTimer[] {
    return [...(this.#keys.get(keyId)?.values() ?? [])];
  }

  /** Every timer that is set, by key. */
  *all(): Generator<readonly [keyId: string, timer: FunctionTimer]> {
    for (const [keyId, timers] of this.#keys) for (const timer of timers.values()) yield [keyId, timer];
  }

  /** May one be due; may say yes though it was put off. */
  isAnyDue({ nowMs, watermarkMs }: Times): boolean {
    for (const [heapName, heap] of this.#due) {
      const first = heap.peek();
      if (first !== undefined && first.dueMs <= timeOf(heapName, nowMs, watermarkMs)) return true;
    }
    return false;
  }

  /**
   * The next key that has a timer due, each once; undefined: there is none.
   *
   * @param isHeld its timers rest; they stand in line again when they are requeued
   */
  takeDueKey(
    { nowMs, watermarkMs }: Times,
    isHeld: (keyId: string) => boolean,
  ): { readonly keyId: string; readonly kind: TimeKind } | undefined {
    for (const [heapName, heap] of this.#due) {
      const kind = heapName === 'wall' ? 'wall' : 'event';
      const timeMs = timeOf(heapName, nowMs, watermarkMs);
      for (let entry = heap.popDue(timeMs); entry !== undefined; entry = heap.popDue(timeMs)) {
        const keyId = entry.id;
        if (this.#queued.get(`${heapName} ${keyId}`) === entry.dueMs)
          this.#queued.delete(`${heapName} ${keyId}`);
        if (isHeld(keyId)) continue;
        if (this.nextDue(keyId, kind, timeMs) !== undefined) return { keyId, kind };
        this.requeue(keyId);
      }
      if (heap.size === 0) this.#due.delete(heapName);
    }
    return undefined;
  }

  /** Stands the timers of a key in line again, after it was taken out. */
  requeue(keyId: string): void {
    for (const timer of this.#keys.get(keyId)?.values() ?? []) this.#queue(keyId, timer);
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    for (const [cell, json] of cells) {
      if (!cell.startsWith(CELL)) continue;
      const [keyId, name] = JSON.parse(cell.slice(CELL.length)) as [string, string];
      const [kind, dueMs] = json as [TimeKind, number];
      this.#write(keyId, name, { name, kind, dueMs });
    }
    this.#changed.clear();
  }

  *changes(): Generator<readonly [string, JsonValue | undefined]> {
    for (const [cell, [keyId, name]] of this.#changed) {
      const timer = this.find(keyId, name);
      yield [cell, timer === undefined ? undefined : [timer.kind, timer.dueMs]];
    }
    this.#changed.clear();
  }

  *cells(): Generator<readonly [string, JsonValue]> {
    for (const [keyId, { name, kind, dueMs }] of this.all()) yield [cellOf(keyId, name), [kind, dueMs]];
  }

  #write(keyId: string, name: string, timer: FunctionTimer | undefined): void {
    const timers = this.#keys.get(keyId) ?? new Map<string, FunctionTimer>();
    this.#changed.set(cellOf(keyId, name), [keyId, name]);
    if (timer === undefined) {
      timers.delete(name);
      if (timers.size === 0) this.#keys.delete(keyId);
      return;
    }
    timers.set(name, timer);
    this.#keys.set(keyId, timers);
    this.#queue(keyId, timer);
  }

  #queue(keyId: string, { kind, dueMs }: FunctionTimer): void {
    const heapName = kind === 'wall' ? 'wall' : `event/${streamOf(keyId)}`;
    const id = `${heapName} ${keyId}`;
    const queuedMs = this.#queued.get(id);
    if (queuedMs !== undefined && queuedMs <= dueMs) return;
    this.#queued.set(id, dueMs);
    let heap = this.#due.get(heapName);
    if (heap === undefined) this.#due.set(heapName, (heap = new TimeHeap()));
    heap.push({ dueMs, id: keyId });
  }
}

function timeOf(heapName: string, nowMs: number, watermarkMs: Times['watermarkMs']): number {
  return heapName === 'wall' ? nowMs : watermarkMs(heapName.slice('event/'.length));
}

function isBefore(timer: FunctionTimer, other: FunctionTimer | undefined): boolean {
  if (other === undefined || timer.dueMs < other.dueMs) return true;
  return timer.dueMs === other.dueMs && timer.name < other.name;
}

function cellOf(keyId: string, name: string): string {
  return CELL + JSON.stringify([keyId, name]);
}
