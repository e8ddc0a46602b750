import { murmur3 } from '#libs/kernel';

/**
 * Chance that repeats: the same seed gives the same numbers on every machine. For plausible samples, not for
 * secrets.
 *
 * Source: sfc32 of PractRand by Chris Doty-Humphrey (public domain).
 */
export class SeededRandom {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed any text; texts that differ give numbers that have nothing to do with each other */
  constructor(seed: string) {
    this.#a = murmur3(seed, 1) | 0;
    this.#b = murmur3(seed, 2) | 0;
    this.#c = murmur3(seed, 3) | 0;
    // The first numbers still show the seed.
    for (let i = 0; i < 12; i++) this.next();
  }

  /** 0 ≤ number < 1 */
  next(): number {
    const mixed = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + mixed) | 0;
    return (mixed >>> 0) / 2 ** 32;
  }

  /** A whole number, 0 ≤ number < `bound`. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** A number, `from` ≤ number < `to`. */
  between(from: number, to: number): number {
    return from + this.next() * (to - from);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** @throws RangeError for an empty list */
  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  /** Each as likely as its weight, > 0, is large. @throws RangeError for an empty list */
  weighted<T>(items: readonly (readonly [item: T, weight: number])[]): T {
    let left = this.next() * items.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [item, weight] of items) {
      left -= weight;
      if (left < 0) return item;
    }
    const last = items.at(-1);
    if (last === undefined) throw new RangeError('nothing to pick from');
    return last[0];
  }

  /** Normal distribution, mean 0, deviation 1 (Box and Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  /** What times of answers look like: half below `median`, a long tail that grows with `sigma`. */
  logNormal(median: number, sigma: number): number {
    return median * Math.exp(sigma * this.normal());
  }

  /** How many of something happen where `mean` are usual. */
  count(mean: number): number {
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * this.normal()));
  }
}
