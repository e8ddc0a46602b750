import { PlatformError } from '#libs/kernel';
import { ClosedError } from '#libs/messaging';
import { BrokerUnauthorizedError, BrokerUnavailableError } from '#libs/pulsar-admin';
import { PulsarCallError } from './messaging-pulsar.errors.js';

/** What the client says when a call fails: the last word of its message. */
export function resultOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.slice(message.lastIndexOf(':') + 1).trim();
}

const REFUSED: ReadonlySet<string> = new Set(['AuthenticationError', 'AuthorizationError']);
/** The connection is gone for good: whoever had it owns nothing any more. */
const CLOSED: ReadonlySet<string> = new Set(['AlreadyClosed', 'ProducerFenced', 'ConsumerNotInitialized']);
const AWAY: ReadonlySet<string> = new Set([
  'ConnectError',
  'Disconnected',
  'NotConnected',
  'ReadError',
  'Retryable',
  'ServiceUnitNotReady',
  'TimeOut',
  'Timeout',
  'TooManyLookupRequestException',
]);

/**
 * The error of a call of the client, named.
 *
 * @param what what was called, as it stands in a sentence: `consumer enrich of persistent://…`
 */
export function namedError(error: unknown, what: string, serviceUrl: string): PlatformError {
  if (error instanceof PlatformError) return error;
  const result = resultOf(error);
  if (CLOSED.has(result)) return new ClosedError(what);
  if (REFUSED.has(result)) return new BrokerUnauthorizedError(serviceUrl, `${what}: ${result}`, error);
  if (AWAY.has(result)) return new BrokerUnavailableError(serviceUrl, `${what}: ${result}`, error);
  return new PulsarCallError(what, result, error);
}
