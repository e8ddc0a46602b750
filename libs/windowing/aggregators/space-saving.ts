import type { JsonScalar } from '#libs/kernel';

// The most frequent values with a bounded number of counters.
// Sources: A. Metwally, D. Agrawal, A. El Abbadi, "Efficient computation of frequent and top-k elements in data
// streams", ICDT 2005, for adding; P. K. Agarwal and others, "Mergeable summaries", PODS 2012, for merging, in the
// form that keeps upper bounds.
//
// S1. A counted value occurred at most `count` and at least `count - error` times.
// S2. A value that is not counted occurred at most `uncounted` times, and error ≤ uncounted ≤ count.
// S3. uncounted ≤ all occurrences / capacity, after any adding and merging; 0 while nothing was left out.

export type Counted = Exclude<JsonScalar, null>;

export interface Counter {
  count: number;
  readonly error: number;
}

export class SpaceSaving {
  /** In the order of first counting: it decides which of the smallest goes, so it is part of the state. */
  readonly counters: Map<Counted, Counter>;
  readonly #capacity: number;
  #uncounted: number;
  /** Smallest counters, not yet gone: one search finds many. Some may have grown since. */
  #smallest: [Counted, number][] = [];

  /** @param capacity most counters, > 0 */
  constructor(capacity: number, counters = new Map<Counted, Counter>(), uncounted = 0) {
    this.#capacity = capacity;
    this.counters = counters;
    this.#uncounted = uncounted;
    this.#trim();
  }

  /** How often a value that is not counted may have occurred at most; 0: all values are counted, exactly. */
  get uncounted(): number {
    return this.#uncounted;
  }

  add(value: Counted): void {
    const counter = this.counters.get(value);
    if (counter !== undefined) {
      counter.count += 1;
      return;
    }
    if (this.counters.size >= this.#capacity) this.#dropSmallest();
    this.counters.set(value, { count: this.#uncounted + 1, error: this.#uncounted });
  }

  /** `other` is used up. */
  merge(other: SpaceSaving): void {
    const { counters } = this;
    // A value that only one side counts may have occurred on the other, uncounted.
    if (other.#uncounted > 0) {
      for (const [value, { count, error }] of counters) {
        if (other.counters.has(value)) continue;
        counters.set(value, { count: count + other.#uncounted, error: error + other.#uncounted });
      }
    }
    for (const [value, theirs] of other.counters) {
      const ours = counters.get(value) ?? { count: this.#uncounted, error: this.#uncounted };
      counters.set(value, { count: ours.count + theirs.count, error: ours.error + theirs.error });
    }
    this.#uncounted += other.#uncounted;
    this.#smallest = [];
    this.#trim();
  }

  /** Leaves the largest, and remembers the largest count that went. */
  #trim(): void {
    if (this.counters.size <= this.#capacity) return;
    const descending = [...this.counters].sort(([, a], [, b]) => b.count - a.count);
    for (const [value] of descending.slice(this.#capacity)) this.counters.delete(value);
    this.#uncounted = Math.max(this.#uncounted, descending[this.#capacity]![1].count);
  }

  #dropSmallest(): void {
    const [value, count] = this.#takeSmallest() ?? this.#findSmallest();
    this.counters.delete(value);
    this.#uncounted = Math.max(this.#uncounted, count);
  }

  #takeSmallest(): [Counted, number] | undefined {
    for (let next = this.#smallest.pop(); next !== undefined; next = this.#smallest.pop()) {
      if (this.counters.get(next[0])?.count === next[1]) return next;
    }
    return undefined;
  }

  /** All that share the smallest count. Taken from the end: the next search would find the same one next. */
  #findSmallest(): [Counted, number] {
    let least = Infinity;
    for (const { count } of this.counters.values()) if (count < least) least = count;
    for (const [value, { count }] of this.counters) if (count === least) this.#smallest.push([value, count]);
    return this.#smallest.pop()!;
  }
}
