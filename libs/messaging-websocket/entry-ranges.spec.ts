import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { comparePositions, type Position } from '#libs/messaging';
import { type Entry, EntryRanges } from './entry-ranges.js';

interface Received extends Entry {
  readonly lastBatchIndex: number;
}

/** Entries as a consumer receives them: ascending, in some ledgers, with holes and batches. */
const RECEIVED = fc
  .array(
    fc.record({
      skip: fc.nat({ max: 2 }),
      isNewLedger: fc.boolean(),
      lastBatchIndex: fc.constantFrom(0, 0, 0, 3),
    }),
    { maxLength: 30 },
  )
  .map((steps) => {
    let ledgerId = 1;
    let entryId = -1;
    return steps.map(({ skip, isNewLedger, lastBatchIndex }): Received => {
      ledgerId += isNewLedger ? 1 : 0;
      entryId = isNewLedger ? skip : entryId + 1 + skip;
      return { ledgerId, entryId, lastBatchIndex };
    });
  });
const POSITION = fc.tuple(fc.nat({ max: 12 }), fc.nat({ max: 20 }), fc.nat({ max: 4 }), fc.constant(0));

describe('entries that are not acknowledged', () => {
  it('are taken out once, in order, as soon as all their messages are covered', () => {
    fc.assert(
      fc.property(RECEIVED, fc.array(POSITION, { maxLength: 6 }), (received, positions) => {
        const ranges = new EntryRanges();
        for (const entry of received) ranges.add(entry, entry.lastBatchIndex);
        let rest = received;
        for (const position of positions) {
          const expected = rest.filter((entry) => isCovered(entry, position));
          rest = rest.filter((entry) => !isCovered(entry, position));
          expect(ranges.takeUpTo(position)).toEqual(
            expected.map(({ ledgerId, entryId }) => ({ ledgerId, entryId })),
          );
        }
      }),
    );
  });
});

function isCovered({ ledgerId, entryId, lastBatchIndex }: Received, position: Position): boolean {
  return comparePositions([ledgerId, entryId, lastBatchIndex, 0], position) <= 0;
}
