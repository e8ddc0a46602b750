import type { Clock } from '#libs/kernel';

/** Between the end of a look and the next one. */
const LEAST_PAUSE_MS = 250;
/** A pause is so many times as long as the look before it: looks take at most a twentieth of the time. */
const PAUSES_PER_LOOK = 20;

/**
 * Looks soon after it was asked to, however often that is: the first time at once, then with pauses, never twice at a
 * time, and always once more behind the last request.
 */
export class PacedLook {
  #isBusy = false;
  #isWanted = false;

  /** @param look what fails is forgotten: the next request tries again */
  constructor(
    private readonly clock: Clock,
    private readonly look: () => Promise<void>,
    private readonly stop: AbortSignal,
  ) {}

  request(): void {
    this.#isWanted = true;
    if (!this.#isBusy) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isBusy = true;
    while (this.#isWanted && !this.stop.aborted) {
      this.#isWanted = false;
      const startedMs = this.clock.monotonicMs();
      await this.look().catch(() => undefined);
      const tookMs = this.clock.monotonicMs() - startedMs;
      await this.clock.sleep(Math.max(LEAST_PAUSE_MS, tookMs * PAUSES_PER_LOOK), this.stop);
    }
    this.#isBusy = false;
  }
}
