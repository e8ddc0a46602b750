import { type Clock, PlatformError } from '#libs/kernel';
import type { Configuration } from './configuration.js';
import { withoutCredentials } from './mongodb-address.js';

/** What a process stands on: the log is the broker, the store the database. */
export type ServerName = 'log' | 'store';

/** A server that is needed and does not do what it is needed for. */
export interface ServerOutage {
  /** Without credentials. */
  readonly address: string;
  readonly code: string;
  readonly detail: string;
  /** When it was first seen to be so, ISO 8601. */
  readonly since: string;
}

/** Which servers are away, and since when: what a probe says, before the app is made and after. */
export class ServerOutages {
  readonly #outages = new Map<ServerName, ServerOutage>();
  /** Without credentials. */
  readonly addresses: Readonly<Record<ServerName, string>>;

  constructor(
    { values: { broker, store, dataDir } }: Configuration,
    private readonly clock: Clock,
  ) {
    const embedded = `embedded in ${dataDir}`;
    this.addresses = {
      log: broker.kind === 'embedded' ? embedded : broker.address,
      store: store.kind === 'embedded' ? embedded : withoutCredentials(store.address),
    };
  }

  /** Says that it is away; for how long already is kept until {@link clear}. */
  note(server: ServerName, error: unknown): ServerOutage {
    const since = this.#outages.get(server)?.since ?? new Date(this.clock.nowMs()).toISOString();
    const code = error instanceof PlatformError ? error.code : 'INTERNAL';
    const detail = error instanceof Error ? error.message : String(error);
    const outage = { address: this.addresses[server], code, detail, since };
    this.#outages.set(server, outage);
    return outage;
  }

  /** It is there. */
  clear(server: ServerName): void {
    this.#outages.delete(server);
  }

  get all(): ReadonlyMap<ServerName, ServerOutage> {
    return this.#outages;
  }

  /** `the log at ws://broker:8080 (BROKER_UNAVAILABLE) since 2026-…`; empty: nothing is away. */
  describe(): string {
    return [...this.#outages]
      .map(([server, { address, code, since }]) => `the ${server} at ${address} (${code}) since ${since}`)
      .join(', ');
  }
}
