import type { Clock } from '#libs/kernel';

/** How long a handle has been without its connection. */
export class DisconnectedTime {
  #sinceMs: number | undefined;

  constructor(private readonly clock: Clock) {}

  /** 0 while it is connected. To be asked again and again. */
  elapsedMs(isConnected: boolean): number {
    const nowMs = this.clock.monotonicMs();
    this.#sinceMs = isConnected ? undefined : (this.#sinceMs ?? nowMs);
    return this.#sinceMs === undefined ? 0 : nowMs - this.#sinceMs;
  }
}
