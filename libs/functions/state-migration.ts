import type { JsonValue } from '#libs/kernel';
import { StateMigrationFailedError } from './functions.errors.js';

/** State as its cells, by name. */
export type StateCells = ReadonlyMap<string, JsonValue>;

/**
 * Makes the state of one version that of the next. Pure: the same cells give the same cells, on any machine and at any
 * time, since a task whose first commit is lost migrates again. Throwing keeps the task from starting.
 */
export type StateMigration = (cells: StateCells) => StateCells;

/** Whose state it is. A change of meaning of the cells raises the version. */
export interface StateIdentity {
  /** Never changes: state of another operator is refused. */
  readonly operator: string;
  /** From 1. */
  readonly version: number;
  /** By the version that they make: `2` takes state of version 1. Older state than they reach is refused. */
  readonly migrations?: Readonly<Record<number, StateMigration>>;
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
