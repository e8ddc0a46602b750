export { MongodbStore, type MongodbStoreOptions } from './mongodb-store.js';
export type { SeriesLayout } from './rows/series-layout.js';
