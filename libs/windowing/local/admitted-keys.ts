import type { TimeWindow } from '../time/window.js';

/** Hashes that are stored together: a commit writes again at most one chunk that was there before. */
const CHUNK = 256;

/** The keys that one window counts by name, as hashes, in the order in which they came. */
export class AdmittedKeys {
  readonly #known = new Set<number>();
  readonly #hashes: number[] = [];
  /** So many of the hashes are stored. */
  #stored = 0;

  constructor(readonly window: TimeWindow) {}

  /** Is the key one of them, or becomes one because there are fewer than `most`. */
  admit(hash: number, most: number): boolean {
    if (this.#known.has(hash)) return true;
    if (this.#known.size >= most) return false;
    this.#add(hash);
    return true;
  }

  /** Those with hashes that are not stored; from now on they are. */
  *changedChunks(): Iterable<readonly [number, string]> {
    const from = Math.floor(this.#stored / CHUNK);
    if (this.#stored < this.#hashes.length) yield* this.#chunksFrom(from);
    this.#stored = this.#hashes.length;
  }

  chunks(): Iterable<readonly [number, string]> {
    return this.#chunksFrom(0);
  }

  *storedChunks(): Iterable<number> {
    for (let number = 0; number * CHUNK < this.#stored; number++) yield number;
  }

  restoreChunk(number: number, text: string): void {
    const bytes = Buffer.from(text, 'base64');
    for (let at = 0; at < bytes.length; at += 4) {
      this.#hashes[number * CHUNK + at / 4] = bytes.readUInt32LE(at);
      this.#known.add(bytes.readUInt32LE(at));
    }
    this.#stored = this.#hashes.length;
  }

  #add(hash: number): void {
    this.#known.add(hash);
    this.#hashes.push(hash);
  }

  *#chunksFrom(first: number): Iterable<readonly [number, string]> {
    for (let number = first; number * CHUNK < this.#hashes.length; number++) {
      const hashes = Uint32Array.from(this.#hashes.slice(number * CHUNK, (number + 1) * CHUNK));
      yield [number, Buffer.from(hashes.buffer).toString('base64')];
    }
  }
}
