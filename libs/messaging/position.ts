/**
 * Where a message stands in one partition of a topic. Totally ordered within the partition, never reused.
 * Callers compare and store positions; only adapters look inside. An adapter without batches or ledgers
 * uses 0 there. `part` counts the frames that were made from one message (see `covers` in frame.ts).
 */
export type Position = readonly [ledgerId: number, entryId: number, batchIndex: number, part: number];

/** Before every message. */
export const BEFORE_FIRST: Position = [-1, -1, -1, 0];

/** Negative: `a` stands before `b`; 0: the same place; positive: after. */
export function comparePositions(a: Position, b: Position): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || a[3] - b[3];
}
