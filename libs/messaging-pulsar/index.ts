export { PulsarCallError, PulsarClientMissingError } from './messaging-pulsar.errors.js';
export { PulsarBroker, type PulsarBrokerOptions } from './pulsar-broker.js';
