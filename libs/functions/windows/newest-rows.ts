import type { ResultRow } from '#libs/storage';

/** Keeps, of each series and stream, the rows of the newest windows. */
export class NewestRows {
  readonly #groups = new Map<string, ResultRow[]>();

  /** @param most of each series and stream, > 0 */
  constructor(private readonly most: number) {}

  add(row: ResultRow): void {
    const name = `${row.series}/${row.stream}`;
    const rows = this.#groups.get(name);
    if (rows === undefined) this.#groups.set(name, [row]);
    else {
      rows.push(row);
      // Not at every row: sorting once for every `most` of them costs next to nothing.
      if (rows.length >= 2 * this.most) this.#groups.set(name, this.#newest(rows));
    }
  }

  /** Gives them, oldest window first, and forgets them. */
  take(): readonly ResultRow[] {
    const rows = [...this.#groups.values()].flatMap((group) => this.#newest(group));
    this.#groups.clear();
    return rows;
  }

  #newest(rows: readonly ResultRow[]): ResultRow[] {
    return rows.toSorted((a, b) => a.windowStartMs - b.windowStartMs).slice(-this.most);
  }
}
