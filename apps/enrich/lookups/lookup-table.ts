import { LRUCache } from 'lru-cache';
import type { Clock } from '#libs/kernel';
import { FACTS, type Telemetry } from '#libs/observability';
import { type BreakerState, CircuitBreaker } from './circuit-breaker.js';
import type { LookupRecord, LookupSource } from './lookup-source.js';

/** What is known of a key. `stale`: older than it should be, because there is nothing newer. */
export type LookupAnswer =
  | { readonly kind: 'found'; readonly record: LookupRecord }
  | { readonly kind: 'missing'; readonly stale: LookupRecord | undefined }
  | { readonly kind: 'failed'; readonly error: unknown; readonly stale: LookupRecord | 'none' | undefined };

export interface LookupTableOptions {
  readonly pipeline: string;
  readonly source: LookupSource;
  readonly cacheMs: number;
  readonly staleMs: number;
  readonly cacheSize: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** `undefined` as a record: the source has said that there is none. */
interface Kept {
  readonly record: LookupRecord | undefined;
  /** The last record that there was. */
  readonly last: LookupRecord | undefined;
  readonly atMs: number;
}

interface Waiting {
  readonly promise: Promise<LookupAnswer>;
  readonly settle: (answer: LookupAnswer) => void;
}

/** Requests to one source at once; more wait for those. */
const MAX_REQUESTS = 16;
const STATE_VALUES: Readonly<Record<BreakerState, number>> = { closed: 0, 'half-open': 1, open: 2 };

/**
 * Asks a source for keys: those of one moment together, each of them once, and none again while its answer is fresh. No
 * answer takes longer than the timeout, and while the breaker is open none takes any time.
 */
export class LookupTable {
  readonly #kept: LRUCache<string, Kept>;
  readonly #waiting = new Map<string, Waiting>();
  readonly #breaker: CircuitBreaker;
  #gathered: string[] = [];
  #requests = 0;
  readonly #queue: (() => void)[] = [];

  constructor(private readonly options: LookupTableOptions) {
    const { cacheSize, clock } = options;
    this.#kept = new LRUCache({ max: cacheSize });
    this.#breaker = new CircuitBreaker(clock, (state) => this.#tellState(state));
    this.#tellState('closed');
  }

  /** The answer: at once if it is known, else as soon as it comes, at the latest after the timeout. Never rejects. */
  ask(key: string): LookupAnswer | Promise<LookupAnswer> {
    const kept = this.#kept.get(key);
    if (kept !== undefined && this.#ageOf(kept) < this.options.cacheMs) {
      this.#count('cached');
      return kept.record === undefined ? missing(kept) : { kind: 'found', record: kept.record };
    }
    const waiting = this.#waiting.get(key) ?? this.#gather(key);
    return waiting.promise;
  }

  /** The source, while events wait for it. */
  get waitingFor(): string | undefined {
    return this.#waiting.size > 0 ? `lookup:${this.options.source.name}` : undefined;
  }

  #gather(key: string): Waiting {
    let settle: (answer: LookupAnswer) => void = () => undefined;
    const promise = new Promise<LookupAnswer>((resolve) => (settle = resolve));
    const waiting = { promise, settle };
    this.#waiting.set(key, waiting);
    if (this.#gathered.length === 0) setImmediate(() => this.#askGathered());
    this.#gathered.push(key);
    return waiting;
  }

  #askGathered(): void {
    const keys = this.#gathered;
    this.#gathered = [];
    const size = Math.min(this.options.source.maxBatch, keys.length);
    for (let from = 0; from < keys.length; from += size) void this.#askBatch(keys.slice(from, from + size));
  }

  async #askBatch(keys: readonly string[]): Promise<void> {
    if (!this.#breaker.mayAsk()) {
      for (const key of keys)
        this.#fail(
          key,
          new Error(`it has failed too often; the breaker is ${this.#breaker.state}`),
          'refused',
        );
      return;
    }
    const abort = new AbortController();
    const cancel = this.options.clock.after(this.options.timeoutMs, () => abort.abort());
    try {
      const records = await this.#fetch(keys, abort.signal);
      this.#breaker.succeeded();
      for (const key of keys) this.#keep(key, records.get(key));
    } catch (error) {
      this.#breaker.failed();
      const outcome = abort.signal.aborted ? 'timeout' : 'failed';
      for (const key of keys) this.#fail(key, error, outcome);
    } finally {
      cancel();
    }
  }

  /** Waiting for a place counts, too: an event waits for its answer, not for a request. */
  async #fetch(keys: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, LookupRecord>> {
    const { source, timeoutMs } = this.options;
    const tooLate = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error(`no answer within ${timeoutMs} ms`)), {
        once: true,
      });
    });
    const answer = async (): Promise<ReadonlyMap<string, LookupRecord>> => {
      await this.#place();
      try {
        signal.throwIfAborted();
        return await source.fetch(keys, signal);
      } finally {
        this.#requests--;
        this.#queue.shift()?.();
      }
    };
    return await Promise.race([answer(), tooLate]);
  }

  async #place(): Promise<void> {
    while (this.#requests >= MAX_REQUESTS) await new Promise<void>((resolve) => this.#queue.push(resolve));
    this.#requests++;
  }

  #keep(key: string, record: LookupRecord | undefined): void {
    const before = this.#kept.get(key);
    const kept = {
      record,
      last: record ?? this.#usable(before)?.last,
      atMs: this.options.clock.monotonicMs(),
    };
    this.#kept.set(key, kept);
    this.#count(record === undefined ? 'missing' : 'fetched');
    this.#settle(key, record === undefined ? missing(kept) : { kind: 'found', record });
  }

  #fail(key: string, error: unknown, outcome: 'failed' | 'timeout' | 'refused'): void {
    this.#count(outcome);
    const kept = this.#usable(this.#heldOf(key) ?? this.#kept.get(key));
    this.#settle(key, {
      kind: 'failed',
      error,
      stale: kept === undefined ? undefined : (kept.record ?? 'none'),
    });
  }

  #heldOf(key: string): Kept | undefined {
    const { held } = this.options.source;
    if (held === undefined) return undefined;
    const record = held.rows.get(key);
    return { record, last: record, atMs: held.atMs };
  }

  /** What may serve where nothing newer is to be had. */
  #usable(kept: Kept | undefined): Kept | undefined {
    const { cacheMs, staleMs } = this.options;
    return kept !== undefined && this.#ageOf(kept) < cacheMs + staleMs ? kept : undefined;
  }

  #ageOf({ atMs }: Kept): number {
    return this.options.clock.monotonicMs() - atMs;
  }

  #settle(key: string, answer: LookupAnswer): void {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    waiting?.settle(answer);
  }

  #count(outcome: string): void {
    const { pipeline, source, telemetry } = this.options;
    telemetry.record(FACTS.lookupAnswered, { pipeline, source: source.name, outcome });
  }

  #tellState(state: BreakerState): void {
    const { pipeline, source, telemetry } = this.options;
    telemetry.record(FACTS.breakerState, { pipeline, source: source.name }, STATE_VALUES[state]);
    if (state === 'open') telemetry.record(FACTS.breakerOpened, { pipeline, source: source.name });
  }
}

function missing({ last }: Kept): LookupAnswer {
  return { kind: 'missing', stale: last };
}
