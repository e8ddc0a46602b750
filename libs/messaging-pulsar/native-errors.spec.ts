import { describe, expect, test } from '@jest/globals';
import { ClosedError } from '#libs/messaging';
import { BrokerUnauthorizedError, BrokerUnavailableError } from '#libs/pulsar-admin';
import { loadPulsarClient } from './load-pulsar-client.js';
import { PulsarCallError, PulsarClientMissingError } from './messaging-pulsar.errors.js';
import { namedError } from './native-errors.js';

const URL_OF = 'pulsar://127.0.0.1:6650';

describe('what the client says becomes an error with a code:', () => {
  test.each([
    ['Failed to receive message: AlreadyClosed', ClosedError, 'CLOSED'],
    ['Failed to send message: ProducerFenced', ClosedError, 'CLOSED'],
    ['Failed to create consumer: AuthenticationError', BrokerUnauthorizedError, 'BROKER_UNAUTHORIZED'],
    ['Failed to create producer: AuthorizationError', BrokerUnauthorizedError, 'BROKER_UNAUTHORIZED'],
    ['Failed to send message: TimeOut', BrokerUnavailableError, 'BROKER_UNAVAILABLE'],
    ['Failed to create producer: ConnectError', BrokerUnavailableError, 'BROKER_UNAVAILABLE'],
    ['Failed to send message: TopicTerminated', PulsarCallError, 'PULSAR_CALL_FAILED'],
  ])('%s', (message, kind, code) => {
    const error = namedError(new Error(message), 'consumer s', URL_OF);
    expect(error).toBeInstanceOf(kind);
    expect(error).toMatchObject({ code });
    expect(error.message).toContain('consumer s');
  });

  test('one that has a code keeps it', () => {
    const error = new ClosedError('x');
    expect(namedError(error, 'y', URL_OF)).toBe(error);
  });
});

test('where the client can not be loaded, what is missing and how to get it is said', async () => {
  const outcome = await loadPulsarClient(URL_OF).catch((error: unknown) => error);
  if (!(outcome instanceof PulsarClientMissingError)) return;
  expect(outcome.code).toBe('PULSAR_CLIENT_MISSING');
  expect(outcome.message).toContain('npm install pulsar-client@1.18.0');
  expect(outcome.message).toContain('ws://host:8080');
});
