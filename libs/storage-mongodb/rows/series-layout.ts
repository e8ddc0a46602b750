import { createHash } from 'node:crypto';

/** How the rows of a series are wanted; the composition root derives it from the pipeline. */
export interface SeriesLayout {
  readonly pipeline: string;
  readonly series: string;
  /** `time-series`: every revision is a row, in buckets. `table`: one document a result; for keys without bound. */
  readonly mode: 'time-series' | 'table';
  /** Names of the key's fields that queries ask for; each gets an index. */
  readonly keys: readonly string[];
  /** Are there few keys, so that buckets may be made by key: each bucket holds the rows of one stream and key then. */
  readonly hasFewKeys: boolean;
  /** Distance of two rows of one stream and key, milliseconds. */
  readonly everyMs: number;
  /** How long rows are kept, counted from their own time; absent: for ever. */
  readonly retentionMs?: number;
}

export type Granularity = 'seconds' | 'minutes' | 'hours';

/** A series as it is kept: what was decided when its collection was made stays. */
export interface SeriesRecord {
  readonly _id: string;
  readonly pipeline: string;
  readonly series: string;
  readonly collection: string;
  readonly mode: SeriesLayout['mode'];
  readonly keys: readonly string[];
  readonly hasFewKeys: boolean;
  readonly granularity: Granularity;
  /** Null: for ever. */
  readonly retentionSeconds: number | null;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** A namespace has 255 bytes, the database and what the server puts before the name included. */
const MAX_NAME = 120;

/** What a series is kept as that no pipeline of this process describes. */
export function defaultLayout(pipeline: string, series: string): SeriesLayout {
  return { pipeline, series, mode: 'time-series', keys: [], hasFewKeys: false, everyMs: MINUTE_MS };
}

export function seriesId({ pipeline, series }: Pick<SeriesLayout, 'pipeline' | 'series'>): string {
  return JSON.stringify([pipeline, series]);
}

export function seriesRecord(layout: SeriesLayout): SeriesRecord {
  const { pipeline, series, mode, keys, hasFewKeys, everyMs, retentionMs } = layout;
  return {
    _id: seriesId(layout),
    pipeline,
    series,
    collection: collectionOf(layout),
    mode,
    keys,
    hasFewKeys,
    granularity: granularityOf(everyMs),
    retentionSeconds: retentionMs === undefined ? null : Math.ceil(retentionMs / 1_000),
  };
}

/** Buckets span an hour, a day or 30 days: rows a minute apart fill one of a day. */
export function granularityOf(everyMs: number): Granularity {
  if (everyMs < MINUTE_MS) return 'seconds';
  return everyMs < HOUR_MS ? 'minutes' : 'hours';
}

/** `rows.web.requests_per_minute`; `table.…` for tables. Names that MongoDB would not take are written as their hash. */
function collectionOf({ pipeline, series, mode }: SeriesLayout): string {
  const name = `${safeName(pipeline)}.${safeName(series)}`;
  const kind = mode === 'table' ? 'table' : 'rows';
  if (name.length <= MAX_NAME) return `${kind}.${name}`;
  return `${kind}.${createHash('sha256').update(seriesId({ pipeline, series })).digest('hex').slice(0, 32)}`;
}

function safeName(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replaceAll('.', '%2E') || '%';
}
