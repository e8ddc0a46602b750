import { setTimeout as sleep } from 'node:timers/promises';
import { until } from './until.js';
import { postUntilStored, SideWork } from './side-work.js';

const BATCH_LINES = 200;
/** For a machine that has much else to do. */
const PATIENCE_MS = 180_000;
/**
 * As many requests as a client would have open. While none of them is answered it waits, and makes up for it after:
 * so what it sends is never out of order by more than these.
 */
const OPEN_POSTS = 32;

/** Requests of a combined log at a steady pace, each batch until it is stored, under a key of its own. */
export class SteadyLoad {
  readonly #lines: string[] = [];
  readonly #posts = new Set<SideWork>();
  #stop = new AbortController();
  #running: SideWork | undefined;
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
    this.#running = new SideWork(() => this.#run(eventsPerSecond));
  }

  async untilMoreIsStored(): Promise<void> {
    const before = this.stored;
    await until(
      async () => this.stored,
      (stored) => stored > before,
      PATIENCE_MS,
    );
  }

  /** Sends nothing new, until it is started again. */
  async pause(): Promise<void> {
    this.#stop.abort();
    await this.#running?.done;
  }

  /** Sends nothing new; resolves when all that was sent is stored. */
  async finish(): Promise<void> {
    await this.pause();
    await Promise.all([...this.#posts].map(({ done }) => done));
  }

  /** Sends nothing more, also of what is not stored yet: for the end of a test that may have failed. Never rejects. */
  async abandon(): Promise<void> {
    this.#stop.abort();
    await this.#running?.abandon();
    await Promise.all([...this.#posts].map((post) => post.abandon()));
  }

  async #run(eventsPerSecond: number): Promise<void> {
    const { signal } = this.#stop;
    const stopped = new Promise((done) => signal.addEventListener('abort', done));
    const beganMs = performance.now();
    const before = this.sent;
    while (!signal.aborted) {
      const dueMs = beganMs + ((this.sent - before) / eventsPerSecond) * 1_000;
      await sleep(Math.max(0, dueMs - performance.now()));
      if (signal.aborted) return;
      if (this.#posts.size < OPEN_POSTS) this.#post(eventsPerSecond);
      else await Promise.race([stopped, ...[...this.#posts].map(({ done }) => done)]);
    }
  }

  #post(eventsPerSecond: number): void {
    const batch = this.#batch(eventsPerSecond);
    const keyed = { stream: this.stream, log: batch.join('\n'), key: `batch-${this.sent}` };
    const post = new SideWork(async (abandoned) => {
      await postUntilStored(this.url, keyed, abandoned);
      this.#stored += batch.length;
      this.#posts.delete(post);
    });
    this.#posts.add(post);
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
}
