import type { Cancel, Clock } from '#libs/kernel';
import { LogUnavailableError } from './ingest.errors.js';

interface Waiter {
  readonly beganMs: number;
  readonly giveUp: (error: Error) => void;
}

/** How long the requests of this process wait for the log: one timer for all of them. */
export class Patience {
  readonly #waiters = new Set<Waiter>();
  #cancel: Cancel | undefined;

  /** @param lastStoredMs when the log has stored something, by the monotonic clock */
  constructor(
    private readonly clock: Clock,
    private readonly quietMs: number,
    private readonly lastStoredMs: () => number,
  ) {}

  /**
   * Waits for something that the log brings about.
   *
   * @throws LogUnavailableError once it has stored nothing for so long
   */
  until<T>(wanted: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const waiter = { beganMs: this.clock.monotonicMs(), giveUp: reject };
      this.#waiters.add(waiter);
      this.#watch();
      const done = (): void => {
        this.#waiters.delete(waiter);
        if (this.#waiters.size === 0) this.#rest();
      };
      wanted.then(
        (value) => {
          done();
          resolve(value);
        },
        (error: unknown) => {
          done();
          reject(error);
        },
      );
    });
  }

  #rest(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #watch(): void {
    const [oldest] = this.#waiters;
    if (oldest === undefined || this.#cancel !== undefined) return;
    this.#cancel = this.clock.after(this.quietMs - this.#quietMsOf(oldest), () => {
      this.#cancel = undefined;
      for (const waiter of this.#waiters) this.#judge(waiter);
      this.#watch();
    });
  }

  #judge(waiter: Waiter): void {
    const quietMs = this.#quietMsOf(waiter);
    if (quietMs < this.quietMs) return;
    this.#waiters.delete(waiter);
    waiter.giveUp(new LogUnavailableError(Math.round(quietMs)));
  }

  #quietMsOf({ beganMs }: Waiter): number {
    return this.clock.monotonicMs() - Math.max(beganMs, this.lastStoredMs());
  }
}
