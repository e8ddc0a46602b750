import type { Clock } from '#libs/kernel';
import type { MessageBroker, MessageReader } from '#libs/messaging';
import { isRecord, type LookupRecord, type LookupSource } from './lookup-source.js';

const READ = { maxMessages: 1_000, maxBytes: 8 * 1024 * 1024 };
const PAUSE_MS = 1_000;
/** Of more keys the oldest are forgotten: a table of that size belongs behind a service. */
const MAX_KEYS = 1_000_000;

/**
 * The newest message of each key of a compacted topic, read from its beginning and followed. An empty payload takes the key
 * out. Messages without a key, or that are no JSON objects, count for nothing.
 */
export class TopicLookup implements LookupSource {
  readonly name: string;
  readonly maxBatch = Infinity;
  readonly #rows = new Map<string, LookupRecord>();
  readonly #stop = new AbortController();
  #reader: MessageReader | undefined;
  #isComplete = false;
  #problem: unknown = new Error('it is not read to its end yet');
  readonly #running: Promise<void>;

  constructor(
    private readonly topic: string,
    private readonly ports: { readonly broker: MessageBroker; readonly clock: Clock },
  ) {
    this.name = topic;
    this.#running = this.#follow();
  }

  async fetch(keys: readonly string[]): Promise<ReadonlyMap<string, LookupRecord>> {
    // Before its end a key that is missing may still come.
    if (!this.#isComplete) throw this.#problem;
    return new Map(keys.flatMap((key) => (this.#rows.has(key) ? [[key, this.#rows.get(key)!]] : [])));
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#reader?.close();
  }

  async #follow(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        this.#reader ??= await this.ports.broker.openReader({
          topic: this.topic,
          partition: 0,
          from: 'earliest',
        });
        await this.#read(this.#reader);
      } catch (error) {
        this.#problem = error;
        await this.#reader?.close().catch(() => undefined);
        this.#reader = undefined;
        await this.ports.clock.sleep(PAUSE_MS, this.#stop.signal);
      }
    }
  }

  async #read(reader: MessageReader): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const deliveries = await reader.receive({ ...READ, waitMs: this.#isComplete ? PAUSE_MS : 0 });
      for (const { key, payload } of deliveries) if (key !== undefined) this.#take(key, payload);
      if (deliveries.length === 0) this.#isComplete = true;
    }
  }

  #take(key: string, payload: Uint8Array): void {
    this.#rows.delete(key);
    const value = payload.byteLength === 0 ? undefined : parsed(payload);
    if (value === undefined) return;
    this.#rows.set(key, value);
    if (this.#rows.size > MAX_KEYS)
      for (const oldest of this.#rows.keys()) return void this.#rows.delete(oldest);
  }
}

function parsed(payload: Uint8Array): LookupRecord | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload).toString('utf8'));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
