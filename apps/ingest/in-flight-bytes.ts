interface Waiter {
  readonly belowBytes: number;
  readonly resume: () => void;
}

/** How many bytes have been taken in but are not stored yet. */
export class InFlightBytes {
  #total = 0;
  #waiters: Waiter[] = [];

  get total(): number {
    return this.#total;
  }

  add(bytes: number): void {
    this.#total += bytes;
  }

  release(bytes: number): void {
    this.#total -= bytes;
    if (this.#waiters.length === 0) return;
    const resumed = this.#waiters.filter(({ belowBytes }) => this.#total < belowBytes);
    this.#waiters = this.#waiters.filter(({ belowBytes }) => this.#total >= belowBytes);
    for (const { resume } of resumed) resume();
  }

  /** Resolves as soon as less than this is in flight, > 0. */
  async untilBelow(belowBytes: number): Promise<void> {
    if (this.#total < belowBytes) return;
    await new Promise<void>((resume) => this.#waiters.push({ belowBytes, resume }));
  }
}
