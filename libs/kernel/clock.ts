/** Takes back what a clock was asked to do. Safe to call more than once, and after it has happened. */
export type Cancel = () => void;

/** Where time comes from. Injected everywhere, so that tests can own it. */
export abstract class Clock {
  /** Wall-clock time in epoch milliseconds. May jump. */
  abstract nowMs(): number;
  /** Milliseconds since some fixed moment; never goes back. For measuring and for deadlines. */
  abstract monotonicMs(): number;
  /** Calls `action` once, after `delayMs` or more. The timer keeps no process alive. */
  abstract after(delayMs: number, action: () => void): Cancel;

  /** Resolves after `delayMs`, or at once when `signal` aborts; never rejects. */
  async sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return;
    await new Promise<void>((resolve) => {
      const cancel = this.after(delayMs, finish);
      function finish(): void {
        signal?.removeEventListener('abort', finish);
        cancel();
        resolve();
      }
      signal?.addEventListener('abort', finish, { once: true });
    });
  }
}

/** The machine's own clock. */
export class SystemClock extends Clock {
  nowMs(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  after(delayMs: number, action: () => void): Cancel {
    const timer = setTimeout(action, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  }
}
