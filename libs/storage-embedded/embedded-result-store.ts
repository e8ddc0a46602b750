import type { Clock } from '#libs/kernel';
import {
  assertLimit,
  comparePlaces,
  cursorAfter,
  type DeliveryFence,
  identityOfRowQuery,
  isWanted,
  keyText,
  type PlacedRow,
  placeOf,
  placeOfRow,
  type ResultItems,
  type ResultRow,
  ResultStore,
  ROW_PLACE_SHAPE,
  type RowPage,
  type RowPlace,
  type RowQuery,
} from '#libs/storage';
import type { EmbeddedDocumentStore } from './embedded-document-store.js';
import { OpenWindows } from './open-windows.js';
import { rangeBetween } from './page-range.js';
import { mergeRows, newestRows } from './row-merge.js';
import type { StoreDatabase } from './store-database.js';

/** Behind every text in a key: those are ASCII. */
const LAST_TEXT = '\u{ffff}';

export interface ResultStoreOptions {
  readonly database: StoreDatabase;
  readonly documents: EmbeddedDocumentStore;
  readonly clock: Clock;
  /** How many rows the view of open windows holds. Default 100,000. */
  readonly maxOpenWindows?: number;
}

export class EmbeddedResultStore extends ResultStore {
  readonly #database: StoreDatabase;
  readonly #documents: EmbeddedDocumentStore;
  readonly #clock: Clock;
  readonly #openWindows: OpenWindows;
  /** pipeline → series → streams. Only ever grows. */
  readonly #series = new Map<string, Map<string, Set<string>>>();

  constructor({ database, documents, clock, maxOpenWindows }: ResultStoreOptions) {
    super();
    this.#database = database;
    this.#documents = documents;
    this.#clock = clock;
    this.#openWindows = new OpenWindows(maxOpenWindows);
    for (const { value } of database.tables.series.getRange()) this.#knowStream(...value);
  }

  /** One transaction, so a repeat finds all of it or nothing; either way it leaves the same. No fence is needed. */
  async deliver(_fence: DeliveryFence, items: ResultItems): Promise<void> {
    if (items.rows.length === 0 && items.documents.length === 0) return;
    await this.#database.write(() => this.deliverNow(items));
    this.delivered(items);
  }

  /** Inside a transaction. Once it is stored, {@link delivered} is to be called. */
  deliverNow({ rows, documents }: ResultItems): void {
    for (const row of rows) this.#putNow(row);
    this.#documents.putNow(documents);
  }

  /** What {@link deliverNow} put is stored. */
  delivered({ rows }: ResultItems): void {
    for (const row of rows) this.#knowStream(row.pipeline, row.series, row.stream);
  }

  async query(query: RowQuery): Promise<RowPage> {
    this.#database.assertOpen();
    assertLimit(query.limit);
    const found: PlacedRow[] = [];
    for (const row of this.#rowsOf(query)) {
      // One more than asked for: so there is a next page, after the last one of this.
      if (found.length === query.limit)
        return { ...pageOf(found), nextCursor: cursorAfter(identityOfRowQuery(query), found.at(-1)!.place) };
      found.push(row);
    }
    return pageOf(found);
  }

  async series(
    pipeline: string,
  ): Promise<readonly { readonly series: string; readonly streams: readonly string[] }[]> {
    this.#database.assertOpen();
    const found = new Map<string, Set<string>>();
    for (const [series, streams] of this.#series.get(pipeline) ?? []) found.set(series, new Set(streams));
    for (const { series, stream } of this.#openWindows.streams(pipeline)) {
      found.set(series, (found.get(series) ?? new Set()).add(stream));
    }
    return [...found].sort(byFirst).map(([series, streams]) => ({ series, streams: [...streams].sort() }));
  }

  async putOpenWindows(rows: readonly ResultRow[]): Promise<void> {
    for (const row of rows) this.#openWindows.put(row);
  }

  async removeOpenWindows(rows: readonly ResultRow[]): Promise<void> {
    for (const row of rows) this.#openWindows.remove(row);
  }

  async checkHealth(): Promise<void> {
    await this.#database.checkHealth(this.#clock.nowMs());
  }

  #putNow(row: ResultRow): void {
    const { rows, series } = this.#database.tables;
    const key = keyOfRow(row);
    const former = rows.get(key);
    if (former !== undefined && former.revision > row.revision) return;
    rows.put(key, row);
    if (this.#series.get(row.pipeline)?.get(row.series)?.has(row.stream) === true) return;
    series.put(
      [keyText(row.pipeline), keyText(row.series), keyText(row.stream)],
      [row.pipeline, row.series, row.stream],
    );
  }

  #rowsOf(query: RowQuery): Iterable<PlacedRow> {
    const direction = query.order === 'descending' ? -1 : 1;
    const after =
      query.cursor === undefined
        ? undefined
        : placeOf(query.cursor, identityOfRowQuery(query), ROW_PLACE_SHAPE);
    const open = this.#openWindows
      .find(query, direction)
      .filter(({ place }) => after === undefined || comparePlaces(place, after) * direction > 0);
    const streams = query.stream === undefined ? this.#streamsOf(query) : [query.stream];
    return newestRows(
      mergeRows([...streams.map((stream) => this.#committed(stream, query, after)), open], direction),
    );
  }

  *#committed(stream: string, query: RowQuery, after: RowPlace | undefined): Generator<PlacedRow> {
    const prefix = [keyText(query.pipeline), keyText(query.series), keyText(stream)];
    const range = rangeBetween(prefix, query, after && startIn(keyText(stream), query, after));
    const direction = query.order === 'descending' ? -1 : 1;
    for (const { value: row } of this.#database.tables.rows.getRange(range)) {
      if (!isWanted(row, query)) continue;
      const place = placeOfRow(row);
      if (after !== undefined && comparePlaces(place, after) * direction <= 0) continue;
      yield { row, place, provisional: false };
    }
  }

  #streamsOf({ pipeline, series }: RowQuery): string[] {
    return [...(this.#series.get(pipeline)?.get(series) ?? [])];
  }

  #knowStream(pipeline: string, series: string, stream: string): void {
    const ofPipeline = this.#series.get(pipeline) ?? new Map<string, Set<string>>();
    this.#series.set(pipeline, ofPipeline.set(series, (ofPipeline.get(series) ?? new Set()).add(stream)));
  }
}

/** The row's key in the table: grouped by stream, so that a query of one stream is one range. */
function keyOfRow(row: ResultRow): (string | number)[] {
  const [windowStartMs, stream, key, windowEndMs] = placeOfRow(row);
  return [keyText(row.pipeline), keyText(row.series), stream, windowStartMs, key, windowEndMs];
}

/** Where the rows after a place begin within one stream: before the place's own stream a window was done whole. */
function startIn(
  stream: string,
  query: RowQuery,
  [windowStartMs, placeStream, key, windowEndMs]: RowPlace,
): (string | number)[] {
  if (stream === placeStream) return [windowStartMs, key, windowEndMs];
  const isDone = stream < placeStream === (query.order !== 'descending');
  const isAtFront = isDone === (query.order === 'descending');
  return isAtFront ? [windowStartMs] : [windowStartMs, LAST_TEXT];
}

function pageOf(found: readonly PlacedRow[]): RowPage {
  return { rows: found.map(({ row, provisional }) => ({ ...row, provisional })) };
}

function byFirst([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
