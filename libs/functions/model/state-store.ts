import type { JsonValue } from '#libs/kernel';
import type { TimeKind } from './function-context.js';
import { streamOf } from './key-id.js';
import { TimeHeap } from './time-heap.js';

/** One value of state. */
export interface StateCell {
  /** Frozen. */
  readonly value: JsonValue;
  /** As JSON, with its name. */
  readonly bytes: number;
  readonly expiry?: { readonly by: TimeKind; readonly atMs: number };
}

/** The times by which things expire and fall due. */
export interface Times {
  readonly nowMs: number;
  readonly watermarkMs: (stream: string) => number;
}

/** What the names of the cells of users' state begin with. */
export const CELL = 's/';
/** Between the name of a map and its entry, in the name of a cell. */
export const ENTRY = '\u001f';

/** Where a cell stands, as its name tells. */
export interface CellPlace {
  readonly keyId: string;
  readonly name: string;
  readonly entry: string | undefined;
}

/** Takes apart what {@link nameOfCell} makes. */
export function partsOfCell(cellName: string): CellPlace {
  const [keyId, cell] = JSON.parse(cellName.slice(CELL.length)) as [string, string];
  const at = cell.indexOf(ENTRY);
  if (at < 0) return { keyId, name: cell, entry: undefined };
  return { keyId, name: cell.slice(0, at), entry: cell.slice(at + 1) };
}

/** The name of a cell in the state of the task. */
export function nameOfCell({ keyId, name, entry }: CellPlace): string {
  return CELL + nameOf(keyId, entry === undefined ? name : name + ENTRY + entry);
}

/** Has the cell expired for a call at these times. */
export function isExpired({ expiry }: StateCell, watermarkMs: number, nowMs: number): boolean {
  return expiry !== undefined && expiry.atMs <= (expiry.by === 'event' ? watermarkMs : nowMs);
}

/** The state of all keys of a task, as its last finished calls left it. */
export class StateStore {
  /** Of all cells. */
  bytes = 0;
  readonly #keys = new Map<string, Map<string, StateCell>>();
  readonly #changed = new Map<string, readonly [keyId: string, cell: string]>();
  /** By `event` and stream, or `wall`: cells by their expiry. */
  readonly #expiries = new Map<string, TimeHeap>();
  /** When a cell stands in its heap; a cell that is written again stays there, and moves when its turn comes. */
  readonly #queued = new Map<string, number>();

  cellsOf(keyId: string): ReadonlyMap<string, StateCell> | undefined {
    return this.#keys.get(keyId);
  }

  /** Takes over what a call has written; undefined: removed. */
  merge(keyId: string, writes: ReadonlyMap<string, StateCell | undefined>): void {
    for (const [cell, next] of writes) this.#write(keyId, cell, next);
  }

  /** Removes what has expired. Cells of keys that are held wait. */
  expire({ nowMs, watermarkMs }: Times, isHeld: (keyId: string) => boolean): void {
    for (const [heapName, heap] of this.#expiries) {
      const timeMs = heapName === 'wall' ? nowMs : watermarkMs(heapName.slice('event/'.length));
      const held = [];
      for (let entry = heap.popDue(timeMs); entry !== undefined; entry = heap.popDue(timeMs)) {
        const [keyId, cell] = JSON.parse(entry.id) as [string, string];
        if (isHeld(keyId)) held.push(entry);
        else this.#expireCell({ keyId, cell, name: entry.id }, entry.dueMs, timeMs);
      }
      for (const entry of held) heap.push(entry);
      if (heap.size === 0) this.#expiries.delete(heapName);
    }
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    for (const [name, json] of cells) {
      if (!name.startsWith(CELL)) continue;
      const [keyId, cell] = JSON.parse(name.slice(CELL.length)) as [string, string];
      const [value, by, atMs] = json as [JsonValue, TimeKind?, number?];
      const expiry = by === undefined || atMs === undefined ? {} : { expiry: { by, atMs } };
      this.#write(keyId, cell, { value: frozen(value), bytes: bytesOf(cell, value), ...expiry });
    }
    this.#changed.clear();
  }

  *changes(): Generator<readonly [string, JsonValue | undefined]> {
    for (const [name, [keyId, cell]] of this.#changed) {
      const found = this.#keys.get(keyId)?.get(cell);
      yield [CELL + name, found === undefined ? undefined : encode(found)];
    }
    this.#changed.clear();
  }

  *cells(): Generator<readonly [string, JsonValue]> {
    for (const [keyId, cells] of this.#keys) {
      for (const [cell, found] of cells) yield [CELL + nameOf(keyId, cell), encode(found)];
    }
  }

  #write(keyId: string, cell: string, next: StateCell | undefined): void {
    const cells = this.#keys.get(keyId) ?? new Map<string, StateCell>();
    const name = nameOf(keyId, cell);
    this.bytes += (next?.bytes ?? 0) - (cells.get(cell)?.bytes ?? 0);
    this.#changed.set(name, [keyId, cell]);
    if (next === undefined) {
      cells.delete(cell);
      if (cells.size === 0) this.#keys.delete(keyId);
      return;
    }
    cells.set(cell, next);
    this.#keys.set(keyId, cells);
    if (next.expiry !== undefined) this.#queue(keyId, name, next.expiry);
  }

  #queue(keyId: string, name: string, { by, atMs }: NonNullable<StateCell['expiry']>): void {
    const heapName = by === 'wall' ? 'wall' : `event/${streamOf(keyId)}`;
    const id = `${heapName} ${name}`;
    const queuedMs = this.#queued.get(id);
    if (queuedMs !== undefined && queuedMs <= atMs) return;
    this.#queued.set(id, atMs);
    let heap = this.#expiries.get(heapName);
    if (heap === undefined) this.#expiries.set(heapName, (heap = new TimeHeap()));
    heap.push({ dueMs: atMs, id: name });
  }

  #expireCell(
    { keyId, cell, name }: { readonly keyId: string; readonly cell: string; readonly name: string },
    queuedMs: number,
    timeMs: number,
  ): void {
    for (const heapName of ['wall', `event/${streamOf(keyId)}`]) {
      const id = `${heapName} ${name}`;
      if (this.#queued.get(id) === queuedMs) this.#queued.delete(id);
    }
    const found = this.#keys.get(keyId)?.get(cell);
    if (found?.expiry === undefined) return;
    if (found.expiry.atMs <= timeMs) this.#write(keyId, cell, undefined);
    else this.#queue(keyId, name, found.expiry);
  }
}

/** A copy that nobody can change. */
export function frozen<T extends JsonValue>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const each of Object.values(value)) if (each !== undefined) frozen(each);
  return Object.freeze(value);
}

/** What a cell takes, as JSON with its name. */
export function bytesOf(cell: string, value: JsonValue): number {
  return cell.length + Buffer.byteLength(JSON.stringify(value));
}

function nameOf(keyId: string, cell: string): string {
  return JSON.stringify([keyId, cell]);
}

function encode({ value, expiry }: StateCell): JsonValue {
  return expiry === undefined ? [value] : [value, expiry.by, expiry.atMs];
}
