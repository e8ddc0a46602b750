/** Counts, and tells when so many have been counted: for tests that wait for something to happen. */
export class Tally {
  #count = 0;
  #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  get count(): number {
    return this.#count;
  }

  add(amount = 1): void {
    this.#count += amount;
    for (const { count, resolve } of this.#waiting) if (this.#count >= count) resolve();
    this.#waiting = this.#waiting.filter(({ count }) => this.#count < count);
  }

  async until(count: number): Promise<void> {
    if (this.#count >= count) return;
    await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
  }
}
