import type { Clock } from '#libs/kernel';
import type { Delivery, ReceiveOptions } from '#libs/messaging';

/** Gives the next message; undefined: none came in a while. Called again only when it has ended. */
export type NextDelivery = () => Promise<Delivery | undefined>;

/** What is taken out of the client ahead of the reader; the client has its own queue besides. */
const MAX_READY_MESSAGES = 200;
const MAX_READY_BYTES = 4_000_000;

/**
 * Draws messages one after the other and hands them out in groups. It begins with the first `receive`, so that a
 * reader that is moved before that has nothing in hand.
 */
export class DeliveryFeed {
  readonly #ready: Delivery[] = [];
  readonly #closing = new AbortController();
  #readyBytes = 0;
  #failure: { readonly error: unknown } | undefined;
  #drawing: Promise<void> | undefined;
  #wakers = new Set<() => void>();

  constructor(
    private readonly next: NextDelivery,
    private readonly clock: Clock,
  ) {}

  /** Whether everything that was drawn has been handed out. */
  get isEmpty(): boolean {
    return this.#ready.length === 0;
  }

  /** Waits for the first one. @throws what the source threw */
  async receive(options: ReceiveOptions): Promise<readonly Delivery[]> {
    const deadlineMs = this.clock.monotonicMs() + options.waitMs;
    for (;;) {
      if (options.signal?.aborted === true) return [];
      this.#draw();
      const taken = this.#take(options);
      if (taken.length > 0) return taken;
      if (this.#failure !== undefined) throw this.#failure.error;
      const leftMs = deadlineMs - this.clock.monotonicMs();
      if (leftMs <= 0 || this.#closing.signal.aborted) return [];
      await this.#more(leftMs, options.signal);
    }
  }

  /** Whoever waits comes back empty; what the source still gives is dropped. */
  abandon(): void {
    this.#closing.abort();
    this.#wake();
  }

  #draw(): void {
    if (this.#drawing !== undefined || this.#failure !== undefined || this.#closing.signal.aborted) return;
    this.#drawing = this.#drawWhileRoom().finally(() => {
      this.#drawing = undefined;
    });
  }

  async #drawWhileRoom(): Promise<void> {
    try {
      while (this.#hasRoom() && !this.#closing.signal.aborted) {
        const delivery = await this.next();
        if (delivery === undefined || this.#closing.signal.aborted) continue;
        this.#ready.push(delivery);
        this.#readyBytes += delivery.payload.byteLength;
        this.#wake();
      }
    } catch (error) {
      this.#failure = { error };
      this.#wake();
    }
  }

  #hasRoom(): boolean {
    return this.#ready.length < MAX_READY_MESSAGES && this.#readyBytes < MAX_READY_BYTES;
  }

  #take({ maxMessages, maxBytes }: ReceiveOptions): readonly Delivery[] {
    let count = 0;
    let bytes = 0;
    for (const { payload } of this.#ready) {
      if (count >= maxMessages || bytes >= maxBytes) break;
      count += 1;
      bytes += payload.byteLength;
    }
    this.#readyBytes -= bytes;
    return this.#ready.splice(0, count);
  }

  #wake(): void {
    const wakers = [...this.#wakers];
    this.#wakers.clear();
    for (const wake of wakers) wake();
  }

  #more(leftMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wakers = this.#wakers;
      const cancel = this.clock.after(leftMs, finish);
      signal?.addEventListener('abort', finish, { once: true });
      wakers.add(finish);
      function finish(): void {
        cancel();
        wakers.delete(finish);
        signal?.removeEventListener('abort', finish);
        resolve();
      }
    });
  }
}
