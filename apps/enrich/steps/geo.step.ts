import { createRequire } from 'node:module';
import { isIP } from 'node:net';
import { dirname, join } from 'node:path';
import { LRUCache } from 'lru-cache';
import * as mmdb from 'mmdb-lib';
import { withoutMapping } from './mapped-address.js';
import type { EventData, Step } from './step.js';

/** Some thousand addresses make most of a site's traffic. */
const CACHED_ADDRESSES = 20_000;

/** One version of a database of addresses. */
export class AddressBook {
  readonly #reader: mmdb.Reader<mmdb.Response>;
  readonly #cache = new LRUCache<string, object>({ max: CACHED_ADDRESSES });

  /** @throws Error if the bytes are no MaxMind database */
  constructor(bytes: Buffer) {
    this.#reader = new mmdb.Reader(bytes);
  }

  /** The record of the network that holds the address; undefined: there is none, or it is no address. */
  find(address: string): unknown {
    const known = this.#cache.get(address);
    if (known !== undefined) return known === NOTHING ? undefined : known;
    const found = this.#look(address);
    this.#cache.set(address, found ?? NOTHING);
    return found;
  }

  #look(address: string): object | undefined {
    // A scope, as in fe80::1%eth0, is of the machine that has written it.
    const plain = withoutMapping(address.split('%', 1)[0] ?? '');
    if (isIP(plain) === 0) return undefined;
    return this.#reader.get(plain) ?? undefined;
  }
}

const NOTHING = {};

/** The database that is shipped: countries by address, in the public domain (CC0). */
export function shippedDatabase(): string {
  const name = '@ip-location-db/geo-whois-asn-country-mmdb';
  const folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  return join(folder, 'geo-whois-asn-country.mmdb');
}

export interface GeoOptions {
  readonly from: string;
  readonly select: readonly { readonly as: string; readonly path: readonly string[] }[];
  /** The newest version of the database. */
  readonly book: () => AddressBook;
}

/** Fields of the record of an address; absent where the database has none, also where the event came with such a field. */
export function geoStep({ from, select, book }: GeoOptions): Step {
  return (data: EventData): undefined => {
    const address = data[from];
    const record = typeof address === 'string' ? book().find(address) : undefined;
    for (const { as, path } of select) {
      const value = path.reduce<unknown>(memberOf, record);
      if (value === undefined || value === null || typeof value === 'object') delete data[as];
      else data[as] = String(value as string);
    }
  };
}

function memberOf(record: unknown, name: string): unknown {
  if (typeof record !== 'object' || record === null || !Object.hasOwn(record, name)) return undefined;
  return (record as Readonly<Record<string, unknown>>)[name];
}
