import { PlatformError, type RetryAdvice } from '#libs/kernel';

/** The disk did not take a write: full, failing, or taken away. Nothing of it was stored. */
export class StoreWriteError extends PlatformError {
  readonly code = 'STORE_WRITE_FAILED';
  readonly retry: RetryAdvice = 'backoff';
  constructor(folder: string, cause: unknown) {
    super(
      `the store in ${folder} could not be written: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
        context: { folder },
      },
    );
  }
}

/** Used after `close`. */
export class StoreClosedError extends PlatformError {
  readonly code = 'STORE_CLOSED';
  readonly retry: RetryAdvice = 'never';
  constructor(folder: string) {
    super(`the store in ${folder} is closed`, { context: { folder } });
  }
}
