import type { Position } from '#libs/messaging';

/** An entry that a consumer has received whole. */
export interface Entry {
  readonly ledgerId: number;
  readonly entryId: number;
}

interface EntryRange {
  readonly ledgerId: number;
  first: number;
  last: number;
  /** Of the last message of each entry. */
  readonly lastBatchIndex: number;
}

/**
 * Entries that were received and not acknowledged, in ascending order. Entries of a ledger follow each other, so what is
 * kept is a few numbers, however many there are.
 */
export class EntryRanges {
  #ranges: EntryRange[] = [];

  /** @param lastBatchIndex of the entry's last message; 0 where the entry is one message */
  add({ ledgerId, entryId }: Entry, lastBatchIndex: number): void {
    const last = this.#ranges.at(-1);
    const follows = last?.ledgerId === ledgerId && last.last + 1 === entryId;
    if (follows && last.lastBatchIndex === lastBatchIndex) last.last = entryId;
    else this.#ranges.push({ ledgerId, first: entryId, last: entryId, lastBatchIndex });
  }

  /** Takes out the entries of which every message stands at or before the position, in order. */
  takeUpTo(position: Position): Entry[] {
    const taken: Entry[] = [];
    while (this.#ranges[0] !== undefined) {
      const range = this.#ranges[0];
      const end = lastWithin(range, position);
      for (let entryId = range.first; entryId <= end; entryId++) {
        taken.push({ ledgerId: range.ledgerId, entryId });
      }
      range.first = Math.max(range.first, end + 1);
      if (range.first <= range.last) break;
      this.#ranges.shift();
    }
    return taken;
  }

  clear(): void {
    this.#ranges = [];
  }
}

/** The last entry of a range that the position covers; below `first` if none. */
function lastWithin(range: EntryRange, [ledgerId, entryId, batchIndex]: Position): number {
  if (range.ledgerId < ledgerId) return range.last;
  if (range.ledgerId > ledgerId) return range.first - 1;
  return Math.min(range.last, batchIndex >= range.lastBatchIndex ? entryId : entryId - 1);
}
