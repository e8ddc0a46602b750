import { damageOf, sealValue, type TableTotals, unsealValue } from './sealed-value.js';

/** As much of a table of LMDB as is used here. */
export interface ByteTable<K> {
  get(key: K): Buffer | undefined;
  put(key: K, value: Buffer): unknown;
  remove(key: K): unknown;
  getRange(range: KeyRange): Iterable<{ readonly key: K; readonly value: Buffer }>;
}

/** What a key is made of. */
type TableKey = string | number | boolean | symbol | Uint8Array | TableKey[];

/** As LMDB takes it: from `start` to before `end`, or the other way round. */
export interface KeyRange {
  readonly start?: TableKey;
  readonly end?: TableKey;
  readonly reverse?: boolean;
  readonly limit?: number;
}

export interface SealedTableOptions<K> {
  /** Its totals stand under it. */
  readonly name: string;
  /** As it stands in a sentence. */
  readonly what: string;
  readonly bytes: ByteTable<K>;
  /** Those of the transaction that runs. */
  readonly totals: () => TableTotals;
  /** The error for something that is not as it was stored. */
  readonly damaged: (what: string, reason: string) => Error;
}

/**
 * A table of JSON whose values carry checksums, and whose totals are kept: whatever is changed or missing shows. What
 * shows it throws `damaged`.
 */
export class SealedTable<V, K> {
  readonly #options: SealedTableOptions<K>;

  constructor(options: SealedTableOptions<K>) {
    this.#options = options;
  }

  get(key: K): V | undefined {
    const sealed = this.#sealed(key);
    return sealed === undefined ? undefined : this.#open(key, sealed);
  }

  /** Inside a transaction. */
  put(key: K, value: V): void {
    const { name, bytes, totals } = this.#options;
    this.#forget(key);
    const sealed = sealValue(key, Buffer.from(JSON.stringify(value)));
    void bytes.put(key, sealed);
    totals().add(name, sealed);
  }

  /** Inside a transaction. */
  remove(key: K): void {
    if (this.#forget(key)) void this.#options.bytes.remove(key);
  }

  *getRange(range: KeyRange = {}): Generator<{ readonly key: K; readonly value: V }> {
    for (const { key, value } of this.#range(range)) yield { key, value: this.#open(key, value) };
  }

  /** Reads everything: nothing is missing, nothing is too much. */
  verify(totals: TableTotals): void {
    const { name, what, damaged } = this.#options;
    const [count, seals] = totals.of(name);
    let left = count;
    let rest = seals;
    for (const { key, value } of this.#range({})) {
      this.#open(key, value);
      rest = (rest ^ value.readUInt32LE(0)) >>> 0;
      // Pages may lead in circles.
      if (--left < 0) break;
    }
    if (left !== 0 || rest !== 0)
      throw damaged(what, `it does not hold the ${count} values that were stored`);
  }

  #forget(key: K): boolean {
    const former = this.#sealed(key);
    if (former !== undefined) this.#options.totals().remove(this.#options.name, former);
    return former !== undefined;
  }

  #open(key: K, sealed: Buffer): V {
    const found = unsealValue(key, sealed);
    if (typeof found === 'string') throw this.#options.damaged(this.#options.what, found);
    return JSON.parse(found.content.toString('utf8')) as V;
  }

  #sealed(key: K): Buffer | undefined {
    try {
      return this.#options.bytes.get(key);
    } catch (error) {
      throw this.#named(error);
    }
  }

  *#range(range: KeyRange): Generator<{ readonly key: K; readonly value: Buffer }> {
    try {
      yield* this.#options.bytes.getRange(range);
    } catch (error) {
      throw this.#named(error);
    }
  }

  /** A file that is mapped is read without any I/O that could fail: what fails is what it holds. */
  #named(error: unknown): Error {
    const { what, damaged } = this.#options;
    return damaged(what, damageOf(error) ?? String(error));
  }
}
