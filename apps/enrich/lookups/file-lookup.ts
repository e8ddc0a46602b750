import type { ReloadedFile } from '../reloaded-file.js';
import type { HeldRows, LookupRecord, LookupSource } from './lookup-source.js';

/** Rows of a file that is read as a whole, and again when it changes. While it can't be used, it answers nothing. */
export class FileLookup implements LookupSource {
  readonly name: string;
  readonly maxBatch = Infinity;

  constructor(
    path: string,
    private readonly file: ReloadedFile<ReadonlyMap<string, LookupRecord>>,
  ) {
    this.name = path;
  }

  get held(): HeldRows {
    return { rows: this.file.current, atMs: this.file.goodAtMs };
  }

  async fetch(keys: readonly string[]): Promise<ReadonlyMap<string, LookupRecord>> {
    // Whoever has mended it need not wait for more than one look.
    if (this.file.problem !== undefined) await this.file.look();
    if (this.file.problem !== undefined) throw this.file.problem;
    const rows = this.file.current;
    return new Map(keys.flatMap((key) => (rows.has(key) ? [[key, rows.get(key)!]] : [])));
  }
}
