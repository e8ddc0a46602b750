import type { Database, Key, RangeOptions } from 'lmdb';
import { damageOf, type TableTotals } from '#libs/kernel';
import { DataDamagedError } from '#libs/storage';
import { seal, unseal } from './sealed-bytes.js';

/** A table of JSON whose values carry checksums, and whose totals are kept: whatever is changed or missing shows. */
export class SealedTable<V, K extends Key> {
  readonly name: string;
  readonly #database: Database<Buffer, K>;
  readonly #totals: () => TableTotals;

  /** @param totals those of the transaction that runs */
  constructor(name: string, database: Database<Buffer, K>, totals: () => TableTotals) {
    this.name = name;
    this.#database = database;
    this.#totals = totals;
  }

  /** @throws DataDamagedError */
  get(key: K): V | undefined {
    const sealed = this.#sealed(key);
    return sealed === undefined ? undefined : this.#open(key, sealed);
  }

  /** Inside a transaction. */
  put(key: K, value: V): void {
    const former = this.#sealed(key);
    if (former !== undefined) this.#totals().remove(this.name, former);
    const sealed = seal(key, Buffer.from(JSON.stringify(value)));
    void this.#database.put(key, sealed);
    this.#totals().add(this.name, sealed);
  }

  /** Inside a transaction. */
  remove(key: K): void {
    const former = this.#sealed(key);
    if (former === undefined) return;
    void this.#database.remove(key);
    this.#totals().remove(this.name, former);
  }

  /** @throws DataDamagedError */
  *getRange(options: RangeOptions = {}): Generator<{ readonly key: K; readonly value: V }> {
    for (const { key, value } of this.#range(options)) yield { key, value: this.#open(key, value) };
  }

  /** Reads everything. @throws DataDamagedError if something is not as it was stored, or missing, or too much */
  verify(totals: TableTotals): void {
    const [count, seals] = totals.of(this.name);
    let left = count;
    let rest = seals;
    for (const { key, value } of this.#range({})) {
      unseal(key, value, this.#what);
      rest = (rest ^ value.readUInt32LE(0)) >>> 0;
      // Pages may lead in circles.
      if (--left < 0) break;
    }
    if (left !== 0 || rest !== 0) {
      throw new DataDamagedError(this.#what, `it does not hold the ${count} values that were stored`);
    }
  }

  get #what(): string {
    return `the table ${this.name} of the store`;
  }

  #open(key: K, sealed: Buffer): V {
    return JSON.parse(unseal(key, sealed, this.#what).content.toString('utf8')) as V;
  }

  #sealed(key: K): Buffer | undefined {
    try {
      return this.#database.get(key);
    } catch (error) {
      throw this.#named(error);
    }
  }

  *#range(options: RangeOptions): Generator<{ readonly key: K; readonly value: Buffer }> {
    try {
      yield* this.#database.getRange(options);
    } catch (error) {
      throw this.#named(error);
    }
  }

  /** A file that is mapped is read without any I/O that could fail: what fails is what it holds. */
  #named(error: unknown): DataDamagedError {
    return new DataDamagedError(this.#what, damageOf(error) ?? String(error));
  }
}
