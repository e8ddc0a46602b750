import { PlatformError, type RetryAdvice } from '#libs/kernel';

/** An address that the driver does not take: an option that is none, a port that is no number. */
export class StoreAddressInvalidError extends PlatformError {
  readonly code = 'STORE_ADDRESS_INVALID';
  readonly retry: RetryAdvice = 'never';
  constructor(address: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(
      `MILLRACE_STORE with the hosts ${address} is no address of a MongoDB: ${reason}; ` +
        'wanted mongodb://user:password@host:27017/?replicaSet=rs0 with options of the driver',
      { cause, context: { address, reason } },
    );
  }
}

/** No primary answered in time: unreachable, being elected, overloaded, or its majority is away. */
export class StoreUnavailableError extends PlatformError {
  readonly code = 'STORE_UNAVAILABLE';
  readonly retry: RetryAdvice = 'backoff';
  readonly httpStatus = 503;
  constructor(address: string, reason: string, cause?: unknown) {
    super(`no MongoDB primary answers at ${address}: ${reason}`, { cause, context: { address, reason } });
  }
}

/** The server takes no writes: read-only, or over a quota of its own. */
export class StoreReadOnlyError extends PlatformError {
  readonly code = 'STORE_READ_ONLY';
  readonly retry: RetryAdvice = 'backoff';
  readonly httpStatus = 503;
  constructor(address: string, reason: string, cause?: unknown) {
    super(`MongoDB at ${address} takes no writes: ${reason}`, { cause, context: { address, reason } });
  }
}

/** The server's disk is full. */
export class StoreFullError extends PlatformError {
  readonly code = 'STORE_FULL';
  readonly retry: RetryAdvice = 'backoff';
  readonly httpStatus = 503;
  constructor(address: string, reason: string, cause?: unknown) {
    super(`the disk of MongoDB at ${address} is full: ${reason}`, { cause, context: { address, reason } });
  }
}

/** User or password are wrong, or the user may not do this. */
export class StoreUnauthorizedError extends PlatformError {
  readonly code = 'STORE_UNAUTHORIZED';
  readonly retry: RetryAdvice = 'backoff';
  readonly httpStatus = 503;
  constructor(address: string, reason: string, cause?: unknown) {
    super(`MongoDB at ${address} refuses the user of MILLRACE_STORE: ${reason}`, {
      cause,
      context: { address, reason },
    });
  }
}

/** A query that took longer than it may. */
export class StoreQueryTimeoutError extends PlatformError {
  readonly code = 'STORE_QUERY_TIMEOUT';
  readonly retry: RetryAdvice = 'backoff';
  readonly httpStatus = 503;
  constructor(maxTimeMs: number, cause?: unknown) {
    super(`the query took longer than ${maxTimeMs} ms; ask for a shorter range or fewer rows`, {
      cause,
      context: { maxTimeMs },
    });
  }
}

/** The server did not do it, for a reason of its own. */
export class StoreRefusedError extends PlatformError {
  readonly code = 'STORE_REFUSED';
  constructor(
    what: string,
    cause: unknown,
    /** `never` where the data itself can't be stored. */
    readonly retry: RetryAdvice,
  ) {
    super(`MongoDB refused ${what}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
      context: { what },
    });
  }
}

/** A server that lacks what the store stands on. */
export class StoreTooOldError extends PlatformError {
  readonly code = 'STORE_TOO_OLD';
  readonly retry: RetryAdvice = 'never';
  constructor(found: string, wanted: string) {
    super(`MongoDB ${found} is too old: wanted ${wanted} or newer, best 7.0 or 8.0`, {
      context: { found, wanted },
    });
  }
}

/** A server that is no replica set: it has no transactions. */
export class StoreUnsuitableError extends PlatformError {
  readonly code = 'STORE_UNSUITABLE';
  readonly retry: RetryAdvice = 'never';
  constructor(address: string, found: string) {
    super(
      `MongoDB at ${address} is ${found}, wanted a replica set (one member is enough: mongod --replSet rs0, then rs.initiate())`,
      { context: { address, found } },
    );
  }
}

/** Collections or indexes are missing or different, and the process is not to make them. */
export class StoreSetupError extends PlatformError {
  readonly code = 'STORE_SETUP_MISMATCH';
  readonly retry: RetryAdvice = 'never';
  constructor(database: string, problems: readonly string[]) {
    super(`the database ${database} is not set up as wanted:\n  ${problems.join('\n  ')}`, {
      context: { database, problems },
    });
  }
}

/** Used after `close`. */
export class MongodbStoreClosedError extends PlatformError {
  readonly code = 'STORE_CLOSED';
  readonly retry: RetryAdvice = 'never';
  constructor(address: string) {
    super(`the store at ${address} is closed`, { context: { address } });
  }
}
