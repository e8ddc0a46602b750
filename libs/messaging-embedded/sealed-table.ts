import type { Database, Key, RangeOptions } from 'lmdb';
import { damageOf, sealValue, type TableTotals, unsealValue } from '#libs/kernel';
import { LogFileDamagedError } from './messaging-embedded.errors.js';

/** A table of JSON whose values carry checksums, and whose totals are kept: whatever is changed or missing shows. */
export class SealedTable<V, K extends Key> {
  readonly #name: string;
  readonly #database: Database<Buffer, K>;

  constructor(name: string, database: Database<Buffer, K>) {
    this.#name = name;
    this.#database = database;
  }

  /** @throws LogFileDamagedError */
  get(key: K): V | undefined {
    const sealed = this.#sealed(key);
    return sealed === undefined ? undefined : this.#open(key, sealed);
  }

  /** Inside a transaction. */
  put(key: K, value: V, totals: TableTotals): void {
    this.#forget(key, totals);
    const sealed = sealValue(key, Buffer.from(JSON.stringify(value)));
    void this.#database.put(key, sealed);
    totals.add(this.#name, sealed);
  }

  /** Inside a transaction. */
  remove(key: K, totals: TableTotals): void {
    if (this.#forget(key, totals)) void this.#database.remove(key);
  }

  /** @throws LogFileDamagedError */
  *getRange(options: RangeOptions = {}): Generator<{ readonly key: K; readonly value: V }> {
    for (const { key, value } of this.#range(options)) yield { key, value: this.#open(key, value) };
  }

  /** Reads everything. @throws LogFileDamagedError if something is not as it was stored, or missing, or too much */
  verify(totals: TableTotals): void {
    const [count, seals] = totals.of(this.#name);
    let left = count;
    let rest = seals;
    for (const { key, value } of this.#range({})) {
      this.#open(key, value);
      rest = (rest ^ value.readUInt32LE(0)) >>> 0;
      // Pages may lead in circles.
      if (--left < 0) break;
    }
    if (left !== 0 || rest !== 0) {
      throw new LogFileDamagedError(this.#what, `it does not hold the ${count} values that were stored`);
    }
  }

  get #what(): string {
    return `the table ${this.#name} of the log`;
  }

  #forget(key: K, totals: TableTotals): boolean {
    const former = this.#sealed(key);
    if (former !== undefined) totals.remove(this.#name, former);
    return former !== undefined;
  }

  #open(key: K, sealed: Buffer): V {
    const found = unsealValue(key, sealed);
    if (typeof found === 'string') throw new LogFileDamagedError(this.#what, found);
    return JSON.parse(found.content.toString('utf8')) as V;
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
  #named(error: unknown): LogFileDamagedError {
    return new LogFileDamagedError(this.#what, damageOf(error) ?? String(error));
  }
}
