import type { OnApplicationShutdown } from '@nestjs/common';
import type { Clock } from '#libs/kernel';
import { type KeyedRecord, KeyedRecords, type RecordQuery } from '#libs/storage';
import type { MongodbKeyedRecords } from '#libs/storage-mongodb';
import type { Configuration } from './configuration.js';

const DEFAULT_DATABASE = 'millrace';

/** Where look-ups in a database ask: `MILLRACE_LOOKUP_MONGODB`, else the store, where that is a MongoDB. */
export class LookupRecords extends KeyedRecords implements OnApplicationShutdown {
  #opened: Promise<MongodbKeyedRecords> | undefined;

  constructor(
    private readonly configuration: Configuration,
    private readonly clock: Clock,
  ) {
    super();
  }

  get isConfigured(): boolean {
    return this.#place !== undefined;
  }

  async find(query: RecordQuery): Promise<ReadonlyMap<string, KeyedRecord>> {
    this.#opened ??= this.#open();
    return await (await this.#opened).find(query);
  }

  async onApplicationShutdown(): Promise<void> {
    await (await this.#opened)?.close();
  }

  get #place(): { readonly address: string; readonly database: string } | undefined {
    const { lookupMongodb, store, storeDatabase } = this.configuration.values;
    const { address, database = DEFAULT_DATABASE } = lookupMongodb ?? {};
    if (address !== undefined) return { address, database };
    if (store.kind !== 'mongodb') return undefined;
    return { address: store.address, database: storeDatabase ?? store.database ?? DEFAULT_DATABASE };
  }

  async #open(): Promise<MongodbKeyedRecords> {
    const place = this.#place;
    if (place === undefined) throw new Error('no database is configured for look-ups');
    // Drivers are loaded only where they are used.
    const { MongodbKeyedRecords: Records } = await import('#libs/storage-mongodb');
    return new Records({ ...place, clock: this.clock });
  }
}
