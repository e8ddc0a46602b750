export { type Cancel, Clock, SystemClock } from './clock.js';
export { commitFailure } from './commit-failure.js';
export { assertDiskRoom, DiskFullError } from './disk-room.js';
export { formatDuration, parseDuration } from './duration.js';
export { PlatformError, type RetryAdvice } from './errors.js';
export {
  type DeadEvent,
  isDeadEvent,
  isStreamName,
  MAX_DEAD_ORIGINAL_BYTES,
  MAX_EVENT_BYTES,
  STREAM_NAME_RULE,
  type SentAgain,
  type StreamEvent,
} from './event.js';
export { DataFolderBusyError, type FolderLock, lockFolder } from './folder-lock.js';
export { isJsonObject, type JsonObject, type JsonScalar, type JsonValue } from './json.js';
export { murmur3 } from './murmur3.js';
export { SealedTable } from './sealed-table.js';
export {
  damageOf,
  damageOnOpening,
  sealValue,
  type TableTotal,
  TableTotals,
  unsealValue,
} from './sealed-value.js';
