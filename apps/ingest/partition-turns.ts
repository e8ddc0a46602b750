import type { FramePublisher } from './frame-publisher.js';

/** How many events a turn has at most. */
export const MAX_TURN_EVENTS = 32;

/**
 * Whose turn it is among the partitions for what may go to any: the one that has had the fewest events that way, so that all have had
 * as many as the others, however many come at a time. A turn ends with its frame, so that events that come one by one share frames,
 * and those that come seldom go to one partition after the other.
 */
export class PartitionTurns {
  readonly #taken: number[];
  #present = 0;
  #left = 0;

  constructor(readonly publishers: readonly FramePublisher[]) {
    this.#taken = publishers.map(() => 0);
  }

  /** The one behind the last that had its turn goes first among equals. */
  next(): FramePublisher | undefined {
    const present = this.publishers[this.#present];
    if (this.#left > 0 && present?.isFilling === true) return present;
    this.#left = MAX_TURN_EVENTS;
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
    this.#left -= events;
  }
}
