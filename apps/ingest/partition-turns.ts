import type { FramePublisher } from './frame-publisher.js';

/**
 * Whose turn it is among the partitions for what may go to any: the one that has had the fewest events that way, so that all have had
 * as many as the others, however many come at a time.
 */
export class PartitionTurns {
  readonly #taken: number[];
  #present = 0;

  constructor(readonly publishers: readonly FramePublisher[]) {
    this.#taken = publishers.map(() => 0);
  }

  /** The one behind the last that had its turn goes first among equals. */
  next(): FramePublisher | undefined {
    const { length } = this.#taken;
    let fewest = (this.#present + 1) % length;
    for (let step = 2; step <= length; step++) {
      const at = (this.#present + step) % length;
      if (this.#taken[at]! < this.#taken[fewest]!) fewest = at;
    }
    this.#present = fewest;
    return this.publishers[fewest];
  }

  /** Whose turn it was has taken so many. */
  took(events: number): void {
    this.#taken[this.#present]! += events;
  }
}
