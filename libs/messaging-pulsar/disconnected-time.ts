import type { Clock } from '#libs/kernel';

/**
 * The client connects again by itself, ever more slowly, for a minute at last. One that has not in this time is given
 * up: whoever had it begins anew, faster, and says meanwhile what is wrong.
 */
const PATIENCE_MS = 15_000;

/** How long a handle has been without its connection. */
export class DisconnectedTime {
  #sinceMs: number | undefined;

  constructor(private readonly clock: Clock) {}

  isTooLong(isConnected: boolean): boolean {
    const nowMs = this.clock.monotonicMs();
    this.#sinceMs = isConnected ? undefined : (this.#sinceMs ?? nowMs);
    return this.#sinceMs !== undefined && nowMs - this.#sinceMs >= PATIENCE_MS;
  }
}
