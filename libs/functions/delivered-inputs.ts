import type { Position } from '#libs/messaging';

interface CommittedPositions {
  readonly commitSeq: number;
  readonly positions: ReadonlyMap<string, Position>;
}

/** The positions of commits whose delivery no later commit has noted yet; inputs are acknowledged only up to those that are. */
export class DeliveredInputs {
  /** Deliveries up to this commit are noted in the store. */
  #noted: number;
  /** Oldest first. */
  readonly #open: CommittedPositions[] = [];

  constructor(deliveredCommitSeq: number) {
    this.#noted = deliveredCommitSeq;
  }

  /** A commit has moved the positions. */
  add(commitSeq: number, positions: ReadonlyMap<string, Position>): void {
    this.#open.push({ commitSeq, positions: new Map(positions) });
  }

  /** Would another commit note something that lets inputs be acknowledged. */
  isNoteDue(deliveredCommitSeq: number): boolean {
    return deliveredCommitSeq > this.#noted && this.#open.length > 0;
  }

  /** A commit has noted it; gives the positions to acknowledge, if that is news. */
  note(deliveredCommitSeq: number): ReadonlyMap<string, Position> | undefined {
    this.#noted = deliveredCommitSeq;
    let last: CommittedPositions | undefined;
    while (this.#open[0] !== undefined && this.#open[0].commitSeq <= deliveredCommitSeq)
      last = this.#open.shift();
    return last?.positions;
  }
}
