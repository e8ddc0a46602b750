import type { ReloadedFile } from '../reloaded-file.js';
import type { LookupRecord, LookupSource } from './lookup-source.js';

/** Rows of a file that is read as a whole, and again when it changes. */
export class FileLookup implements LookupSource {
  readonly name: string;
  readonly maxBatch = Infinity;

  constructor(
    path: string,
    private readonly rows: ReloadedFile<ReadonlyMap<string, LookupRecord>>,
  ) {
    this.name = path;
  }

  async fetch(keys: readonly string[]): Promise<ReadonlyMap<string, LookupRecord>> {
    const rows = this.rows.current;
    return new Map(keys.flatMap((key) => (rows.has(key) ? [[key, rows.get(key)!]] : [])));
  }
}
