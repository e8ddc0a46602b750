import type { JsonValue, StreamEvent } from '#libs/kernel';

/** Of one partition. Sending again is done by people: beyond that the oldest are forgotten. */
const MAX_IDS = 100_000;
const PREFIX = 'again/';

/**
 * The ids of events that were sent again out of the dead letters, so that two clicks count once. Remembered whatever the
 * pipeline's `deduplicateFor` is: between two clicks may lie days.
 */
export class SentAgainIds {
  readonly #seen = new Set<string>();
  readonly #changed = new Set<string>();

  /** @param maxIds the most that are remembered */
  constructor(private readonly maxIds = MAX_IDS) {}

  /** Has it been seen; remembers it if not. */
  isRepeat({ stream, id }: Pick<StreamEvent, 'stream' | 'id'>): boolean {
    const cell = `${PREFIX}${stream}\n${id}`;
    if (this.#seen.has(cell)) return true;
    this.#seen.add(cell);
    this.#changed.add(cell);
    this.#forgetOldest();
    return false;
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    for (const name of cells.keys()) if (name.startsWith(PREFIX)) this.#seen.add(name);
  }

  *changes(): Generator<[string, JsonValue | undefined]> {
    for (const cell of this.#changed) yield [cell, this.#seen.has(cell) ? 1 : undefined];
    this.#changed.clear();
  }

  *cells(): Generator<[string, JsonValue]> {
    for (const cell of this.#seen) yield [cell, 1];
  }

  #forgetOldest(): void {
    const [oldest] = this.#seen;
    if (this.#seen.size <= this.maxIds || oldest === undefined) return;
    this.#seen.delete(oldest);
    this.#changed.add(oldest);
  }
}
