import type { ClientSession, Collection } from 'mongodb';
import type { ResultRow } from '#libs/storage';
import { NAMES } from '../collection-names.js';
import { DURABLE, MAJORITY_READ, type MongodbConnection } from '../mongodb-connection.js';
import { createSeriesCollection } from '../setup/create-collections.js';
import type { RowRecord } from './row-record.js';
import {
  defaultLayout,
  seriesId,
  type SeriesLayout,
  type SeriesRecord,
  seriesRecord,
} from './series-layout.js';

interface StreamRecord {
  readonly _id: string;
  readonly pipeline: string;
  readonly series: string;
  readonly stream: string;
}

/** Which collection holds the rows of a series; makes it where rows come for a series that has none. */
export class SeriesCollections {
  readonly #connection: MongodbConnection;
  readonly #wanted: ReadonlyMap<string, SeriesLayout>;
  readonly #known = new Map<string, SeriesRecord>();
  readonly #series: Collection<SeriesRecord>;
  readonly #streams: Collection<StreamRecord>;
  /** Registered by this process, or found registered. */
  readonly #knownStreams = new Set<string>();

  constructor(connection: MongodbConnection, layouts: readonly SeriesLayout[]) {
    this.#connection = connection;
    this.#wanted = new Map(layouts.map((layout) => [seriesId(layout), layout]));
    this.#series = connection.collection<SeriesRecord>(NAMES.series);
    this.#streams = connection.collection<StreamRecord>(NAMES.streams);
  }

  rows(record: SeriesRecord): Collection<RowRecord> {
    return this.#connection.collection<RowRecord>(record.collection);
  }

  /** How the series is kept; undefined: it has no rows yet. */
  async find(pipeline: string, series: string, session?: ClientSession): Promise<SeriesRecord | undefined> {
    const _id = seriesId({ pipeline, series });
    const known = this.#known.get(_id);
    if (known !== undefined) return known;
    const found = await this.#series.findOne({ _id }, session === undefined ? MAJORITY_READ : { session });
    if (found === null) return undefined;
    this.#known.set(_id, found);
    return found;
  }

  async all(): Promise<readonly SeriesRecord[]> {
    return await this.#series.find({}, MAJORITY_READ).sort({ _id: 1 }).toArray();
  }

  /** How the series is kept; it can take rows when this resolves. */
  async ensure(pipeline: string, series: string): Promise<SeriesRecord> {
    const found = await this.find(pipeline, series);
    if (found !== undefined) return found;
    const layout = this.#wanted.get(seriesId({ pipeline, series })) ?? defaultLayout(pipeline, series);
    const record = await createSeriesCollection(this.#connection, seriesRecord(layout));
    this.#known.set(record._id, record);
    return record;
  }

  /** Before the rows themselves: a stream is never missed, at worst it is named a moment early. */
  async registerStreams(rows: readonly ResultRow[]): Promise<void> {
    const fresh = new Map<string, StreamRecord>();
    let former: ResultRow | undefined;
    for (const row of rows) {
      const { pipeline, series, stream } = row;
      // Rows of one stream mostly come together.
      const isSame = former?.stream === stream && former.series === series && former.pipeline === pipeline;
      former = row;
      if (isSame) continue;
      const _id = JSON.stringify([pipeline, series, stream]);
      if (!this.#knownStreams.has(_id)) fresh.set(_id, { _id, pipeline, series, stream });
    }
    if (fresh.size === 0) return;
    const upserts = [...fresh.values()].map(({ _id, ...fields }) => ({
      updateOne: { filter: { _id }, update: { $setOnInsert: fields }, upsert: true },
    }));
    await this.#streams.bulkWrite(upserts, { ordered: false, ...DURABLE });
    for (const id of fresh.keys()) this.#knownStreams.add(id);
  }

  async streams(pipeline: string): Promise<readonly StreamRecord[]> {
    return await this.#streams.find({ pipeline: { $eq: pipeline } }, MAJORITY_READ).toArray();
  }
}
