import type { JsonValue } from '#libs/kernel';
import type { Past } from './condition.js';

type Entry = readonly [windowEndMs: number, value: number];

/** Windows a piece: what one more window costs in the state. */
const PIECE_WINDOWS = 64;

/** The values of the last windows of one label set. Kept in pieces, so that a commit carries the newest piece only. */
export class PastWindows implements Past {
  readonly #pieces = new Map<number, Entry[]>();
  #newestMs = -Infinity;

  /**
   * @param everyMs distance of windows, > 0
   * @param keepMs how far back windows are kept, counted from the newest
   */
  constructor(
    private readonly everyMs: number,
    private readonly keepMs: number,
  ) {}

  get newestMs(): number {
    return this.#newestMs;
  }

  load(piece: number, entries: JsonValue): void {
    const list = entries as unknown as readonly Entry[];
    this.#pieces.set(piece, [...list]);
    this.#newestMs = Math.max(this.#newestMs, ...list.map(([endMs]) => endMs));
  }

  /** A window's value, or a correction of it. @returns the numbers of the pieces that changed or are gone */
  put(windowEndMs: number, value: number): readonly number[] {
    if (windowEndMs <= this.#newestMs - this.keepMs) return [];
    const number = this.#pieceOf(windowEndMs);
    const piece = (this.#pieces.get(number) ?? []).filter(([endMs]) => endMs !== windowEndMs);
    piece.push([windowEndMs, value]);
    piece.sort(([a], [b]) => a - b);
    this.#pieces.set(number, piece);
    this.#newestMs = Math.max(this.#newestMs, windowEndMs);
    return [number, ...this.#dropOld()];
  }

  valueAt(windowEndMs: number): number | undefined {
    const near = [-1, 0, 1].flatMap(
      (step) => this.#pieces.get(this.#pieceOf(windowEndMs + step * (this.everyMs / 2))) ?? [],
    );
    let found: Entry | undefined;
    for (const entry of near) {
      const distanceMs = Math.abs(entry[0] - windowEndMs);
      if (distanceMs * 2 > this.everyMs) continue;
      if (found === undefined || distanceMs < Math.abs(found[0] - windowEndMs)) found = entry;
    }
    return found?.[1];
  }

  last(count: number): readonly number[] {
    const numbers = [...this.#pieces.keys()].sort((a, b) => a - b);
    return numbers
      .flatMap((number) => this.#pieces.get(number) ?? [])
      .slice(-count)
      .map(([, value]) => value);
  }

  *pieces(): Iterable<readonly [number: number, entries: JsonValue]> {
    for (const [number, entries] of this.#pieces) yield [number, [...entries]];
  }

  piece(number: number): JsonValue | undefined {
    const entries = this.#pieces.get(number);
    return entries && [...entries];
  }

  #pieceOf(windowEndMs: number): number {
    return Math.floor(windowEndMs / (this.everyMs * PIECE_WINDOWS));
  }

  #dropOld(): readonly number[] {
    const first = this.#pieceOf(this.#newestMs - this.keepMs);
    const old = [...this.#pieces.keys()].filter((number) => number < first);
    for (const number of old) this.#pieces.delete(number);
    return old;
  }
}
