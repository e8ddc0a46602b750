import type { Clock } from '#libs/kernel';
import type { Telemetry } from '#libs/observability';
import type { MongodbStore, MongodbStoreOptions } from '#libs/storage-mongodb';
import type { Configuration } from './configuration.js';
import type { MongodbAddress } from './mongodb-address.js';
import type { Pipelines } from './pipelines.js';
import { seriesLayouts } from './series-layouts.js';

const DEFAULT_DATABASE = 'millrace';

interface Tools {
  readonly configuration: Configuration;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** Everything that the store in MongoDB is opened with. */
export function mongodbOptions(
  { address, database }: MongodbAddress,
  pipelines: Pick<Pipelines, 'all'>,
  { configuration, clock, telemetry }: Tools,
): MongodbStoreOptions {
  const { storeDatabase, storeRetention, storeSetup, storeAuditMs } = configuration.values;
  return {
    address,
    database: storeDatabase ?? database ?? DEFAULT_DATABASE,
    clock,
    telemetry,
    series: seriesLayouts(pipelines.all, storeRetention),
    setup: storeSetup,
    auditMs: storeAuditMs,
  };
}

/** @throws StoreUnavailableError where no server answers */
export async function openMongodb(options: MongodbStoreOptions): Promise<MongodbStore> {
  const { MongodbStore: Store } = await import('#libs/storage-mongodb');
  return Store.open(options);
}
