export { EmbeddedStore, type EmbeddedStoreOptions } from './embedded-store.js';
export { StoreClosedError, StoreWriteError } from './storage-embedded.errors.js';
