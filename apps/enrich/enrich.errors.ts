import { PlatformError, type RetryAdvice } from '#libs/kernel';

/** A look-up asks in a database, and none is configured. The process does not start. */
export class LookupDatabaseMissingError extends PlatformError {
  readonly code = 'LOOKUP_DATABASE_MISSING';
  readonly retry: RetryAdvice = 'never';
  constructor(source: string) {
    super(`there is no database for the look-up of ${source}: set MILLRACE_LOOKUP_MONGODB to its address`, {
      context: { source },
    });
  }
}

/** A step of the user's own has thrown. The event becomes a dead letter. */
export class StepFailedError extends PlatformError {
  readonly code = 'STEP_FAILED';
  readonly retry: RetryAdvice = 'never';
  constructor(step: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`the step ${step} has failed: ${reason}`, { cause, context: { step } });
  }
}

/** What the steps have added makes the event larger than a message may carry. It becomes a dead letter. */
export class EnrichedEventTooLargeError extends PlatformError {
  readonly code = 'EVENT_TOO_LARGE';
  readonly retry: RetryAdvice = 'never';
  constructor(bytes: number, maxBytes: number) {
    super(`the event has ${bytes} bytes after the steps, more than ${maxBytes}`, {
      context: { bytes, maxBytes },
    });
  }
}

/** The source of a look-up has no such key, and the step says `onMiss: dead`. The event becomes a dead letter. */
export class LookupMissedError extends PlatformError {
  readonly code = 'LOOKUP_MISSED';
  readonly retry: RetryAdvice = 'never';
  constructor(source: string, key: string) {
    super(`${source} has nothing for '${key.slice(0, 80)}'`, { context: { source } });
  }
}

/** The source of a look-up gave no answer, and the step says `onError: dead`. The event becomes a dead letter. */
export class LookupFailedError extends PlatformError {
  readonly code = 'LOOKUP_FAILED';
  readonly retry: RetryAdvice = 'never';
  constructor(source: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`${source} gave no answer: ${reason}`, { cause, context: { source } });
  }
}
