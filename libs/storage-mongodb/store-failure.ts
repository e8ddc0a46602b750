import {
  MongoError,
  MongoInvalidArgumentError,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
  type TopologyDescription,
} from 'mongodb';
import { PlatformError } from '#libs/kernel';
import {
  StoreFullError,
  StoreQueryTimeoutError,
  StoreReadOnlyError,
  StoreRefusedError,
  StoreUnauthorizedError,
  StoreUnavailableError,
} from './storage-mongodb.errors.js';

// Which of our errors a failure of driver or server is. Numbers are MongoDB's error codes.

/** Nobody to talk to, or not the primary any more, or its majority did not confirm in time. */
const UNAVAILABLE = new Set([
  6, 7, 24, 64, 89, 91, 189, 202, 262, 317, 358, 9001, 10107, 11600, 11602, 13435, 13436, 11601,
]);
/** Somebody else was first, or the server was asked too much at once: again. */
const CONTENTION = new Set([112, 246, 251, 11000, 225, 217, 43, 237, 26, 50]);
const AUTHENTICATION_FAILED = 18;
const UNAUTHORIZED = new Set([13, AUTHENTICATION_FAILED, 8000]);
const OUT_OF_DISK_SPACE = 14031;
const MAX_TIME_EXPIRED = 50;
const ILLEGAL_OPERATION = 20;
const NO_WRITES = new Set([ILLEGAL_OPERATION, 25, 8020]);
/** The document itself can't be stored: too large, too deep, a value it does not know. */
const BAD_DATA = new Set([2, 9, 14, 15, 22, 40, 52, 10334, 17280, 17419, 17420]);

export interface FailedCall {
  /** What was tried, for the message: `the commit of web/local/3`. */
  readonly what: string;
  /** Hosts without credentials. */
  readonly address: string;
  /** Bound of the query that failed. */
  readonly maxTimeMs?: number;
}

/** The error that says what it means for Millrace. PlatformErrors stay what they are. */
export function storeFailure(error: unknown, call: FailedCall): PlatformError {
  if (error instanceof PlatformError) return error;
  const { address, what } = call;
  if (error instanceof MongoServerSelectionError) return selectionFailure(error, address);
  if (error instanceof MongoServerError) return serverFailure(error, call);
  if (error instanceof MongoNetworkError) return new StoreUnavailableError(address, error.message, error);
  if (error instanceof MongoInvalidArgumentError) return new StoreRefusedError(what, error, 'never');
  if (error instanceof MongoError) return new StoreUnavailableError(address, error.message, error);
  // The driver hands some failures of a socket on as Node throws them.
  if (isOfSocket(error)) return new StoreUnavailableError(address, error.message, error);
  // bson throws plain errors and RangeErrors for what it can't encode.
  return new StoreRefusedError(what, error, 'never');
}

/** `EPIPE`, `ECONNRESET`, `ERR_STREAM_DESTROYED` and their like. */
function isOfSocket(error: unknown): error is NodeJS.ErrnoException {
  const { code } = error as NodeJS.ErrnoException;
  return (
    error instanceof Error && typeof code === 'string' && /^(E[A-Z]+|ERR_(STREAM|SOCKET)_\w+)$/.test(code)
  );
}

/** The code of a server's error, of whatever shape. */
export function codeOf(error: unknown): number | undefined {
  if (!(error instanceof MongoServerError)) return undefined;
  const { code } = error;
  if (typeof code === 'number') return code;
  // The driver's own words for some refusals of retryable writes.
  const { originalError } = error as { originalError?: unknown };
  return originalError === undefined ? undefined : codeOf(originalError);
}

function selectionFailure(error: MongoServerSelectionError, address: string): PlatformError {
  const causes = [...(error.reason?.servers?.values() ?? [])].map((server) => server.error);
  const refusal = causes.find((cause) => UNAUTHORIZED.has(codeOf(cause) ?? 0));
  if (refusal instanceof Error) return new StoreUnauthorizedError(address, refusal.message, error);
  const cause = causes.find((each) => each !== null && each !== undefined);
  return new StoreUnavailableError(address, cause?.message ?? strangers(error) ?? error.message, error);
}

/** The driver forgets servers of another replica set, and those of none. */
function strangers({ reason }: MongoServerSelectionError): string | undefined {
  const { setName, servers } = (reason ?? {}) as Partial<TopologyDescription>;
  if (typeof setName !== 'string' || servers?.size !== 0) return undefined;
  return `who answers is no member of the replica set ${setName} (replicaSet in MILLRACE_STORE; \`rs.status()\` says which it is of)`;
}

function serverFailure(error: MongoServerError, { what, address, maxTimeMs }: FailedCall): PlatformError {
  const code = codeOf(error) ?? 0;
  if (isUnwritable(error, code)) return unwritable(error, code, address);
  if (UNAUTHORIZED.has(code)) return new StoreUnauthorizedError(address, error.message, error);
  if (code === MAX_TIME_EXPIRED && maxTimeMs !== undefined)
    return new StoreQueryTimeoutError(maxTimeMs, error);
  if (UNAVAILABLE.has(code) || error.hasErrorLabel('RetryableWriteError'))
    return new StoreUnavailableError(address, error.message, error);
  return new StoreRefusedError(what, error, isBadData(error, code) ? 'never' : 'backoff');
}

function isUnwritable({ message }: Error, code: number): boolean {
  return (
    code === OUT_OF_DISK_SPACE || NO_WRITES.has(code) || /no space left|disk.*full|read-?only/i.test(message)
  );
}

function unwritable(error: MongoServerError, code: number, address: string): PlatformError {
  const isFull = code === OUT_OF_DISK_SPACE || /no space left|disk.*full/i.test(error.message);
  return isFull
    ? new StoreFullError(address, error.message, error)
    : new StoreReadOnlyError(address, error.message, error);
}

function isBadData(error: MongoServerError, code: number): boolean {
  return BAD_DATA.has(code) && !CONTENTION.has(code) && !error.hasErrorLabel('TransientTransactionError');
}
