import type { JsonValue } from '#libs/kernel';
import { TimeHeap } from '../model/time-heap.js';

/** A row from a time on; `row` undefined: there is none from then on. */
export interface TableVersion {
  readonly timeMs: number;
  readonly row: JsonValue | undefined;
}

interface StoredVersion extends TableVersion {
  readonly number: number;
  readonly bytes: number;
}

const CELL = 't/';
const COUNT_CELL = 'versions';

/**
 * A table as of event time: the versions of each key's row, by time. Of what is older than the history only the newest
 * version of a key is left, since it is still valid at its end.
 *
 *     versions   a ───── b ───────── c ──
 *     history            ·   [H ─────────── W)    a is gone: nobody who may still ask, at H or later, is told of it
 */
export class VersionedTable {
  readonly #keys = new Map<string, StoredVersion[]>();
  /** Keys by the times of their versions: when the history's end comes there, older ones are gone. */
  readonly #ageing = new TimeHeap();
  readonly #changed = new Map<number, readonly [key: string, version: StoredVersion | undefined]>();
  #next = 0;
  #isCountChanged = false;
  /** Of all versions, as JSON. */
  bytes = 0;

  /** How many keys there are. */
  get size(): number {
    return this.#keys.size;
  }

  /**
   * A version comes in. One of the same time replaces the former.
   *
   * @returns false: there was no room
   */
  put(key: string, { timeMs, row }: TableVersion, maxBytes: number): boolean {
    const bytes = key.length + (row === undefined ? 0 : Buffer.byteLength(JSON.stringify(row)));
    if (this.bytes + bytes > maxBytes) return false;
    const versions = this.#keys.get(key);
    const same = versions?.find((version) => version.timeMs === timeMs);
    if (same !== undefined) this.#remove(key, same);
    this.#isCountChanged = true;
    const number = this.#next++;
    this.#insert(key, { number, timeMs, row, bytes });
    return true;
  }

  /** The version that was valid at the time; undefined: nothing is known of the key so early. */
  at(key: string, timeMs: number): TableVersion | undefined {
    const versions = this.#keys.get(key) ?? [];
    return versions[newestUntil(versions, timeMs)];
  }

  /** Forgets what nobody asks for any more who asks for `historyMs` or later. */
  forgetBefore(historyMs: number): void {
    for (let due = this.#ageing.popDue(historyMs); due !== undefined; due = this.#ageing.popDue(historyMs)) {
      const versions = this.#keys.get(due.id) ?? [];
      const newest = newestUntil(versions, historyMs);
      // A row that was taken away is as good as one that never was.
      const isGone = versions[newest]?.row === undefined;
      const unneeded = versions.slice(0, Math.max(0, isGone ? newest + 1 : newest));
      for (const version of unneeded) this.#remove(due.id, version);
    }
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    this.#next = Number(cells.get(COUNT_CELL) ?? 0);
    for (const [name, value] of cells) {
      if (!name.startsWith(CELL)) continue;
      const [key, timeMs, row] = value as readonly [string, number, JsonValue?];
      const bytes = key.length + (row === undefined ? 0 : Buffer.byteLength(JSON.stringify(row)));
      this.#insert(key, { number: Number(name.slice(CELL.length)), timeMs, row, bytes });
    }
    this.#changed.clear();
  }

  *changes(): Generator<readonly [string, JsonValue | undefined]> {
    for (const [number, [key, version]] of this.#changed)
      yield [CELL + number, version === undefined ? undefined : encode(key, version)];
    this.#changed.clear();
    if (this.#isCountChanged) yield [COUNT_CELL, this.#next];
    this.#isCountChanged = false;
  }

  *cells(): Generator<readonly [string, JsonValue]> {
    for (const [key, versions] of this.#keys)
      for (const version of versions) yield [CELL + version.number, encode(key, version)];
    yield [COUNT_CELL, this.#next];
  }

  #insert(key: string, version: StoredVersion): void {
    const versions = this.#keys.get(key) ?? [];
    this.#keys.set(key, versions);
    versions.splice(newestUntil(versions, version.timeMs) + 1, 0, version);
    this.bytes += version.bytes;
    this.#ageing.push({ dueMs: version.timeMs, id: key });
    this.#changed.set(version.number, [key, version]);
  }

  #remove(key: string, version: StoredVersion): void {
    const versions = this.#keys.get(key) ?? [];
    versions.splice(versions.indexOf(version), 1);
    if (versions.length === 0) this.#keys.delete(key);
    this.bytes -= version.bytes;
    this.#changed.set(version.number, [key, undefined]);
  }
}

function encode(key: string, { timeMs, row }: StoredVersion): JsonValue {
  return row === undefined ? [key, timeMs] : [key, timeMs, row];
}

/** The place of the newest version that is not after the time; −1: none. */
function newestUntil(versions: readonly StoredVersion[], timeMs: number): number {
  let low = 0;
  let high = versions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (versions[middle]!.timeMs <= timeMs) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
