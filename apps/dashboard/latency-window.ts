import type { Clock } from '#libs/kernel';

/** What people are told about the way of an event through the pipeline; milliseconds, null without a sample. */
export interface LatencySummary {
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly samples: number;
}

const DEFAULT_WINDOW_MS = 300_000;
/** Fourteen samples a second for five minutes; above that the oldest go, and the window is shorter than it says. */
const DEFAULT_CAPACITY = 4_096;

/** End-to-end latencies of the last five minutes, bounded. */
export class LatencyWindow {
  readonly #clock: Clock;
  readonly #windowMs: number;
  readonly #capacity: number;
  #samples: { readonly atMs: number; readonly latencyMs: number }[] = [];

  constructor(clock: Clock, { windowMs = DEFAULT_WINDOW_MS, capacity = DEFAULT_CAPACITY } = {}) {
    this.#clock = clock;
    this.#windowMs = windowMs;
    this.#capacity = capacity;
  }

  add(latencyMs: number): void {
    this.#samples.push({ atMs: this.#clock.monotonicMs(), latencyMs });
    // In halves, so that the cost of moving what stays is spread over many calls.
    if (this.#samples.length >= this.#capacity * 2) this.#samples = this.#samples.slice(-this.#capacity);
  }

  summary(): LatencySummary {
    const oldestMs = this.#clock.monotonicMs() - this.#windowMs;
    this.#samples = this.#samples.filter((sample) => sample.atMs > oldestMs).slice(-this.#capacity);
    const sorted = this.#samples.map((sample) => sample.latencyMs).sort((a, b) => a - b);
    return { p50Ms: nearestRank(sorted, 0.5), p99Ms: nearestRank(sorted, 0.99), samples: sorted.length };
  }
}

/** The smallest value that has at least the share `q` of all at or below it. */
function nearestRank(sorted: readonly number[], q: number): number | null {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? null;
}
