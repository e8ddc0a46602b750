import { type ResultRow, rowId, type RowQuery } from '#libs/storage';
import { comparePlaces, isWanted, type PlacedRow, placeOfRow } from './row-place.js';

/** Some 100 MB of rows at most; beyond it the oldest entries go. */
export const MAX_OPEN_WINDOWS = 100_000;

/** What windows hold that are not complete. In memory: it is lost on a crash, and refilled by the next change. */
export class OpenWindows {
  readonly #maxRows: number;
  /** In the order of their last change. */
  readonly #rows = new Map<string, ResultRow>();
  readonly #bySeries = new Map<string, Map<string, ResultRow>>();

  constructor(maxRows: number = MAX_OPEN_WINDOWS) {
    this.#maxRows = maxRows;
  }

  put(row: ResultRow): void {
    const id = rowId(row);
    this.#rows.delete(id);
    this.#rows.set(id, row);
    const series = this.#bySeries.get(seriesId(row)) ?? new Map<string, ResultRow>();
    this.#bySeries.set(seriesId(row), series);
    series.set(id, row);
    if (this.#rows.size > this.#maxRows) this.remove(this.#rows.values().next().value!);
  }

  remove(row: ResultRow): void {
    const id = rowId(row);
    this.#rows.delete(id);
    const series = this.#bySeries.get(seriesId(row));
    series?.delete(id);
    if (series?.size === 0) this.#bySeries.delete(seriesId(row));
  }

  /** In the order of the query. */
  find(query: RowQuery, direction: 1 | -1): PlacedRow[] {
    const rows = this.#bySeries.get(seriesId(query))?.values() ?? [];
    return [...rows]
      .filter((row) => isWanted(row, query))
      .map((row) => ({ row, place: placeOfRow(row), provisional: true }))
      .sort((a, b) => comparePlaces(a.place, b.place) * direction);
  }

  /** Streams with open windows, by series. */
  *streams(pipeline: string): Iterable<readonly [series: string, stream: string]> {
    for (const rows of this.#bySeries.values()) {
      for (const row of rows.values()) if (row.pipeline === pipeline) yield [row.series, row.stream];
    }
  }
}

function seriesId({ pipeline, series }: { readonly pipeline: string; readonly series: string }): string {
  return JSON.stringify([pipeline, series]);
}
