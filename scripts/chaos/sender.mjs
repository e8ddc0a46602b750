// A client that posts at a steady pace and sends again what was not answered, as docs/ingest.md says: after 429, 503, a broken
// connection or no answer, the same body under the same Idempotency-Key. What it will send is on the disk before it is sent.

import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRandom } from './seeded-random.mjs';

const POSTS_A_SECOND = 10;
const MAX_POSTS_AT_ONCE = 16;
const ANSWER_WITHIN_MS = 10_000;
const RETRY_MS = 250;
/** As a load balancer does: a replica that did not answer gets one request after that time, and others when it answers. */
const LEFT_OUT_MS = 5_000;
/**
 * An event is sent when all that are older by more than this are stored. So nothing that was answered 202 late is late, and
 * the outcome does not depend on how long an outage was. test/chaos/pipeline.yaml allows for it.
 */
export const MAX_AHEAD_MS = 20_000;

export class Sender {
  #options;
  #random;
  #sent;
  #answers;
  #open = new Map();
  #wake = new Set();
  #stop = new AbortController();
  #running;
  #failed;
  #turn = 0;
  /** Ports that did not answer, and until when they are left out. */
  #leftOut = new Map();
  #batches = 0;
  events = 0;
  sentAgain = 0;
  /** The time of the newest event that was stored. */
  storedMs = 0;
  /** Rejects with the answer that a client can do nothing about. */
  failed = new Promise((_, fail) => (this.#failed = fail));

  /** @param options `ports()`: of ingest, at present; `folder`: of the record */
  constructor(options) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed, 'sender');
    this.#sent = createWriteStream(join(options.folder, 'sent.ndjson'));
    this.#answers = createWriteStream(join(options.folder, 'answers.ndjson'));
    this.failed.catch(() => undefined);
  }

  start() {
    this.#running = this.#run().catch((error) => this.#failed(error));
  }

  /** Sends nothing that would still be open when the run ends. Resolves when everything is answered 202. */
  async finish() {
    this.#stop.abort();
    await this.#running;
    while (this.#open.size > 0) await this.#change();
    for (const file of [this.#sent, this.#answers]) await new Promise((done) => file.end(done));
  }

  /** Gives up. */
  abort() {
    this.#stop.abort();
    this.isAborted = true;
    for (const wake of this.#wake) wake();
  }

  async #run() {
    const { traffic, rate } = this.#options;
    const size = Math.max(10, Math.round(rate / POSTS_A_SECOND));
    for (let dueMs = performance.now(); !this.#stop.signal.aborted; dueMs += (size / rate) * 1_000) {
      await sleep(Math.max(0, dueMs - performance.now()));
      while (this.#mustWait(traffic.nextMs) && !this.#stop.signal.aborted) await this.#change();
      if (!this.#stop.signal.aborted) this.#begin(traffic, size, this.#options.hasIncidents());
    }
  }

  #mustWait(nextMs) {
    const [oldest] = this.#open.values();
    if (this.#open.size >= MAX_POSTS_AT_ONCE) return true;
    return oldest !== undefined && nextMs - oldest.fromMs > MAX_AHEAD_MS;
  }

  #begin(traffic, size, hasIncidents) {
    const batch = this.#batches++;
    const fromMs = traffic.nextMs;
    const lines = traffic.batch(size, hasIncidents);
    const key = `chaos-${batch}`;
    this.events += lines.length;
    this.#open.set(batch, { fromMs });
    this.#sent.write(`${JSON.stringify({ batch, key, lines })}\n`);
    const isSentTwice = this.#random.isTrue(0.05);
    const isCutOff = this.#random.isTrue(0.03);
    void this.#insist({ batch, key, lines, isSentTwice, isCutOff }).then(
      () => {
        this.storedMs = Math.max(this.storedMs, fromMs);
        this.#close(batch);
      },
      (error) => {
        this.#failed(error);
        this.#close(batch);
      },
    );
  }

  async #insist({ batch, key, lines, isSentTwice, isCutOff }) {
    const request = { body: `${lines.join('\n')}\n`, key, items: lines.length };
    // A client that is gone before the answer comes, and does not know what came of it.
    if (isCutOff) await this.#post(request, this.#random.between(1, 30));
    const answer = await this.#untilStored(request);
    // A client that has missed the answer.
    const again = isSentTwice ? await this.#untilStored(request) : undefined;
    this.#answers.write(`${JSON.stringify({ batch, answer, again })}\n`);
  }

  async #untilStored(request) {
    for (let tries = 0; ; tries++) {
      if (this.isAborted) throw new Error('the run was given up');
      const outcome = await this.#post(request, ANSWER_WITHIN_MS);
      if (outcome.answer !== undefined) return outcome.answer;
      this.sentAgain++;
      await sleep(outcome.retryMs);
    }
  }

  async #post({ body, key, items }, withinMs) {
    const port = this.#port();
    const url = `http://127.0.0.1:${port}/v1/streams/${this.#options.stream}/events`;
    const headers = { 'content-type': 'application/x-ndjson', 'idempotency-key': key };
    let response;
    let text;
    try {
      response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(withinMs) });
      text = await response.text();
    } catch {
      // Of a request that was cut off by the client nobody is to blame.
      if (withinMs === ANSWER_WITHIN_MS) this.#leftOut.set(port, performance.now() + LEFT_OUT_MS);
      return { retryMs: RETRY_MS };
    }
    this.#leftOut.delete(port);
    if (response.status === 429 || response.status >= 500)
      return { retryMs: 1_000 * Number(response.headers.get('retry-after') ?? RETRY_MS / 1_000) };
    if (response.status !== 202)
      throw new Error(`ingest answers ${response.status} to batch ${key}: ${text}`);
    const answer = JSON.parse(text);
    const { accepted, duplicates, rejected } = answer;
    if (accepted + duplicates + rejected !== items)
      throw new Error(`ingest answers ${text} to batch ${key} of ${items} lines`);
    return { answer: { accepted, duplicates, rejected } };
  }

  #port() {
    const ports = this.#options.ports();
    const nowMs = performance.now();
    for (let i = 0; i < ports.length; i++) {
      const port = ports[this.#turn++ % ports.length];
      const untilMs = this.#leftOut.get(port) ?? 0;
      if (untilMs > nowMs) continue;
      if (untilMs > 0) this.#leftOut.set(port, nowMs + LEFT_OUT_MS);
      return port;
    }
    return ports[this.#turn++ % ports.length];
  }

  #close(batch) {
    this.#open.delete(batch);
    for (const wake of this.#wake) wake();
    this.#wake.clear();
  }

  #change() {
    return new Promise((done) => this.#wake.add(done));
  }
}
