import { setTimeout as sleep } from 'node:timers/promises';
import { allRows } from './api.js';
import { SideWork } from './side-work.js';

const POST_EVERY_MS = 250;
const LOOK_EVERY_MS = 50;

/** Of one event: when it was offered, and when a row of the API had it. */
export interface ProbedEvent {
  readonly offeredMs: number;
  readonly shownMs: number;
}

/**
 * Offers single events at a steady pace to a stream of its own, and watches rows for them: from the event to its result. One that is
 * refused is offered again, and counts from when it was offered first.
 */
export class ResultProbe {
  readonly events: ProbedEvent[] = [];
  readonly #offered: number[] = [];
  #work: SideWork | undefined;

  constructor(
    private readonly place: { readonly ingest: string; readonly dashboard: string; readonly stream: string },
  ) {}

  /** Resolves when all that was offered within so long is shown. */
  async run(seconds: number): Promise<void> {
    const endMs = performance.now() + seconds * 1_000;
    const offering = this.#offer(endMs);
    let isOffered = false;
    void offering.then(() => (isOffered = true));
    this.#work = new SideWork(async (signal) => {
      while (!signal.aborted && !(isOffered && this.events.length === this.#offered.length)) {
        await this.#look();
        await sleep(LOOK_EVERY_MS);
      }
    });
    await offering;
    await this.#work.done;
  }

  async #offer(endMs: number): Promise<void> {
    for (let dueMs = performance.now(); dueMs < endMs; dueMs += POST_EVERY_MS) {
      await sleep(Math.max(0, dueMs - performance.now()));
      const offeredMs = performance.now();
      while (!(await this.#post(this.#offered.length))) await sleep(POST_EVERY_MS);
      this.#offered.push(offeredMs);
    }
  }

  async #post(number: number): Promise<boolean> {
    const stamp = new Date()
      .toUTCString()
      .replace(/^\w+, (\d+) (\w+) (\d+) ([\d:]+) GMT$/, '$1/$2/$3:$4 +0000');
    const body = `198.51.100.7 - - [${stamp}] "GET /probe HTTP/1.1" 200 77 "-" "load"`;
    const url = `${this.place.ingest}/v1/streams/${this.place.stream}/logs`;
    const headers = { 'idempotency-key': `${this.place.stream}-${number}` };
    const response = await fetch(url, { method: 'POST', body, headers });
    await response.body?.cancel();
    return response.status === 202;
  }

  async #look(): Promise<void> {
    const { dashboard, stream } = this.place;
    const rows = await allRows(dashboard, 'requests_per_minute', stream).catch(() => []);
    const shown = rows.reduce((sum, { measures }) => sum + Number(measures['requests']), 0);
    const shownMs = performance.now();
    while (this.events.length < Math.min(shown, this.#offered.length))
      this.events.push({ offeredMs: this.#offered[this.events.length] ?? NaN, shownMs });
  }
}

/** The 99th percentile of how long events took to their results, in milliseconds; those offered within a stretch alone. */
export function p99Ms(events: readonly ProbedEvent[], fromMs = -Infinity, toMs = Infinity): number {
  const within = events.filter(({ offeredMs }) => offeredMs >= fromMs && offeredMs < toMs);
  const took = within.map(({ offeredMs, shownMs }) => shownMs - offeredMs).sort((a, b) => a - b);
  return took[Math.ceil(took.length * 0.99) - 1] ?? NaN;
}
