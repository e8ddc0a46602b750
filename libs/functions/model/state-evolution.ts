import type { JsonValue } from '#libs/kernel';
import type { StateCells, StateIdentity, StateMigration } from '../state-migration.js';
import { FunctionStateUndeclaredError } from './function.errors.js';
import { keyOf, streamOf } from './key-id.js';
import { CELL, nameOfCell, partsOfCell } from './state-store.js';

/** Where a value of state stands. */
export interface StatePlace {
  readonly stream: string;
  readonly key: string;
  /** As given to `state.value`, `state.map` or `state.list`. */
  readonly name: string;
  /** Of a map. */
  readonly entry?: string;
}

/** The value as the next version has it; undefined: it is removed. Pure. */
export type ValueMigration = (value: JsonValue, place: StatePlace) => JsonValue | undefined;

/** How state of one version becomes that of the next: what is removed goes first, then names change, then values. */
export interface StateChange {
  /** Names whose state is given up. */
  readonly remove?: readonly string[];
  /** Old name → new name. */
  readonly rename?: Readonly<Record<string, string>>;
  /** Called for every value that is left, under its new name. */
  readonly value?: ValueMigration;
}

/** What the state of a function is, and how that of former versions becomes it. */
export interface StateSettings {
  /** Raised with every change of what the state means, 1 to 1,000,000. Default 1. */
  readonly version?: number;
  /**
   * By the version that they make: `{ 2: … }` takes state of version 1. A function is short for `{ value }`. State of an
   * older version than they reach, or of a newer one, keeps the task from starting.
   */
  readonly migrate?: Readonly<Record<number, StateChange | ValueMigration>>;
  /**
   * All names of state that the function uses. Where given, another name is refused: in a call, and at the start
   * where state is found under a name that no migration has renamed or removed. Default: any name.
   */
  readonly names?: readonly string[];
}

/** What the runtime has to know of the state of a function. */
export function stateIdentityOf(
  name: string,
  { version = 1, migrate = {} }: StateSettings = {},
): StateIdentity {
  const migrations: Record<number, StateMigration> = {};
  for (const [made, change] of Object.entries(migrate))
    migrations[Number(made)] = migrationOf(typeof change === 'function' ? { value: change } : change);
  return { operator: `function/${name}`, version, migrations };
}

/** @throws FunctionStateUndeclaredError if state has a name that is not among the declared ones */
export function refuseUndeclaredState(cells: StateCells, { names }: StateSettings = {}): void {
  if (names === undefined) return;
  const unknown = new Set<string>();
  for (const name of cells.keys()) {
    const found = name.startsWith(CELL) ? partsOfCell(name).name : undefined;
    if (found !== undefined && !names.includes(found)) unknown.add(found);
  }
  if (unknown.size > 0) throw new FunctionStateUndeclaredError([...unknown].sort(), names, 'is stored');
}

function migrationOf(change: StateChange): StateMigration {
  return (cells) => {
    const migrated = new Map<string, JsonValue>();
    for (const [cellName, content] of cells) {
      if (!cellName.startsWith(CELL)) migrated.set(cellName, content);
      else migrateCell(cellName, content as readonly [JsonValue], { change, migrated });
    }
    return migrated;
  };
}

function migrateCell(
  cellName: string,
  [value, ...expiry]: readonly [JsonValue, ...JsonValue[]],
  { change, migrated }: { readonly change: StateChange; readonly migrated: Map<string, JsonValue> },
): void {
  const { keyId, name: oldName, entry } = partsOfCell(cellName);
  if (change.remove?.includes(oldName) === true) return;
  const name = renamed(oldName, change.rename);
  const place: StatePlace = {
    stream: streamOf(keyId),
    key: keyOf(keyId),
    name,
    ...(entry === undefined ? {} : { entry }),
  };
  const next = change.value === undefined ? value : change.value(value, place);
  if (next === undefined) return;
  const target = nameOfCell({ keyId, name, entry });
  // Two that become one: which of them would stay is nothing to be left to chance.
  if (migrated.has(target))
    throw new Error(`'${oldName}' can't be renamed to '${name}': there is state of that name`);
  migrated.set(target, [next, ...expiry]);
}

function renamed(name: string, renames: Readonly<Record<string, string>> = {}): string {
  return (Object.hasOwn(renames, name) ? renames[name] : undefined) ?? name;
}
