import type { ClientSession, Collection } from 'mongodb';
import type { CommitVersion, ResultRow } from '#libs/storage';
import { outgoingRow, type RowRecord } from './row-record.js';
import type { SeriesRecord } from './series-layout.js';

/**
 * Upserts rows into a table, one document a row: a higher revision replaces a lower one, a higher incarnation any.
 * Inside a transaction that has passed the task's fence.
 */
export async function putTableRows(
  collection: Collection<RowRecord>,
  write: {
    readonly version: CommitVersion;
    readonly record: SeriesRecord;
    readonly rows: readonly ResultRow[];
    readonly session: ClientSession;
  },
): Promise<void> {
  const { version, rows, session } = write;
  const upserts = rows.map((row) => {
    const { record } = outgoingRow(row, version, write.record);
    const isStoredNewer = {
      $or: [
        { $gt: ['$incarnation', record.incarnation] },
        { $and: [{ $eq: ['$incarnation', record.incarnation] }, { $gt: ['$revision', record.revision] }] },
      ],
    };
    const update = [{ $replaceWith: { $cond: [isStoredNewer, '$$ROOT', { $literal: record }] } }];
    return { updateOne: { filter: { _id: record._id }, update, upsert: true } };
  });
  if (upserts.length > 0) await collection.bulkWrite(upserts, { session });
}
