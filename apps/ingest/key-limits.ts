import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '#libs/kernel';
import { type ApiKey, Configuration } from '#libs/platform';
import { COLLECTIONS, DocumentStore } from '#libs/storage';
import { QuotaExhaustedError, RateLimitedError } from './ingest.errors.js';

const DAY_MS = 86_400_000;
/** A key may send so many seconds' worth of its rate at once. */
const BURST_SECONDS = 2;
/** How long a process goes by what it knows of the others, and keeps what it has counted to itself. */
const EXCHANGE_MS = 2_000;
const MAX_PROCESSES = 1_000;
const KIND = 'key-usage';

interface Usage {
  day: number;
  /** Events of this process on that day. */
  own: number;
  /** Of all others, as last read. */
  others: number;
  exchangedMs: number;
  /** Events that may be sent at once; below 0: what the last request had too many. */
  credit: number;
  creditMs: number;
}

/** What each key may send: a rate, and a number of events a day over all processes. */
@Injectable()
export class KeyLimits {
  readonly #usage = new Map<string, Usage>();

  constructor(
    @Inject(DocumentStore) private readonly documents: DocumentStore,
    @Inject(Clock) private readonly clock: Clock,
    @Inject(Configuration) private readonly configuration: Pick<Configuration, 'processId'>,
  ) {}

  /**
   * May a request with this key begin. How many events it has nobody knows yet: {@link charge} says so at its end.
   *
   * @throws RateLimitedError, QuotaExhaustedError
   */
  async admit(key: ApiKey | undefined): Promise<void> {
    if (key === undefined || (key.eventsPerSecond === undefined && key.eventsPerDay === undefined)) return;
    const usage = this.#usageOf(key);
    this.#refill(key, usage);
    const { eventsPerSecond: rate, eventsPerDay: quota } = key;
    if (rate !== undefined && usage.credit < 1)
      throw new RateLimitedError(key.id, rate, (1 - usage.credit) / rate);
    if (quota === undefined) return;
    await this.#exchange(key, usage);
    if (usage.own + usage.others >= quota)
      throw new QuotaExhaustedError(key.id, quota, ((usage.day + 1) * DAY_MS - this.clock.nowMs()) / 1_000);
  }

  /** A request of so many events has been taken in. */
  charge(key: ApiKey | undefined, events: number): void {
    if (key === undefined) return;
    const usage = this.#usage.get(key.id);
    if (usage === undefined) return;
    usage.credit -= events;
    usage.own += events;
  }

  #usageOf(key: ApiKey): Usage {
    const day = Math.floor(this.clock.nowMs() / DAY_MS);
    let usage = this.#usage.get(key.id);
    if (usage === undefined) {
      const credit = (key.eventsPerSecond ?? 0) * BURST_SECONDS;
      usage = { day, own: 0, others: 0, exchangedMs: -Infinity, credit, creditMs: this.clock.monotonicMs() };
      this.#usage.set(key.id, usage);
    }
    if (usage.day !== day) {
      // Each process takes its own count of the day before away; nothing else is left of it.
      void this.documents
        .remove(COLLECTIONS.settings, this.#documentId(key.id, usage.day))
        .catch(() => undefined);
      Object.assign(usage, { day, own: 0, others: 0, exchangedMs: -Infinity });
    }
    return usage;
  }

  #documentId(key: string, day: number): string {
    return `key-usage/${key}/${day}/${this.configuration.processId}`;
  }

  #refill({ eventsPerSecond: rate = 0 }: ApiKey, usage: Usage): void {
    const nowMs = this.clock.monotonicMs();
    // A key of less than one event in two seconds may still send one.
    const most = Math.max(1, rate * BURST_SECONDS);
    usage.credit = Math.min(most, usage.credit + ((nowMs - usage.creditMs) / 1_000) * rate);
    usage.creditMs = nowMs;
  }

  /** Tells the others what was counted here, and reads what they have. */
  async #exchange({ id }: ApiKey, usage: Usage): Promise<void> {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - usage.exchangedMs < EXCHANGE_MS) return;
    usage.exchangedMs = nowMs;
    const collection = COLLECTIONS.settings;
    const fields = { kind: KIND, key: id, day: usage.day };
    const { own } = usage;
    const document = this.#documentId(id, usage.day);
    if (own > 0)
      await this.documents.put([
        { collection, id: document, timeMs: usage.day * DAY_MS, fields, body: { events: own } },
      ]);
    const { documents } = await this.documents.find({ collection, where: fields, limit: MAX_PROCESSES });
    const others = documents.filter((each) => each.id !== document);
    usage.others = others.reduce((sum, { body }) => sum + Number(body['events'] ?? 0), 0);
  }
}
