export { MongodbKeyedRecords, type MongodbKeyedRecordsOptions } from './documents/mongodb-keyed-records.js';
export type { AuditFinding, AuditReport, OutboxReader } from './audit/row-audit.js';
export { MongodbAdministration, type PlannedStep } from './mongodb-administration.js';
export { MongodbStore, type MongodbStoreOptions } from './mongodb-store.js';
export type { SeriesLayout } from './rows/series-layout.js';
