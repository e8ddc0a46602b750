import type { Collection, Filter } from 'mongodb';
import { keyText, placeOfRow, type PlacedRow, type ResultRow, type RowQuery } from '#libs/storage';
import { NAMES } from '../collection-names.js';
import { type MongodbConnection, QUERY_MAX_TIME_MS } from '../mongodb-connection.js';
import { codeOf } from '../store-failure.js';
import { rowHash } from './row-record.js';

/** Some 100 MB of rows at most; beyond it those go that changed longest ago. */
export const MAX_OPEN_WINDOWS = 100_000;
/** The view is cut back now and then, not with each write: so much above the bound it may be. */
const OVERSHOOT = 0.1;
const DUPLICATE_KEY = 11_000;
/** Lost on a crash of the server at worst, and written anew with the next change. */
const BEST_EFFORT = { writeConcern: { w: 1, j: false } } as const;

interface OpenWindowRecord {
  readonly _id: string;
  readonly pipeline: string;
  readonly series: string;
  readonly stream: string;
  readonly start: number;
  /** Order of changes: within one process by this, among processes about by time. */
  readonly changed: number;
  readonly written: Date;
  readonly row: string;
}

/** What windows hold that are not complete, for every replica to read. */
export class OpenWindowView {
  readonly #connection: MongodbConnection;
  readonly #windows: Collection<OpenWindowRecord>;
  readonly #maxRows: number;
  #changes = 0;
  #untilTrim = 0;

  constructor(connection: MongodbConnection, maxRows: number = MAX_OPEN_WINDOWS) {
    this.#connection = connection;
    this.#windows = connection.collection<OpenWindowRecord>(NAMES.openWindows);
    this.#maxRows = maxRows;
  }

  async put(rows: readonly ResultRow[]): Promise<void> {
    if (rows.length === 0) return;
    const writes = rows.map((row) => {
      const { _id, ...replacement } = this.#recordOf(row);
      return { replaceOne: { filter: { _id }, replacement, upsert: true } };
    });
    try {
      await this.#windows.bulkWrite(writes, { ordered: false, ...BEST_EFFORT });
    } catch (error) {
      // Another process made the same entry at this moment; the next change of either replaces it.
      if (codeOf(error) !== DUPLICATE_KEY) throw error;
    }
    this.#untilTrim -= rows.length;
    if (this.#untilTrim <= 0) await this.#trim();
  }

  async remove(rows: readonly ResultRow[]): Promise<void> {
    if (rows.length === 0) return;
    await this.#windows.deleteMany({ _id: { $in: rows.map(rowHash) } }, BEST_EFFORT);
  }

  /** By start, in the order of the query. */
  async *find(query: RowQuery, fromMs: number, toMs: number): AsyncGenerator<PlacedRow> {
    const direction = query.order === 'descending' ? -1 : 1;
    const filter: Filter<OpenWindowRecord> = {
      pipeline: keyText(query.pipeline),
      series: keyText(query.series),
      start: { $gte: fromMs, $lt: toMs },
      ...(query.stream === undefined ? {} : { stream: keyText(query.stream) }),
    };
    const found = this.#windows
      .find(filter, { maxTimeMS: QUERY_MAX_TIME_MS, projection: { row: 1 } })
      .sort({ start: direction });
    for await (const record of found) {
      const row = JSON.parse(record.row) as ResultRow;
      yield { row, place: placeOfRow(row), provisional: true };
    }
  }

  /** Streams with open windows, by series. */
  async streams(pipeline: string): Promise<readonly { readonly series: string; readonly stream: string }[]> {
    const groups = await this.#windows
      .aggregate<{ row: string }>([
        { $match: { pipeline: keyText(pipeline) } },
        { $group: { _id: { series: '$series', stream: '$stream' }, row: { $first: '$row' } } },
      ])
      .toArray();
    return groups.map(({ row }) => JSON.parse(row) as ResultRow);
  }

  #recordOf(row: ResultRow): OpenWindowRecord {
    const nowMs = this.#connection.clock.nowMs();
    return {
      _id: rowHash(row),
      pipeline: keyText(row.pipeline),
      series: keyText(row.series),
      stream: keyText(row.stream),
      start: row.windowStartMs,
      changed: nowMs * 1_000 + (this.#changes++ % 1_000_000),
      written: new Date(nowMs),
      row: JSON.stringify(row),
    };
  }

  async #trim(): Promise<void> {
    const count = await this.#windows.countDocuments({});
    const excess = count - this.#maxRows;
    this.#untilTrim = Math.max(1, Math.floor(this.#maxRows * OVERSHOOT), -excess);
    if (excess <= 0) return;
    this.#untilTrim = Math.max(1, Math.floor(this.#maxRows * OVERSHOOT));
    const oldest = await this.#windows
      .find({}, { projection: { _id: 1 } })
      .sort({ changed: 1 })
      .limit(excess)
      .toArray();
    await this.#windows.deleteMany({ _id: { $in: oldest.map(({ _id }) => _id) } }, BEST_EFFORT);
  }
}
