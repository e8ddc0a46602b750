import { PlatformError, type RetryAdvice } from '#libs/kernel';

/** The disk did not take a write: full, failing, or taken away. Nothing of it was stored. */
export class LogWriteError extends PlatformError {
  readonly code = 'LOG_WRITE_FAILED';
  readonly retry: RetryAdvice = 'backoff';
  constructor(folder: string, cause: unknown) {
    super(
      `the log in ${folder} could not be written: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
        context: { folder },
      },
    );
  }
}

/** An entry that was stored can't be read as one. */
export class LogDamagedError extends PlatformError {
  readonly code = 'LOG_DAMAGED';
  readonly retry: RetryAdvice = 'never';
  constructor(topic: string, partition: number, entryId: number, reason: string) {
    super(`entry ${entryId} of partition ${partition} of ${topic} is damaged: ${reason}`, {
      context: { topic, partition, entryId },
    });
  }
}

/** The file of the log is not what was written to it. */
export class LogFileDamagedError extends PlatformError {
  readonly code = 'LOG_DAMAGED';
  readonly retry: RetryAdvice = 'never';
  constructor(what: string, reason: string) {
    super(`${what} is damaged: ${reason}`, { context: { what, reason } });
  }
}
