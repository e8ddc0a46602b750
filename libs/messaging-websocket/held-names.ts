import type { Clock } from '#libs/kernel';
import { ConsumerBusyError, ProducerBusyError } from '#libs/messaging';

/** The broker frees a name a moment after its socket was closed. */
const HANDOVER_MS = 2_000;
const PAUSE_MS = 20;

/** Exclusive names that were held from here until a moment ago: the broker may still say that they are in use. */
export class HeldNames {
  readonly #released = new Map<string, number>();

  constructor(private readonly clock: Clock) {}

  release(name: string): void {
    const nowMs = this.clock.monotonicMs();
    for (const [other, releasedMs] of this.#released) {
      if (nowMs - releasedMs > HANDOVER_MS) this.#released.delete(other);
    }
    this.#released.set(name, nowMs);
  }

  /** Opens what bears the name; where it was released just now, again until the broker has noticed. */
  async claim<T>(name: string, open: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await open();
      } catch (error) {
        const releasedMs = this.#released.get(name) ?? -Infinity;
        const isRecent = this.clock.monotonicMs() - releasedMs <= HANDOVER_MS;
        if (!isRecent || !isBusy(error)) throw error;
        await this.clock.sleep(PAUSE_MS);
      }
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof ConsumerBusyError || error instanceof ProducerBusyError;
}
