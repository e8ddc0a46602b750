import { Agent, request } from 'node:http';
import { isInBreachingWindow, MATCHING_STATUS } from './alert-pipeline.js';

// The load, in a process of its own: posts of NDJSON at a steady pace, whatever is answered and when. An event happens
// at the moment in which its post is made. Prints one line at its end.

/** What the process is told, as JSON in its only argument. */
export interface LoadOrder {
  readonly url: string;
  readonly stream: string;
  readonly eventsPerSecond: number;
  readonly matchesPerSecond: number;
  readonly seconds: number;
}

/** What it prints. */
export interface LoadReport {
  readonly sent: number;
  readonly refused: number;
  /** Of one core, while it sent. */
  readonly cpuShare: number;
  /** From a post to its answer. */
  readonly answerMs: readonly number[];
}

const POST_EVERY_MS = 10;
const VISITORS = 2_000;
const PATHS = ['/', '/products/1', '/products/2', '/cart', '/checkout', '/assets/app.js', '/search'];
const BROWSER =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0 Safari/537.36';

class Load {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly #answerMs: number[] = [];
  #sent = 0;
  #refused = 0;
  #matches = 0;

  constructor(private readonly order: LoadOrder) {}

  async run(): Promise<LoadReport> {
    const { eventsPerSecond, seconds } = this.order;
    const before = process.cpuUsage();
    const startMs = performance.now();
    const posts: Promise<void>[] = [];
    for (let elapsedMs = 0; elapsedMs < seconds * 1_000; elapsedMs = performance.now() - startMs) {
      const due = Math.floor((elapsedMs * eventsPerSecond) / 1_000) - this.#sent;
      if (due > 0) posts.push(this.#post(due, elapsedMs));
      await new Promise((resolve) => setTimeout(resolve, POST_EVERY_MS));
    }
    const { user, system } = process.cpuUsage(before);
    const cpuShare = (user + system) / 1_000 / (performance.now() - startMs);
    await Promise.all(posts);
    this.#agent.destroy();
    return { sent: this.#sent, refused: this.#refused, cpuShare, answerMs: this.#answerMs };
  }

  async #post(events: number, elapsedMs: number): Promise<void> {
    const timeMs = Date.now();
    const matchesDue = Math.floor((elapsedMs * this.order.matchesPerSecond) / 1_000) - this.#matches;
    const lines = Array.from({ length: events }, (_, index) => this.#event(timeMs, index < matchesDue));
    const beganMs = performance.now();
    if ((await this.#send(Buffer.from(lines.join('\n')))) !== 202) this.#refused++;
    this.#answerMs.push(performance.now() - beganMs);
  }

  #event(timeMs: number, isMatch: boolean): string {
    const n = this.#sent++;
    const event = {
      time: timeMs,
      method: n % 10 === 0 && isInBreachingWindow(timeMs) ? 'PUT' : 'GET',
      path: isMatch ? `/match/${this.#matches++}` : PATHS[n % PATHS.length],
      status: isMatch ? MATCHING_STATUS : n % 50 === 0 ? 404 : 200,
      bytes: 1_000 + (n % 5_000),
      durationMs: 5 + (n % 200),
      clientIp: `10.0.${(n % VISITORS) >> 8}.${n % 256}`,
      userAgent: BROWSER,
      userId: `u${n % VISITORS}`,
    };
    return JSON.stringify(event);
  }

  #send(body: Buffer): Promise<number | undefined> {
    const { url, stream } = this.order;
    const headers = { 'content-type': 'application/x-ndjson', 'content-length': body.length };
    const options = { method: 'POST', agent: this.#agent, headers };
    return new Promise((resolve, reject) => {
      const sent = request(`${url}/v1/streams/${stream}/events`, options, (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode));
      });
      sent.once('error', reject);
      sent.end(body);
    });
  }
}

const report = await new Load(JSON.parse(process.argv[2] ?? '') as LoadOrder).run();
process.stdout.write(`${JSON.stringify(report)}\n`);
