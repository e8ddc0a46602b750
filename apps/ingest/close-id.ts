import type { Clock } from '#libs/kernel';

const TIME_DIGITS = 12;

/** Makes ids of closes: UUIDs of version 7 (RFC 9562), which sort by the time they were made, in one process strictly. */
export class CloseIds {
  #lastMs = -Infinity;

  constructor(
    private readonly clock: Clock,
    private readonly randomUuid: () => string,
  ) {}

  next(): string {
    this.#lastMs = Math.max(this.clock.nowMs(), this.#lastMs + 1);
    const time = this.#lastMs.toString(16).padStart(TIME_DIGITS, '0');
    // A random UUID is of version 4: the time takes the place of its first half.
    return `${time.slice(0, 8)}-${time.slice(8)}-7${this.randomUuid().slice(15)}`;
  }
}

/** Is `closeId` the same close as `than`, or one that was made later. */
export function isSameOrLater(closeId: string, than: string): boolean {
  return closeId === than || closeId.slice(0, TIME_DIGITS + 1) > than.slice(0, TIME_DIGITS + 1);
}
