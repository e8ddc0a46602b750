import {
  comparePlaces,
  isWanted,
  type PlacedRow,
  placeOfRow,
  type ResultRow,
  rowId,
  type RowQuery,
} from '#libs/storage';

/** Some 100 MB of rows at most; beyond it the oldest entries go. */
export const MAX_OPEN_WINDOWS = 100_000;

interface StreamWindows {
  readonly pipeline: string;
  readonly series: string;
  readonly stream: string;
  readonly rows: Map<string, PlacedRow>;
}

/** What windows hold that are not complete. In memory: it is lost on a crash, and refilled by the next change. */
export class OpenWindows {
  readonly #maxRows: number;
  /** In the order of their last change. */
  readonly #rows = new Map<string, ResultRow>();
  /** None of them is empty. */
  readonly #streams = new Map<string, StreamWindows>();

  constructor(maxRows: number = MAX_OPEN_WINDOWS) {
    this.#maxRows = maxRows;
  }

  put(row: ResultRow): void {
    const id = rowId(row);
    this.#rows.delete(id);
    this.#rows.set(id, row);
    // Placed once here, not in each query.
    this.#streamOf(row).rows.set(id, { row, place: placeOfRow(row), provisional: true });
    if (this.#rows.size > this.#maxRows) this.remove(this.#rows.values().next().value!);
  }

  remove(row: ResultRow): void {
    const id = rowId(row);
    if (!this.#rows.delete(id)) return;
    const stream = this.#streamOf(row);
    stream.rows.delete(id);
    if (stream.rows.size === 0) this.#streams.delete(streamId(row));
  }

  /** In the order of the query. */
  find(query: RowQuery, direction: 1 | -1): PlacedRow[] {
    return [...this.#streams.values()]
      .filter(({ pipeline, series }) => pipeline === query.pipeline && series === query.series)
      .flatMap(({ rows }) => [...rows.values()])
      .filter(({ row }) => isWanted(row, query))
      .sort((a, b) => comparePlaces(a.place, b.place) * direction);
  }

  /** Streams with open windows, by series. */
  streams(pipeline: string): readonly { readonly series: string; readonly stream: string }[] {
    return [...this.#streams.values()].filter((stream) => stream.pipeline === pipeline);
  }

  #streamOf({ pipeline, series, stream }: ResultRow): StreamWindows {
    const id = streamId({ pipeline, series, stream });
    const known = this.#streams.get(id) ?? { pipeline, series, stream, rows: new Map<string, PlacedRow>() };
    this.#streams.set(id, known);
    return known;
  }
}

function streamId({ pipeline, series, stream }: Pick<ResultRow, 'pipeline' | 'series' | 'stream'>): string {
  return JSON.stringify([pipeline, series, stream]);
}
