import { hash } from 'node:crypto';
import type { JsonObject, JsonScalar, JsonValue } from '#libs/kernel';
import { type CommitVersion, type PlacedRow, placeOfRow, type ResultRow, rowId } from '#libs/storage';
import { withOriginalNames, withStoredNames } from '../field-names.js';
import type { SeriesRecord } from './series-layout.js';

/** A row as MongoDB holds it. In a time-series collection one for each revision, in a table the newest alone. */
export interface RowRecord {
  /** From what makes the row this row, its revision and the incarnation: the same whoever writes it, whenever. */
  readonly _id: string;
  /** Start of the window: the time field. */
  readonly start: Date;
  readonly end: Date;
  /** Stream, and the key where there are few: constant within a bucket. */
  readonly meta: { readonly stream: string; readonly key?: StoredKey };
  /** Where there are many keys. */
  readonly key?: StoredKey;
  readonly measures: JsonObject;
  readonly revision: number;
  readonly retracted?: true;
  /** Partition of the global task. */
  readonly task: number;
  readonly incarnation: number;
  readonly commitSeq: number;
  /** The row as JSON, where BSON can't hold its texts exactly (halves of surrogate pairs). */
  readonly exact?: string;
}

type StoredKey = Readonly<Record<string, JsonScalar>>;

/** A row on its way, and about how many bytes it takes. */
export interface OutgoingRow {
  readonly record: RowRecord;
  readonly bytes: number;
}

/** Enough that no two rows of a database ever meet (128 bits), and short: it is stored with every row. */
const HASH_CHARS = 22;
const RECORD_BYTES = 200;

/** The `_id` of a row in a table: the same for all its revisions. */
export function rowHash(row: ResultRow): string {
  return hash('sha256', rowId(row), 'base64url').slice(0, HASH_CHARS);
}

/** The `_id` of one revision of a row in a time-series collection. */
export function revisionId(row: ResultRow, incarnation: number): string {
  const ofIncarnation = incarnation === 0 ? '' : `.${incarnation}`;
  return `${rowHash(row)}.${row.revision}${ofIncarnation}`;
}

export function outgoingRow(
  row: ResultRow,
  { incarnation, commitSeq }: CommitVersion,
  { mode, hasFewKeys }: Pick<SeriesRecord, 'mode' | 'hasFewKeys'>,
): OutgoingRow {
  const bytes = roomOf(row.stream) + roomOf(row.key) + roomOf(row.measures);
  const key = withStoredNames(row.key as JsonObject) as StoredKey;
  const isInMeta = mode === 'time-series' && hasFewKeys;
  const record: RowRecord = {
    _id: mode === 'table' ? rowHash(row) : revisionId(row, incarnation),
    start: new Date(row.windowStartMs),
    end: new Date(row.windowEndMs),
    meta: isInMeta ? { stream: row.stream, key } : { stream: row.stream },
    ...(isInMeta ? {} : { key }),
    measures: withStoredNames(row.measures),
    revision: row.revision,
    ...(row.retracted === true ? { retracted: true as const } : {}),
    task: row.task,
    incarnation,
    commitSeq,
    ...(bytes === Infinity ? { exact: JSON.stringify(row) } : {}),
  };
  if (record.exact !== undefined) return { record, bytes: RECORD_BYTES + 6 * record.exact.length };
  return { record, bytes: RECORD_BYTES + bytes };
}

/** At most so many bytes, about; Infinity where a text holds half of a surrogate pair, which BSON can't. */
function roomOf(value: JsonValue | undefined): number {
  if (typeof value === 'string') return value.isWellFormed() ? 8 + 3 * value.length : Infinity;
  if (typeof value !== 'object' || value === null) return 16;
  let room = 16;
  for (const name of Object.keys(value)) room += roomOf(name) + roomOf((value as JsonObject)[name]);
  return room;
}

/** The row that was stored. */
export function rowOf(
  record: RowRecord,
  { pipeline, series }: Pick<SeriesRecord, 'pipeline' | 'series'>,
): ResultRow {
  if (record.exact !== undefined) return JSON.parse(record.exact) as ResultRow;
  return {
    pipeline,
    series,
    stream: record.meta.stream,
    key: withOriginalNames({ ...(record.meta.key ?? record.key) }),
    windowStartMs: record.start.getTime(),
    windowEndMs: record.end.getTime(),
    measures: withOriginalNames(record.measures),
    revision: record.revision,
    ...(record.retracted === true ? { retracted: true as const } : {}),
    task: record.task,
  };
}

/** A row in the order of queries, with what decides which of one place is the newest. */
export interface StoredRow extends PlacedRow {
  readonly incarnation: number;
  readonly commitSeq: number;
}

export function storedRow(record: RowRecord, series: Pick<SeriesRecord, 'pipeline' | 'series'>): StoredRow {
  const row = rowOf(record, series);
  const { incarnation, commitSeq } = record;
  return { row, place: placeOfRow(row), provisional: false, incarnation, commitSeq };
}
