import type { Clock } from '#libs/kernel';
import type { Delivery, MessageBroker, MessageReader } from '#libs/messaging';
import { FACTS, type Telemetry } from '#libs/observability';
import { type HeldRows, isRecord, type LookupRecord, type LookupSource } from './lookup-source.js';

export interface TopicLookupOptions {
  readonly pipeline: string;
  /** Full name. */
  readonly topic: string;
  readonly broker: MessageBroker;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Of more keys the oldest are forgotten: a table of that size belongs behind a service. Default 1,000,000. */
  readonly maxKeys?: number;
}

const READ = { maxMessages: 1_000, maxBytes: 8 * 1024 * 1024 };
const PAUSE_MS = 1_000;
/** Before the end is reached the next message comes at once; only there is it worth asking whether it is the end. */
const LOOK_MS = 50;
const MAX_KEYS = 1_000_000;

/**
 * The newest message of each key of a compacted topic, read from its beginning and followed. An empty payload takes the key
 * out. A message without a key, or that is no JSON object, changes nothing and is counted.
 */
export class TopicLookup implements LookupSource {
  readonly name: string;
  readonly maxBatch = Infinity;
  readonly #stop = new AbortController();
  readonly #maxKeys: number;
  /** As of when the topic was last seen to its end. */
  #held: HeldRows | undefined;
  /** Why it can't be read at present. */
  #problem: Error | undefined;
  /** Read to its end, and nothing is known to be behind. */
  #isCurrent = false;
  #changed = Promise.withResolvers<void>();
  readonly #running: Promise<void>;

  constructor(private readonly options: TopicLookupOptions) {
    this.name = options.topic;
    this.#maxKeys = options.maxKeys ?? MAX_KEYS;
    this.#running = this.#follow();
  }

  get held(): HeldRows | undefined {
    return this.#held;
  }

  /** Waits while the topic is being read for the first time, or anew: a key that is missing before its end may still come. */
  async fetch(keys: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, LookupRecord>> {
    while (!this.#isCurrent || this.#held === undefined) {
      signal.throwIfAborted();
      if (this.#problem !== undefined) throw this.#problem;
      await Promise.race([this.#changed.promise, aborted(signal)]);
    }
    const { rows } = this.#held;
    return new Map(keys.flatMap((key) => (rows.has(key) ? [[key, rows.get(key)!]] : [])));
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#enter({ problem: new Error('it is closed') });
    await this.#running;
  }

  async #follow(): Promise<void> {
    const { topic, broker, clock } = this.options;
    while (!this.#stop.signal.aborted) {
      let reader: MessageReader | undefined;
      try {
        reader = await broker.openReader({ topic, partition: 0, from: 'earliest' });
        this.#enter('reading');
        await this.#read(reader);
      } catch (error) {
        this.#enter({ problem: error as Error });
      }
      await reader?.close().catch(() => undefined);
      await clock.sleep(PAUSE_MS, this.#stop.signal);
    }
  }

  /** The rows of before serve, where they may, until these are complete: old messages must not stand over newer ones. */
  async #read(reader: MessageReader): Promise<void> {
    const { signal } = this.#stop;
    const rows = new Map<string, LookupRecord>();
    for (let isComplete = false; !signal.aborted;) {
      const waitMs = isComplete ? PAUSE_MS : LOOK_MS;
      const deliveries = await reader.receive({ ...READ, waitMs, signal });
      this.#take(rows, deliveries);
      if (deliveries.length === 0) isComplete = (await this.#look(reader, rows)) || isComplete;
      else if (isComplete) this.#enter({ rows, atMs: this.options.clock.monotonicMs() });
    }
  }

  /** True: everything has been read. A reader goes on by itself when its broker is back. */
  async #look(reader: MessageReader, rows: ReadonlyMap<string, LookupRecord>): Promise<boolean> {
    const { clock } = this.options;
    try {
      const isComplete = await reader.isCaughtUp();
      if (isComplete) this.#enter({ rows, atMs: clock.monotonicMs() });
      return isComplete;
    } catch (error) {
      this.#enter({ problem: error as Error });
      await clock.sleep(PAUSE_MS, this.#stop.signal);
      return false;
    }
  }

  #enter(state: 'reading' | { readonly problem: Error } | HeldRows): void {
    const isHeld = state !== 'reading' && 'rows' in state;
    if (isHeld) this.#held = state;
    if (this.#stop.signal.aborted && isHeld) return;
    this.#isCurrent = isHeld;
    this.#problem = state !== 'reading' && 'problem' in state ? state.problem : undefined;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  #take(rows: Map<string, LookupRecord>, deliveries: readonly Delivery[]): void {
    let [refused, forgotten] = [0, 0];
    for (const { key, payload } of deliveries) {
      const record = payload.byteLength === 0 ? 'removed' : parsed(payload);
      if (key === undefined || record === undefined) {
        refused++;
        continue;
      }
      // Those that were written last stand last.
      rows.delete(key);
      if (record !== 'removed') rows.set(key, record);
      if (rows.size > this.#maxKeys) forgotten += forgetOldest(rows);
    }
    this.#count('no-row', refused);
    this.#count('no-room', forgotten);
  }

  #count(reason: string, rows: number): void {
    const { pipeline, topic: source, telemetry } = this.options;
    if (rows > 0) telemetry.record(FACTS.lookupRowsRefused, { pipeline, source, reason }, rows);
  }
}

function forgetOldest(rows: Map<string, LookupRecord>): 1 | 0 {
  for (const oldest of rows.keys()) return rows.delete(oldest) ? 1 : 0;
  return 0;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function parsed(payload: Uint8Array): LookupRecord | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload).toString('utf8'));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
