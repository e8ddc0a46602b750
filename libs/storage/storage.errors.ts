import { PlatformError, type RetryAdvice } from '#libs/kernel';

/** What is stored does not have the checksum it was stored with, or is incomplete. */
export class DataDamagedError extends PlatformError {
  readonly code = 'DATA_DAMAGED';
  readonly retry: RetryAdvice = 'never';
  constructor(what: string, reason: string) {
    super(`${what} is damaged: ${reason}`, { context: { what, reason } });
  }
}

/** A cursor that no page of this query has given. */
export class CursorInvalidError extends PlatformError {
  readonly code = 'CURSOR_INVALID';
  readonly retry: RetryAdvice = 'never';
  constructor(cursor: string) {
    super(`'${cursor}' is not a cursor of this query; leave it out to start at the first page`, {
      context: { cursor },
    });
  }
}
