import { type Cancel, Clock } from '#libs/kernel';

/** A clock that stands still until it is told otherwise. */
export class ManualClock extends Clock {
  #nowMs: number;
  #monotonicMs = 0;
  #timers: { readonly dueMs: number; readonly action: () => void }[] = [];

  /** @param startMs wall-clock time at the start, epoch milliseconds */
  constructor(startMs = 0) {
    super();
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  after(delayMs: number, action: () => void): Cancel {
    const timer = { dueMs: this.#monotonicMs + Math.max(0, delayMs), action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Timers that wait. */
  get pendingTimers(): number {
    return this.#timers.length;
  }

  /**
   * Time passes, wall clock and monotonic alike. Fires every timer that falls due, those it sets off included, in
   * the order of their times, each at its time. Awaits nothing: what they start goes on after this returns.
   *
   * @param ms 0 or more
   */
  advance(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`time can't pass by ${ms} ms`);
    const endMs = this.#monotonicMs + ms;
    for (let next = this.#nextUntil(endMs); next !== undefined; next = this.#nextUntil(endMs)) {
      const fired = next;
      this.#timers = this.#timers.filter((timer) => timer !== fired);
      this.#moveTo(Math.max(fired.dueMs, this.#monotonicMs));
      fired.action();
    }
    this.#moveTo(endMs);
  }

  /** The wall clock jumps, as real ones do; timers and the monotonic clock don't notice. */
  setWallClock(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  #nextUntil(endMs: number): { readonly dueMs: number; readonly action: () => void } | undefined {
    const due = this.#timers.filter((timer) => timer.dueMs <= endMs);
    // The first of those with the least time: equal times fire in the order they were set.
    return due.reduce<(typeof due)[number] | undefined>(
      (first, timer) => (first === undefined || timer.dueMs < first.dueMs ? timer : first),
      undefined,
    );
  }

  #moveTo(monotonicMs: number): void {
    this.#nowMs += monotonicMs - this.#monotonicMs;
    this.#monotonicMs = monotonicMs;
  }
}
