// Chance that is the same for the same seed, whatever the machine.

export class SeededRandom {
  #state;

  /** @param seed a whole number; @param purpose the same seed gives other numbers for another purpose */
  constructor(seed, purpose = '') {
    let state = (seed ^ 0x9e3779b9) >>> 0;
    for (const char of purpose) state = Math.imul(state ^ char.codePointAt(0), 0x01000193) >>> 0;
    this.#state = state;
  }

  /** In [0, 1). (mulberry32) */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Whole, in [least, most]. */
  between(least, most) {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  isTrue(probability) {
    return this.next() < probability;
  }

  pick(list) {
    return list[this.between(0, list.length - 1)];
  }

  shuffled(list) {
    const result = [...list];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.between(0, i);
      [result[i], result[j]] = [result[j], result[i]];
    }
    return result;
  }
}
