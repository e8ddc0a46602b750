import type { JsonValue } from '#libs/kernel';

const CELL = 'c/';

/** The counters of a task: what calls have added, as of the last message that was done with. */
export class FunctionCounters {
  readonly #values = new Map<string, number>();
  readonly #added = new Map<string, number>();
  readonly #changed = new Set<string>();

  /** As of the message before. */
  get(name: string): number {
    return this.#values.get(name) ?? 0;
  }

  /** To be seen from the next {@link settle} on: what calls see must not depend on which of them ends first. */
  add(name: string, by: number): void {
    this.#added.set(name, (this.#added.get(name) ?? 0) + by);
  }

  /** A message is done with. */
  settle(): void {
    if (this.#added.size === 0) return;
    for (const [name, by] of this.#added) {
      this.#values.set(name, this.get(name) + by);
      this.#changed.add(name);
    }
    this.#added.clear();
  }

  /** Those that changed since the last {@link changes}. */
  changedValues(): readonly (readonly [name: string, value: number])[] {
    return [...this.#changed].map((name) => [name, this.get(name)]);
  }

  all(): Iterable<readonly [name: string, value: number]> {
    return this.#values;
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    for (const [name, value] of cells)
      if (name.startsWith(CELL)) this.#values.set(name.slice(CELL.length), Number(value));
  }

  *changes(): Generator<readonly [string, JsonValue]> {
    for (const name of this.#changed) yield [CELL + name, this.get(name)];
    this.#changed.clear();
  }

  *cells(): Generator<readonly [string, JsonValue]> {
    for (const [name, value] of this.#values) yield [CELL + name, value];
  }
}
