import { crc32 } from 'node:zlib';
import { PlatformError } from './errors.js';

// Stored values that show damage. A sealed value is a CRC-32 over its key and all that follows, a tag, the content.

const SEAL_BYTES = 4;
const TAG_BYTES = 1;

/**
 * A copy of the content that shows later whether it is whole and under the key it was stored with.
 *
 * @param key as JSON can write it
 * @param tag 0 to 255, what kind it is
 */
export function sealValue(key: unknown, content: Uint8Array, tag = 0): Buffer {
  const sealed = Buffer.allocUnsafe(SEAL_BYTES + TAG_BYTES + content.byteLength);
  sealed[SEAL_BYTES] = tag;
  sealed.set(content, SEAL_BYTES + TAG_BYTES);
  sealed.writeUInt32LE(crc32(sealed.subarray(SEAL_BYTES), seedOf(key)), 0);
  return sealed;
}

/** A view of the content; a sentence where it is not what was sealed. */
export function unsealValue(
  key: unknown,
  sealed: Buffer,
): { readonly tag: number; readonly content: Buffer } | string {
  if (sealed.byteLength < SEAL_BYTES + TAG_BYTES) return 'it is cut off';
  if (sealOf(sealed) !== crc32(sealed.subarray(SEAL_BYTES), seedOf(key))) {
    return 'its checksum is not the one it was stored with';
  }
  return { tag: sealed[SEAL_BYTES] ?? 0, content: sealed.subarray(SEAL_BYTES + TAG_BYTES) };
}

function sealOf(sealed: Buffer): number {
  return sealed.readUInt32LE(0);
}

function seedOf(key: unknown): number {
  return crc32(JSON.stringify(key));
}

/** How many values a table holds, and all of their seals in one number. */
export type TableTotal = readonly [count: number, seals: number];

/** What some tables hold together: shows where a value is missing that nobody asks for by name. */
export class TableTotals {
  readonly #tables: Map<string, TableTotal>;

  constructor(stored: Readonly<Record<string, TableTotal>> = {}) {
    this.#tables = new Map(Object.entries(stored));
  }

  add(table: string, sealed: Buffer): void {
    this.#change(table, 1, sealed);
  }

  remove(table: string, sealed: Buffer): void {
    this.#change(table, -1, sealed);
  }

  of(table: string): TableTotal {
    return this.#tables.get(table) ?? [0, 0];
  }

  toJSON(): Record<string, TableTotal> {
    return Object.fromEntries(this.#tables);
  }

  #change(table: string, by: 1 | -1, sealed: Buffer): void {
    const [count, seals] = this.of(table);
    this.#tables.set(table, [count + by, (seals ^ sealOf(sealed)) >>> 0]);
  }
}

/** Codes of LMDB that say: the file is not what was written. */
const DAMAGE_CODES = new Map([
  [-30797, 'it refers to a page that is not there'],
  [-30796, 'a page is not of the kind it should be'],
  [-30795, 'it can no longer be used'],
  [-30794, 'it is of another version'],
  [-30793, 'it is no data file'],
  [-30787, 'its pages lead in circles'],
  [-30786, 'a page holds more than it can'],
  [-30784, 'a table is of another kind'],
  [-30779, 'its pages contradict each other'],
]);

/** A sentence if an error says that a data file of LMDB is damaged; undefined: it says something else. */
export function damageOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'number' ? DAMAGE_CODES.get(code) : undefined;
}

/**
 * As {@link damageOf}, of what opening a file that was written before has thrown: whatever is no refusal of the
 * operating system and no error of ours comes from what the file holds.
 */
export function damageOnOpening(error: unknown): string | undefined {
  if (error instanceof PlatformError) return undefined;
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  const isOfSystem =
    typeof code === 'string' ? !code.startsWith('ERR_') : typeof code === 'number' && code > 0;
  return damageOf(error) ?? (isOfSystem ? undefined : String(error));
}
