import type { KeyedRecords } from '#libs/storage';
import type { LookupRecord, LookupSource } from './lookup-source.js';

export interface MongodbLookupOptions {
  readonly collection: string;
  /** The field that its records are known by. */
  readonly key: string;
  readonly batch: number;
  readonly timeoutMs: number;
}

/** Records of a collection by one of their fields; there should be an index over it. */
export class MongodbLookup implements LookupSource {
  readonly name: string;
  readonly maxBatch: number;

  constructor(
    private readonly options: MongodbLookupOptions,
    private readonly records: KeyedRecords,
  ) {
    this.name = `mongodb:${options.collection}`;
    this.maxBatch = options.batch;
  }

  async fetch(keys: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, LookupRecord>> {
    signal.throwIfAborted();
    const { collection, key: keyField, timeoutMs } = this.options;
    return await this.records.find({ collection, keyField, keys, timeoutMs });
  }
}
