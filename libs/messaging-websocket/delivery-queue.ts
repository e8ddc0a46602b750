import type { Clock } from '#libs/kernel';
import type { Delivery, ReceiveOptions } from '#libs/messaging';

/** What has arrived and was not taken yet. What sends it has to keep it bounded: see {@link DeliveryQueue.bytes}. */
export class DeliveryQueue {
  readonly #items: Delivery[] = [];
  readonly #closing = new AbortController();
  #bytes = 0;
  readonly #waiting = new Set<() => void>();

  constructor(private readonly clock: Clock) {}

  get length(): number {
    return this.#items.length;
  }

  /** Of the payloads. */
  get bytes(): number {
    return this.#bytes;
  }

  push(delivery: Delivery): void {
    this.#items.push(delivery);
    this.#bytes += delivery.payload.byteLength;
    for (const wake of this.#waiting) wake();
  }

  /** Takes out the oldest. */
  drop(): void {
    this.#bytes -= this.#items.shift()?.payload.byteLength ?? 0;
  }

  clear(): void {
    this.#items.length = 0;
    this.#bytes = 0;
  }

  /** Ends every `receive` that waits; nothing waits any more. */
  close(): void {
    this.#closing.abort();
  }

  /** What is there, or what comes first; empty when the time is over, the signal aborts or the queue closes. */
  async receive(options: ReceiveOptions): Promise<Delivery[]> {
    const { waitMs, signal } = options;
    const deadlineMs = this.clock.monotonicMs() + waitMs;
    for (;;) {
      if (isOver(signal) || isOver(this.#closing.signal)) return [];
      const deliveries = this.#take(options);
      const leftMs = deadlineMs - this.clock.monotonicMs();
      if (deliveries.length > 0 || leftMs <= 0) return deliveries;
      await this.#waitForMore(leftMs, signal);
    }
  }

  #take({ maxMessages, maxBytes }: ReceiveOptions): Delivery[] {
    let count = 0;
    let bytes = 0;
    while (count < this.#items.length && count < maxMessages && bytes < maxBytes) {
      bytes += this.#items[count++]?.payload.byteLength ?? 0;
    }
    this.#bytes -= bytes;
    return this.#items.splice(0, count);
  }

  #waitForMore(leftMs: number, signal: AbortSignal | undefined): Promise<void> {
    const closing = this.#closing.signal;
    return new Promise((resolve) => {
      const finish = (): void => {
        this.#waiting.delete(finish);
        cancelTimer();
        signal?.removeEventListener('abort', finish);
        closing.removeEventListener('abort', finish);
        resolve();
      };
      const cancelTimer = this.clock.after(leftMs, finish);
      this.#waiting.add(finish);
      signal?.addEventListener('abort', finish, { once: true });
      closing.addEventListener('abort', finish, { once: true });
    });
  }
}

/** A call, since a signal aborts while others run. */
function isOver(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
