// How far the results are behind what was stored, as an outside observer sees it: by the API.

import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_EVERY_MS = 500;
const ANSWER_WITHIN_MS = 3_000;

export class ResultsWatch {
  #options;
  #stop = new AbortController();
  #running;
  #listeners = new Set();
  /** The delivered watermark. */
  watermarkMs = -Infinity;
  /** When the results were last seen further behind than is usual, monotonic. */
  behindAtMs = -Infinity;

  /** @param options `ports()` of the dashboard, `sender`, `series`, `stream`, `usualLagMs` */
  constructor(options) {
    this.#options = options;
  }

  start() {
    this.#running = this.#run();
  }

  async stop() {
    this.#stop.abort();
    await this.#running;
  }

  /** Resolves when the watermark is there. */
  async until(watermarkMs) {
    while (this.watermarkMs < watermarkMs && !this.#stop.signal.aborted)
      await new Promise((done) => this.#listeners.add(done));
  }

  async #run() {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const { sender, usualLagMs } = this.#options;
      this.watermarkMs = Math.max(this.watermarkMs, (await this.#look()) ?? -Infinity);
      if (sender.storedMs - this.watermarkMs > usualLagMs) this.behindAtMs = performance.now();
      for (const wake of this.#listeners) wake();
      this.#listeners.clear();
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
    for (const wake of this.#listeners) wake();
  }

  async #look() {
    const { ports, series, stream } = this.#options;
    const url = `http://127.0.0.1:${ports()[0]}/v1/series/${series}?stream=${stream}&limit=1`;
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
      const { watermarks = {} } = await answer.json();
      const found = watermarks[stream];
      return typeof found === 'string' ? Date.parse(found) : undefined;
    } catch {
      return undefined;
    }
  }
}
