import { PlatformError, type RetryAdvice } from '#libs/kernel';

/** No broker answers, or the one that does can't serve now. */
export class BrokerUnavailableError extends PlatformError {
  readonly code = 'BROKER_UNAVAILABLE';
  readonly retry: RetryAdvice = 'backoff';
  constructor(address: string, reason: string, cause?: unknown) {
    super(`no broker answers at ${address}: ${reason}`, { cause, context: { address, reason } });
  }
}

/** The broker refuses who asks. It passes where the token's file gets a valid one: it is read again. */
export class BrokerUnauthorizedError extends PlatformError {
  readonly code = 'BROKER_UNAUTHORIZED';
  readonly retry: RetryAdvice = 'backoff';
  constructor(address: string, reason: string, cause?: unknown) {
    super(`the broker at ${address} refuses the token: ${reason}`, { cause, context: { address, reason } });
  }
}

/** The file of the token can't be read, or has none. */
export class TokenUnreadableError extends PlatformError {
  readonly code = 'BROKER_TOKEN_UNREADABLE';
  readonly retry: RetryAdvice = 'backoff';
  constructor(file: string, reason: string, cause?: unknown) {
    super(`no token for the broker in ${file}: ${reason}`, { cause, context: { file, reason } });
  }
}

/** What was asked for is not there: a tenant, a namespace, a topic, a subscription or a schema. */
export class PulsarNotFoundError extends PlatformError {
  readonly code = 'PULSAR_NOT_FOUND';
  readonly retry: RetryAdvice = 'never';
  constructor(request: string, reason: string) {
    super(`${request}: ${reason}`, { context: { request, reason } });
  }
}

/** It exists already, or is in use, or somebody else changes it at this moment. */
export class PulsarConflictError extends PlatformError {
  readonly code = 'PULSAR_CONFLICT';
  readonly retry: RetryAdvice = 'never';
  constructor(request: string, reason: string) {
    super(`${request}: ${reason}`, { context: { request, reason } });
  }
}

/** The broker understands the request and does not do it: a name that is not allowed, a policy out of bounds. */
export class PulsarRefusedError extends PlatformError {
  readonly code = 'PULSAR_REFUSED';
  readonly retry: RetryAdvice = 'never';
  constructor(request: string, status: number, reason: string) {
    super(`${request}: ${status} ${reason}`, { context: { request, status, reason } });
  }
}
