import { type Clock, PlatformError } from '#libs/kernel';
import { FACTS, type Telemetry } from '#libs/observability';
import type { MongodbStore, MongodbStoreOptions } from '#libs/storage-mongodb';
import type { Configuration } from './configuration.js';
import type { MongodbAddress } from './mongodb-address.js';
import type { Pipelines } from './pipelines.js';
import { seriesLayouts } from './series-layouts.js';

const DEFAULT_DATABASE = 'millrace';
const AGAIN_AFTER_MS = 3_000;
/** What passes by itself. A wrong password does not: the process says so and ends. */
const AWAITED: ReadonlySet<string> = new Set(['STORE_UNAVAILABLE', 'STORE_READ_ONLY', 'STORE_FULL']);

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

/** Opens the store; waits for a server that does not answer yet, and says so. */
export async function openMongodb(options: MongodbStoreOptions): Promise<MongodbStore> {
  const { MongodbStore: Store } = await import('#libs/storage-mongodb');
  const { clock, telemetry } = options;
  // Timers of the clock keep no process alive, and while it waits there is nothing else.
  const alive = setInterval(() => undefined, AGAIN_AFTER_MS);
  try {
    for (;;) {
      try {
        return await Store.open(options);
      } catch (error) {
        if (!(error instanceof PlatformError) || !AWAITED.has(error.code)) throw error;
        const address = String(error.context['address'] ?? '');
        telemetry.record(FACTS.storeAwaited, { address, code: error.code, reason: error.message });
        await clock.sleep(AGAIN_AFTER_MS);
      }
    }
  } finally {
    clearInterval(alive);
  }
}
