import { crc32 } from 'node:zlib';
import type { JsonValue } from '#libs/kernel';
import { DataDamagedError, type StateBlob } from '#libs/storage';
import { type FoundState, StateUnknownError } from './functions.errors.js';
import {
  downgraded,
  migrate,
  oldestKnownVersion,
  type StateCells,
  type StateChanges,
  type StateFormat,
  type StateIdentity,
  withoutRemoved,
  writtenVersion,
} from './state-migration.js';

// A blob of state: a header line (format, operator, version, checksum of the rest), then a JSON array of
// cells: [name, value], or [name] for a cell that was removed.

const FORMAT = 1;

/** A base is written again once the deltas on top of it have grown to this many times its size … */
const DELTAS_PER_BASE = 2;
/** … but not below this, so that small states do not rewrite themselves all the time. */
const MIN_DELTA_BYTES = 1024 * 1024;

type Cell = readonly [name: string, value?: JsonValue];

/** The state of one task as it lies in the commits: decides when a commit carries a delta and when a new base. */
export class StateLog {
  #baseBytes = 0;
  #deltaBytes = 0;
  #hasBase = false;
  #version: number;

  /** @param format in which version state is written that is stored in a former one */
  constructor(
    private readonly identity: StateIdentity,
    private readonly task: string,
    private readonly format: StateFormat = 'newest',
  ) {
    this.#version = identity.version;
  }

  /** The version in which state is written. */
  get version(): number {
    return this.#version;
  }

  /**
   * The cells that base and deltas add up to, as the present version has them. Where the present version is to be written, what was
   * migrated is stored with the next change, as a new base: no delta ever stands on a base of another version.
   *
   * @throws DataDamagedError if a checksum does not fit
   * @throws StateUnknownError if it is another operator's or of a version that is not known here
   * @throws StateMigrationFailedError
   */
  restore(blobs: readonly StateBlob[]): Map<string, JsonValue> {
    const { identity, task } = this;
    const cells = new Map<string, JsonValue>();
    let found = identity.version;
    for (const blob of blobs) {
      const { version, cells: changed } = this.#decode(blob);
      if (blob.kind === 'base') cells.clear();
      else if (version !== found)
        throw new DataDamagedError(`state of ${task}`, `version ${version} stands on version ${found}`);
      found = version;
      for (const [name, value] of changed) {
        if (value === undefined) cells.delete(name);
        else cells.set(name, value);
      }
      this.#account(blob);
    }
    this.#version = writtenVersion(identity, found, this.format);
    if (found === identity.version) return cells;
    if (this.#version !== found) this.#hasBase = false;
    return migrate(cells, found, { identity, task });
  }

  /** The blob for the next commit; undefined if nothing changed. */
  next(
    changes: Iterable<readonly [string, JsonValue | undefined]>,
    all: () => Iterable<readonly [string, JsonValue]>,
  ): StateBlob | undefined {
    const everything = (): StateCells => new Map(all());
    const changed = this.#written(new Map(changes), everything);
    if (changed.size === 0) return undefined;
    const delta: StateBlob = { kind: 'delta', bytes: this.#encode(changed) };
    const blob = this.#isBaseDue(delta) ? this.#base(everything()) : delta;
    this.#account(blob);
    return blob;
  }

  #base(cells: StateCells): StateBlob {
    return { kind: 'base', bytes: this.#encode(withoutRemoved(this.#written(cells, () => cells))) };
  }

  #written(changes: StateChanges, all: () => StateCells): StateChanges {
    return downgraded(changes, all, { version: this.#version, identity: this.identity });
  }

  #isBaseDue(delta: StateBlob): boolean {
    const limit = Math.max(MIN_DELTA_BYTES, this.#baseBytes * DELTAS_PER_BASE);
    return !this.#hasBase || this.#deltaBytes + delta.bytes.byteLength > limit;
  }

  #account(blob: StateBlob): void {
    if (blob.kind === 'base') {
      this.#hasBase = true;
      this.#baseBytes = blob.bytes.byteLength;
      this.#deltaBytes = 0;
    } else {
      this.#deltaBytes += blob.bytes.byteLength;
    }
  }

  #encode(cells: StateChanges): Buffer {
    const body = Buffer.from(JSON.stringify([...cells].map(toCell)));
    const head = {
      format: FORMAT,
      operator: this.identity.operator,
      version: this.#version,
      crc: crc32(body),
    };
    return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), body]);
  }

  #decode(blob: StateBlob): { readonly version: number; readonly cells: readonly Cell[] } {
    const bytes = Buffer.from(blob.bytes.buffer, blob.bytes.byteOffset, blob.bytes.byteLength);
    const headEnd = bytes.indexOf(0x0a);
    const body = bytes.subarray(headEnd + 1);
    const head = this.#header(bytes.subarray(0, Math.max(headEnd, 0)));
    const version = this.#knownVersion(head);
    if (head.crc !== crc32(body))
      throw new DataDamagedError(`state of ${this.task}`, 'the checksum does not fit');
    return { version, cells: JSON.parse(body.toString('utf8')) as Cell[] };
  }

  #knownVersion({ format, operator, version }: FoundState): number {
    const { identity } = this;
    const oldest = oldestKnownVersion(identity);
    const isKnown = typeof version === 'number' && version >= oldest && version <= identity.version;
    if (isKnown && format === FORMAT && operator === identity.operator) return version;
    throw new StateUnknownError(
      this.task,
      { format, operator, version },
      { format: FORMAT, operator: identity.operator, versions: [oldest, identity.version] },
    );
  }

  #header(bytes: Buffer): FoundState & { crc?: unknown } {
    try {
      return JSON.parse(bytes.toString('utf8')) as object;
    } catch {
      throw new DataDamagedError(`state of ${this.task}`, 'its header is not readable');
    }
  }
}

function toCell([name, value]: readonly [string, JsonValue | undefined]): Cell {
  return value === undefined ? [name] : [name, value];
}
