import { unlessAborted } from './backoff.js';

/**
 * Who may run user code in this process. Usually everybody; but what is run alone to see whether it kills the process
 * must be alone in all of the process, or the neighbours of the killer would be blamed for it. One for each host.
 */
export class UserCodeGate {
  /** How many killers have been found in this process: whoever looks for one as well may stop looking. */
  killersFound = 0;
  #inside = 0;
  #isTaken = false;
  #waiting: (() => void)[] = [];
  #alone: Promise<unknown> = Promise.resolve();

  /** Does somebody want to be, or is somebody, alone. Whoever is inside should come out soon. */
  get isWanted(): boolean {
    return this.#isTaken;
  }

  /** To run user code beside others; {@link leave} it when the code has ended. Undefined: at once. */
  enter(signal: AbortSignal): Promise<void> | undefined {
    if (this.#isTaken) return unlessAborted(this.#change(), signal).then(() => this.enter(signal));
    this.#inside++;
    return undefined;
  }

  leave(): void {
    this.#inside--;
    this.#notify();
  }

  /** Runs `action` while no other user code runs. Those who want that come one after the other. */
  alone<T>(action: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const running = this.#alone.then(() => this.#whenEmpty(action, signal));
    this.#alone = running.catch(() => undefined);
    return running;
  }

  async #whenEmpty<T>(action: () => Promise<T>, signal: AbortSignal): Promise<T> {
    this.#isTaken = true;
    try {
      while (this.#inside > 0) await unlessAborted(this.#change(), signal);
      return await action();
    } finally {
      this.#isTaken = false;
      this.#notify();
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #notify(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
