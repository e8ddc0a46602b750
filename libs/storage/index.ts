export {
  type Commit,
  type CommitOutcome,
  CommitStore,
  type StateBlob,
  type StoredTask,
} from './commit-store.js';
export { COLLECTIONS, type DocumentPage, type DocumentQuery, DocumentStore } from './document-store.js';
export { keyText } from './key-text.js';
export {
  type FormerOwner,
  type Lease,
  type LeaseEnd,
  LeaseStore,
  type Member,
  type Roster,
} from './lease-store.js';
export { KeyedRecords, type KeyedRecord, type RecordQuery } from './keyed-records.js';
export {
  assertLimit,
  cursorAfter,
  identityOfDocumentQuery,
  identityOfRowQuery,
  placeOf,
} from './page-cursor.js';
export {
  type DeliveryFence,
  type DocumentWrite,
  type FoundRow,
  type ResultItems,
  type RowGuarantee,
  type ResultRow,
  ResultStore,
  rowId,
  type RowPage,
  type RowQuery,
} from './result-store.js';
export {
  comparePlaces,
  isWanted,
  type PlacedRow,
  placeOfRow,
  ROW_PLACE_SHAPE,
  type RowPlace,
} from './row-place.js';
export { CursorInvalidError, DataDamagedError, DeliveryFencedError } from './storage.errors.js';
export { compareVersions, type CommitVersion, type TaskId, taskName } from './task.js';
