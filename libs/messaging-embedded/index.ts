export { EmbeddedBroker, type EmbeddedBrokerOptions } from './embedded-broker.js';
export { LogDamagedError, LogWriteError } from './messaging-embedded.errors.js';
