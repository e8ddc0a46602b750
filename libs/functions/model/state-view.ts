import { type JsonValue, parseDuration } from '#libs/kernel';
import type { KeyedState, ListState, MapState, TimeToLive, ValueState } from './function-context.js';
import { FunctionStateTooLargeError, FunctionStateUndeclaredError } from './function.errors.js';
import { bytesOf, ENTRY, frozen, isExpired, type StateCell, type StateStore } from './state-store.js';

/** The most one cell may take: every change of it is written anew with the commit. */
export const MAX_CELL_BYTES = 256 * 1024;

export interface StateViewOptions {
  readonly store: StateStore;
  readonly maxBytes: number;
  /** All there are; undefined: any. */
  readonly names: readonly string[] | undefined;
  readonly keyId: string;
  readonly watermarkMs: number;
  readonly nowMs: number;
  /** What event-time expiry counts from. */
  readonly eventTimeMs: number;
  /** @throws if the call has ended */
  readonly check: () => void;
}

/** The state of one key as one call sees it: what the call writes is seen by it alone, until it has succeeded. */
export class StateView implements KeyedState {
  readonly writes = new Map<string, StateCell | undefined>();
  #addedBytes = 0;

  constructor(private readonly options: StateViewOptions) {}

  value<T extends JsonValue>(name: string, ttl?: TimeToLive): ValueState<T> {
    this.#checkName(name);
    return {
      get: () => this.#get(name) as T | undefined,
      set: (value) => this.#set(name, value, ttl),
      clear: () => this.#remove(name),
    };
  }

  map<T extends JsonValue>(name: string, ttl?: TimeToLive): MapState<T> {
    this.#checkName(name);
    const prefix = name + ENTRY;
    return {
      get: (entry) => this.#get(prefix + entry) as T | undefined,
      has: (entry) => this.#get(prefix + entry) !== undefined,
      set: (entry, value) => this.#set(prefix + entry, value, ttl),
      delete: (entry) => this.#remove(prefix + entry),
      entries: () => this.#entries(prefix) as readonly (readonly [string, T])[],
      clear: () => {
        for (const [entry] of this.#entries(prefix)) this.#remove(prefix + entry);
      },
    };
  }

  list<T extends JsonValue>(name: string, ttl?: TimeToLive): ListState<T> {
    this.#checkName(name);
    const get = (): readonly T[] => (this.#get(name) ?? []) as unknown as readonly T[];
    return {
      get,
      append: (...items) => this.#set(name, [...get(), ...items], ttl),
      set: (items) => this.#set(name, items, ttl),
      clear: () => this.#remove(name),
    };
  }

  #checkName(name: string): void {
    checkName(name);
    const { names } = this.options;
    if (names !== undefined && !names.includes(name))
      throw new FunctionStateUndeclaredError([name], names, 'was asked for');
  }

  #get(cell: string): JsonValue | undefined {
    this.options.check();
    if (this.writes.has(cell)) return this.writes.get(cell)?.value;
    const found = this.#stored(cell);
    return found === undefined ? undefined : found.value;
  }

  #stored(cell: string): StateCell | undefined {
    const { store, keyId, watermarkMs, nowMs } = this.options;
    const found = store.cellsOf(keyId)?.get(cell);
    return found === undefined || isExpired(found, watermarkMs, nowMs) ? undefined : found;
  }

  #set(cell: string, given: JsonValue | undefined, ttl: TimeToLive | undefined): void {
    this.options.check();
    if (given === undefined) return this.#remove(cell);
    const value = copyOf(given);
    const bytes = bytesOf(cell, value);
    this.#account(cell, bytes);
    this.writes.set(cell, { value, bytes, ...this.#expiry(ttl) });
  }

  #remove(cell: string): void {
    this.options.check();
    if (!this.writes.has(cell) && this.options.store.cellsOf(this.options.keyId)?.has(cell) !== true) return;
    this.#account(cell, 0);
    this.writes.set(cell, undefined);
  }

  #account(cell: string, bytes: number): void {
    const { store, keyId, maxBytes } = this.options;
    if (bytes > MAX_CELL_BYTES)
      throw new FunctionStateTooLargeError(`state '${cell.replace(ENTRY, '.')}'`, bytes, MAX_CELL_BYTES);
    const before = this.writes.has(cell) ? this.writes.get(cell) : store.cellsOf(keyId)?.get(cell);
    const added = this.#addedBytes + bytes - (before?.bytes ?? 0);
    if (added > this.#addedBytes && store.bytes + added > maxBytes)
      throw new FunctionStateTooLargeError('the state of the task', store.bytes + added, maxBytes);
    this.#addedBytes = added;
  }

  #expiry(options: TimeToLive | undefined): Pick<StateCell, 'expiry'> {
    if (options === undefined) return {};
    const by = options.by ?? 'event';
    const fromMs = by === 'event' ? this.options.eventTimeMs : this.options.nowMs;
    return { expiry: { by, atMs: fromMs + parseDuration(options.ttl) } };
  }

  #entries(prefix: string): readonly (readonly [string, JsonValue])[] {
    this.options.check();
    const stored = this.options.store.cellsOf(this.options.keyId)?.keys() ?? [];
    const cells = new Set([...stored, ...this.writes.keys()].filter((cell) => cell.startsWith(prefix)));
    return [...cells].flatMap((cell) => {
      const value = this.#get(cell);
      return value === undefined ? [] : [[cell.slice(prefix.length), value] as const];
    });
  }
}

/** What the caller does to its own object later must not change the state, and nobody may change what `get` gives. */
function copyOf(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  return frozen(JSON.parse(JSON.stringify(value)) as JsonValue);
}

function checkName(name: string): void {
  if (name === '' || name.includes(ENTRY) || name.includes('\n'))
    throw new TypeError(`a name of state must be a text without line breaks, not ${JSON.stringify(name)}`);
}
