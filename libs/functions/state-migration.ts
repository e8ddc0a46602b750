import type { JsonValue } from '#libs/kernel';
import { StateMigrationFailedError } from './functions.errors.js';

/** State as its cells, by name. */
export type StateCells = ReadonlyMap<string, JsonValue>;

/**
 * Makes the state of one version that of the next. Pure: the same cells give the same cells, on any machine and at any
 * time, since a task whose first commit is lost migrates again. Throwing keeps the task from starting.
 */
export type StateMigration = (cells: StateCells) => StateCells;

/** Cells by name; undefined: removed. */
export type StateChanges = ReadonlyMap<string, JsonValue | undefined>;

/**
 * Makes changes of one version those of the version before, so that a program of that version can go on. Pure. What
 * {@link StateMigration} makes of it again may lack what only the newer version knows, and nothing else.
 *
 * @param all every cell as it is after the changes, for what one cell of the former version says of several; costs as much as there is
 */
export type StateDowngrade = (changes: StateChanges, all: () => StateCells) => StateChanges;

/**
 * In which version state is written: that in which it is stored, as far as a program can write it, so that programs of that
 * version can go on with it; or the newest.
 */
export type StateFormat = 'stored' | 'newest';

/** Whose state it is. A change of meaning of the cells raises the version. */
export interface StateIdentity {
  /** Never changes: state of another operator is refused. */
  readonly operator: string;
  /** From 1. */
  readonly version: number;
  /** By the version that they make: `2` takes state of version 1. Older state than they reach is refused. */
  readonly migrations?: Readonly<Record<number, StateMigration>>;
  /** By the version that they make: `1` takes changes of version 2. State of an older version than they reach is written in the present one. */
  readonly downgrades?: Readonly<Record<number, StateDowngrade>>;
}

/** The oldest version from which migrations lead to the present one. */
export function oldestKnownVersion({ version, migrations = {} }: StateIdentity): number {
  let oldest = version;
  while (oldest > 1 && migrations[oldest] !== undefined) oldest--;
  return oldest;
}

/**
 * The cells as the present version has them.
 *
 * @param found the version they were stored with, one that is known
 * @throws StateMigrationFailedError
 */
export function migrate(
  cells: Map<string, JsonValue>,
  found: number,
  { identity, task }: { readonly identity: StateIdentity; readonly task: string },
): Map<string, JsonValue> {
  let migrated: StateCells = cells;
  for (let version = found + 1; version <= identity.version; version++) {
    try {
      migrated = identity.migrations?.[version]?.(migrated) ?? migrated;
    } catch (error) {
      const { operator } = identity;
      throw new StateMigrationFailedError(task, { operator, from: version - 1, to: version }, error);
    }
  }
  return new Map(migrated);
}

/** The version to write where `found` is stored. */
export function writtenVersion(identity: StateIdentity, found: number, format: StateFormat): number {
  const { version, downgrades = {} } = identity;
  if (format === 'newest') return version;
  let oldest = version;
  while (oldest > 1 && downgrades[oldest - 1] !== undefined) oldest--;
  return found >= oldest ? found : version;
}

/** Changes of the present version as `version` has them, one that {@link writtenVersion} has given. */
export function downgraded(
  changes: StateChanges,
  all: () => StateCells,
  { version, identity }: { readonly version: number; readonly identity: StateIdentity },
): StateChanges {
  let [former, everything] = [changes, all];
  for (let made = identity.version - 1; made >= version; made--) {
    const step = identity.downgrades?.[made];
    if (step === undefined) break;
    const before = everything;
    former = step(former, before);
    everything = () => withoutRemoved(step(before(), before));
  }
  return former;
}

/** What is left of changes that begin with nothing. */
export function withoutRemoved(changes: StateChanges): StateCells {
  return new Map(
    [...changes].flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  );
}
