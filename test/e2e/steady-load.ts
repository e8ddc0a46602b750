import { setTimeout as sleep } from 'node:timers/promises';
import { postLog } from './api.js';

const BATCH_LINES = 200;
const RETRY_MS = 250;

/** Requests of a combined log at a steady pace, each batch until it is stored, under a key of its own. */
export class SteadyLoad {
  readonly #lines: string[] = [];
  readonly #pending = new Set<Promise<void>>();
  #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #stored = 0;

  constructor(
    private readonly url: string,
    private readonly stream: string,
    /** Their event time goes on at the pace of the load. */
    private readonly startMs: number,
  ) {}

  /** Everything that was sent. */
  get log(): string {
    return `${this.#lines.join('\n')}\n`;
  }

  get sent(): number {
    return this.#lines.length;
  }

  /** Answered with 202. */
  get stored(): number {
    return this.#stored;
  }

  start(eventsPerSecond: number): void {
    this.#stop = new AbortController();
    this.#running = this.#run(eventsPerSecond);
  }

  /** Sends nothing more, until it is started again. */
  async pause(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Sends nothing more; resolves when all that was sent is stored. */
  async finish(): Promise<void> {
    await this.pause();
    await Promise.all(this.#pending);
  }

  async #run(eventsPerSecond: number): Promise<void> {
    const beganMs = performance.now();
    const before = this.sent;
    while (!this.#stop.signal.aborted) {
      const dueMs = beganMs + ((this.sent - before) / eventsPerSecond) * 1_000;
      await sleep(Math.max(0, dueMs - performance.now()));
      const batch = this.#batch(eventsPerSecond);
      const posting: Promise<void> = this.#post(batch, `batch-${this.sent}`).then(() => {
        this.#stored += batch.length;
        this.#pending.delete(posting);
      });
      this.#pending.add(posting);
    }
  }

  #batch(eventsPerSecond: number): readonly string[] {
    const batch = Array.from({ length: BATCH_LINES }, (_, i) => {
      const n = this.sent + i;
      const stamp = new Date(this.startMs + Math.floor(n / eventsPerSecond) * 1_000)
        .toUTCString()
        .replace(/^\w+, (\d+) (\w+) (\d+) ([\d:]+) GMT$/, '$1/$2/$3:$4 +0000');
      return `198.51.100.${n % 250} - - [${stamp}] "GET /p/${n % 17} HTTP/1.1" 200 77 "-" "load"`;
    });
    this.#lines.push(...batch);
    return batch;
  }

  async #post(batch: readonly string[], key: string): Promise<void> {
    for (;;) {
      try {
        await postLog(this.url, this.stream, batch.join('\n'), key);
        return;
      } catch {
        // Not stored, or not known to be: the key tells repeats.
        await sleep(RETRY_MS);
      }
    }
  }
}
