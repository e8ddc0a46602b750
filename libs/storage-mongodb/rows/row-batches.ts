import { type Document, MongoError, MongoServerError } from 'mongodb';
import type { MongodbConnection } from '../mongodb-connection.js';
import { codeOf } from '../store-failure.js';
import type { OutgoingRow, RowRecord } from './row-record.js';
import { startRange } from './start-range.js';

/** A command is one document of at most 16 MB. */
const MAX_COMMAND_BYTES = 8_000_000;
const MAX_COMMAND_ROWS = 1_000;
const DUPLICATE_KEY = 11_000;

/** Rows in their order, as many at a time as one command takes. */
export function* batchesOf(rows: readonly OutgoingRow[]): Generator<readonly OutgoingRow[]> {
  let batch: OutgoingRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (batch.length === MAX_COMMAND_ROWS || (batch.length > 0 && bytes + row.bytes > MAX_COMMAND_BYTES)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(row);
    bytes += row.bytes;
  }
  if (batch.length > 0) yield batch;
}

/** The ids among `rows` that the collection holds, as a majority knows it at that time or later. */
export async function presentIds(
  { db }: Pick<MongodbConnection, 'db'>,
  options: {
    readonly collection: string;
    readonly rows: readonly OutgoingRow[];
    readonly afterClusterTime?: unknown;
  },
): Promise<readonly string[]> {
  const { collection, rows, afterClusterTime } = options;
  if (rows.length === 0) return [];
  const starts = rows.map(({ record }) => record.start.getTime());
  const [first, last] = [starts.reduce((a, b) => Math.min(a, b)), starts.reduce((a, b) => Math.max(a, b))];
  const found = db.runCursorCommand({
    find: collection,
    filter: {
      'meta.stream': { $in: [...new Set(rows.map(({ record }) => record.meta.stream))] },
      ...startRange(first, last + 1),
      _id: { $in: rows.map(({ record }) => record._id) },
    },
    projection: { _id: 1 },
    batchSize: 2 * rows.length + 1,
    readConcern: { level: 'majority', ...(afterClusterTime === undefined ? {} : { afterClusterTime }) },
  });
  const ids = (await found.toArray()) as unknown as Pick<RowRecord, '_id'>[];
  return ids.map(({ _id }) => _id);
}

/** An answer can be `ok` and say that documents were not written, or not by a majority. */
export function assertWritten(answer: Document): void {
  const [first] = (answer['writeErrors'] ?? []) as readonly Document[];
  const failed = first ?? (answer['writeConcernError'] as Document | undefined);
  if (failed !== undefined) throw new MongoServerError({ ...failed, message: String(failed['errmsg']) });
}

/** Does it help to send the same again at once. */
export function isWorthResending(error: unknown): boolean {
  if (!(error instanceof MongoError)) return false;
  // 11000: before 6.0.7 the id of a bucket collides now and then.
  return codeOf(error) === DUPLICATE_KEY || !(error instanceof MongoServerError) || isPrimaryGone(error);
}

const PRIMARY_GONE = new Set([91, 189, 10107, 11600, 11602, 13435, 13436, 11601, 6, 7, 89, 9001, 64]);

function isPrimaryGone(error: MongoServerError): boolean {
  return PRIMARY_GONE.has(codeOf(error) ?? 0) || error.hasErrorLabel('RetryableWriteError');
}
