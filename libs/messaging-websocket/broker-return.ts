import type { Clock } from '#libs/kernel';
import { BrokerUnavailableError, type PulsarAdmin } from '#libs/pulsar-admin';

export interface BrokerReturnOptions {
  /** Gives up soon: a question that a broker took while it was starting may never be answered. */
  readonly admin: Pick<PulsarAdmin, 'checkReady'>;
  readonly clock: Clock;
  /** 0 ≤ random < 1, for jitter. */
  readonly random: () => number;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;

/**
 * Tells everything that has lost its connection when the broker is there again: one asks for all.
 *
 * A broker that starts accepts connections before it can serve them. Each that wants to become a WebSocket then keeps one
 * of its few threads, up to half a minute, and all it is asked waits so much longer. So nobody dials before it is ready.
 */
export class BrokerReturn {
  readonly #options: BrokerReturnOptions;
  #waiting = 0;
  #asking: Promise<void> | undefined;

  constructor(options: BrokerReturnOptions) {
    this.#options = options;
  }

  /** Something has lost its connection, and the broker has not said since that it serves. */
  get isAway(): boolean {
    return this.#asking !== undefined;
  }

  /** Resolves when the broker serves, or when `signal` aborts. Never rejects. */
  async wait(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    let stop: () => void = () => undefined;
    const aborted = new Promise<void>((resolve) => (stop = resolve));
    signal.addEventListener('abort', stop, { once: true });
    this.#waiting++;
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    await Promise.race([this.#asking, aborted]);
    this.#waiting--;
    signal.removeEventListener('abort', stop);
  }

  /** The same, for at most so long. */
  async waitFor(patienceMs: number): Promise<void> {
    const over = new AbortController();
    const cancel = this.#options.clock.after(patienceMs, () => over.abort());
    await this.wait(over.signal);
    cancel();
  }

  async #ask(): Promise<void> {
    const { clock, random } = this.#options;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * pauseMs)) {
      if (await this.#isReady()) return;
      await clock.sleep((pauseMs / 2) * (1 + random()));
      // Nobody waits any more; whoever comes now asks anew.
      if (this.#waiting === 0) return;
    }
  }

  async #isReady(): Promise<boolean> {
    try {
      await this.#options.admin.checkReady();
      return true;
    } catch (error) {
      // Whatever else it says, it is there: the connection itself will tell what is wrong.
      return !(error instanceof BrokerUnavailableError);
    }
  }
}
