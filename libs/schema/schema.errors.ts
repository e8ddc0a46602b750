import { PlatformError, type RetryAdvice } from '#libs/kernel';

/** A class of events that can't be made a schema: the message says which decorator of which field, and why. */
export class SchemaUnsupportedError extends PlatformError {
  readonly code = 'SCHEMA_UNSUPPORTED';
  readonly retry: RetryAdvice = 'never';
  constructor(type: string, field: string, reason: string) {
    super(`schema ${type}, field ${field}: ${reason}`, { context: { type, field, reason } });
  }
}

/** A schema's name or version that is not allowed, or is taken. */
export class SchemaNameError extends PlatformError {
  readonly code = 'SCHEMA_NAME_INVALID';
  readonly retry: RetryAdvice = 'never';
  constructor(type: string, reason: string) {
    super(`schema ${type}: ${reason}`, { context: { type, reason } });
  }
}
