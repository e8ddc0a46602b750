import { type JsonScalar, murmur3 } from '#libs/kernel';
import type { Fields } from '../aggregators/aggregator.js';

type Level<L> = Map<JsonScalar, Level<L> | L>;

/** Something for each key, by the values of its fields, one level a field: no text is put together for an event. */
export class KeyTree<L extends object> {
  readonly #root: Level<L> = new Map();

  /**
   * @param by the fields of the key, at least one
   * @param create what a key begins with; may be the same for several keys
   */
  constructor(
    private readonly by: readonly string[],
    private readonly create: (key: readonly JsonScalar[]) => L,
  ) {}

  of(data: Fields): L {
    const { by } = this;
    // Most keys are one field.
    return by.length === 1 ? this.#leafIn(this.#root, keyPart(data[by[0]!]), data) : this.#deepLeaf(data);
  }

  #deepLeaf(data: Fields): L {
    const { by } = this;
    const last = by.length - 1;
    let level = this.#root;
    for (let i = 0; i < last; i++) {
      const part = keyPart(data[by[i]!]);
      let next = level.get(part) as Level<L> | undefined;
      if (next === undefined) {
        next = new Map();
        level.set(part, next);
      }
      level = next;
    }
    return this.#leafIn(level, keyPart(data[by[last]!]), data);
  }

  #leafIn(level: Level<L>, part: JsonScalar, data: Fields): L {
    let leaf = level.get(part) as L | undefined;
    if (leaf === undefined) {
      leaf = this.create(this.by.map((field) => keyPart(data[field])));
      level.set(part, leaf);
    }
    return leaf;
  }

  visit(visit: (key: readonly JsonScalar[], leaf: L) => void): void {
    this.#visitLevel(this.#root, [], visit);
  }

  #visitLevel(
    level: Level<L>,
    path: readonly JsonScalar[],
    visit: (key: readonly JsonScalar[], leaf: L) => void,
  ): void {
    for (const [part, next] of level) {
      if (path.length === this.by.length - 1) visit([...path, part], next as L);
      else this.#visitLevel(next as Level<L>, [...path, part], visit);
    }
  }
}

/** A longer text is cut: keys go into ids and properties of messages, and one huge key must not stop the others. */
const MAX_KEY_CHARS = 512;

/** A value as part of a key: scalars as they are, what is missing or no number as `null`, the rest as its JSON. */
export function keyPart(value: unknown): JsonScalar {
  if (typeof value === 'string') return shortText(value);
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  return value === undefined || value === null ? null : shortText(JSON.stringify(value));
}

/** Texts that are cut stay apart by the hash of what they were. */
function shortText(text: string): string {
  if (text.length <= MAX_KEY_CHARS) return text;
  return `${text.slice(0, MAX_KEY_CHARS)}…${murmur3(text).toString(16)}`;
}
