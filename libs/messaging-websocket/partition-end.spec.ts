import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Position } from '#libs/messaging';
import { entriesBehind, entryBeforeTail, lastEntryOf } from './partition-end.js';

/** Ledgers with so many entries of ten bytes; the last one is open, and shows none of them. */
const LEDGERS = fc.array(fc.nat({ max: 6 }), { minLength: 1, maxLength: 5 });

function statsOf(counts: readonly number[]): Parameters<typeof entryBeforeTail>[0] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const last = counts.findLastIndex((count) => count > 0);
  const openIsEmpty = counts.at(-1) === 0;
  return {
    // As the broker does, which looks for the last message behind an empty ledger.
    lastConfirmedEntry:
      last < 0 ? `${counts.length * 10}:-1` : `${(last + 1) * 10}:${(counts[last] ?? 0) - 1}`,
    numberOfEntries: total,
    totalSize: total * 10,
    ledgers: counts.map((entries, i) => {
      const isOpen = i === counts.length - 1 && !openIsEmpty;
      return { ledgerId: (i + 1) * 10, entries: isOpen ? 0 : entries, size: isOpen ? 0 : entries * 10 };
    }),
  };
}

/** Every entry, one by one. */
function entriesOf(counts: readonly number[]): (readonly [number, number])[] {
  return counts.flatMap((count, i) =>
    Array.from({ length: count }, (_, entryId) => [(i + 1) * 10, entryId] as const),
  );
}

function isAfter([ledgerId, entryId]: readonly [number, number], [ledger, entry]: Position): boolean {
  return ledgerId > ledger || (ledgerId === ledger && entryId > entry);
}

describe('the end of a partition', () => {
  it('is as many entries away as there are behind a place', () => {
    fc.assert(
      fc.property(
        LEDGERS,
        fc.integer({ min: -1, max: 60 }),
        fc.integer({ min: -1, max: 8 }),
        (counts, ledger, entry) => {
          const position: Position = [ledger, entry, 0, 0];
          const expected = entriesOf(counts).filter((each) => isAfter(each, position)).length;
          expect(entriesBehind(statsOf(counts), position)).toBe(expected);
        },
      ),
    );
  });

  it('is the last entry that is stored', () => {
    fc.assert(
      fc.property(LEDGERS, (counts) => {
        const [ledgerId, entryId] = entriesOf(counts).at(-1) ?? [-1, -1];
        expect(lastEntryOf(statsOf(counts))).toEqual({ ledgerId, entryId });
      }),
    );
  });

  it('has a tail of so many entries and bytes', () => {
    fc.assert(
      fc.property(LEDGERS, fc.nat({ max: 20 }), fc.nat({ max: 200 }), (counts, maxEntries, maxBytes) => {
        const stats = statsOf(counts);
        const before = entryBeforeTail(stats, { maxEntries, maxBytes });
        const wanted = Math.min(maxEntries, Math.floor(maxBytes / 10));
        const inTail =
          before === undefined
            ? entriesOf(counts).length
            : entriesBehind(stats, [before.ledgerId, before.entryId, 0, 0]);
        expect(inTail).toBe(Math.min(wanted, entriesOf(counts).length));
      }),
    );
  });
});
