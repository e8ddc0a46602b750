import { setTimeout as sleep } from 'node:timers/promises';
import { SideWork } from './side-work.js';
import type { SlowLine } from './slow-line.js';

/** How often the line is set anew. */
const LOOK_EVERY_MS = 250;
/** What a store that had nothing to do for a while takes at once. */
const MOST_AT_ONCE_MS = 2_000;

export interface EventPaceOptions {
  readonly line: SlowLine;
  /** Of the process that commits what is counted. */
  readonly url: string;
  readonly eventsPerSecond: number;
  /** So much it makes up for: commits of all partitions may be under way before the first of them is seen. */
  readonly mostBehindMs: number;
  /** Less than the store is asked without any event would be an outage. */
  readonly leastBytesPerSecond: number;
  readonly mostBytesPerSecond: number;
}

/**
 * Lets a store take so many events a second and no more, on average: what an event costs in bytes falls with the size of commits,
 * so a limit of bytes alone is none of events. A commit holds thousands; after it the line is as narrow as it may be, until as
 * many seconds are over as it was worth.
 */
export class EventPace {
  readonly #work: SideWork;
  #allowed: number;
  #lookedMs = performance.now();
  #counted: number | undefined;
  #widest: number;

  constructor(private readonly options: EventPaceOptions) {
    this.#allowed = this.#mostAtOnce;
    this.#widest = options.mostBytesPerSecond;
    options.line.limit(this.#widest);
    this.#work = new SideWork((abandoned) => this.#run(abandoned));
  }

  /** As wide as this at the most, until it is said otherwise: before the first commits of a flood there is nothing to be counted. */
  widen(bytesPerSecond = this.options.mostBytesPerSecond): void {
    this.#widest = bytesPerSecond;
    this.options.line.limit(bytesPerSecond);
  }

  /** From now on the line takes all there is. Never rejects. */
  async release(): Promise<void> {
    await this.#work.abandon();
    this.options.line.limit(Infinity);
  }

  async #run(abandoned: AbortSignal): Promise<void> {
    while (!abandoned.aborted) {
      const counted = await countedEvents(this.options.url).catch(() => undefined);
      if (counted !== undefined) this.#look(counted);
      await sleep(LOOK_EVERY_MS);
    }
  }

  #look(counted: number): void {
    const { line, eventsPerSecond, mostBehindMs, leastBytesPerSecond } = this.options;
    const nowMs = performance.now();
    const earned = ((nowMs - this.#lookedMs) / 1_000) * eventsPerSecond;
    const left = Math.min(this.#allowed + earned, this.#mostAtOnce) - (counted - (this.#counted ?? counted));
    this.#allowed = Math.max(left, (-mostBehindMs / 1_000) * eventsPerSecond);
    this.#lookedMs = nowMs;
    this.#counted = counted;
    line.limit(this.#allowed < 0 ? leastBytesPerSecond : this.#widest);
  }

  get #mostAtOnce(): number {
    return (this.options.eventsPerSecond * MOST_AT_ONCE_MS) / 1_000;
  }
}

/** Events of all streams that are in commits, as the process tells it that makes them. */
export async function countedEvents(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  let events = 0;
  for (const [, value] of text.matchAll(/^millrace_event_fates_total\{[^}]*fate="counted"[^}]*\} (\S+)$/gm))
    events += Number(value);
  return events;
}
