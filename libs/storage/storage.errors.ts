import { PlatformError, type RetryAdvice } from '#libs/kernel';
import type { CommitVersion } from './task.js';

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

/** Somebody newer delivers for this task: what a former owner still wants to write is not written. */
export class DeliveryFencedError extends PlatformError {
  readonly code = 'DELIVERY_FENCED';
  readonly retry: RetryAdvice = 'never';
  constructor(task: string, version: CommitVersion, reason: string) {
    super(`the delivery of commit ${version.commitSeq} of ${task} was refused: ${reason}`, {
      context: { task, version, reason },
    });
  }
}
