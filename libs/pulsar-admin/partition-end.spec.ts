import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { entriesAfter, parseMessageId } from './partition-end.js';

/** Ledgers with ids that ascend; the last one is open, and the broker has not counted its entries. */
const partitions = fc
  .array(fc.record({ gap: fc.integer({ min: 1, max: 5 }), entries: fc.integer({ min: 0, max: 6 }) }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((drawn) => {
    let ledgerId = 0;
    const counted = drawn.map(({ gap, entries }) => ({ ledgerId: (ledgerId += gap), entries, size: 0 }));
    const open = counted.at(-1)!;
    const stats = {
      lastConfirmedEntry: `${open.ledgerId}:${open.entries - 1}`,
      ledgers: counted.map((each) => (each === open ? { ...each, entries: 0 } : each)),
    };
    const places = counted.flatMap(({ ledgerId: id, entries }) =>
      Array.from({ length: entries }, (_, entryId) => ({ ledgerId: id, entryId })),
    );
    return { stats, places };
  });

describe('entries behind a place', () => {
  test('are those that a walk over all of them finds', () => {
    fc.assert(
      fc.property(
        partitions,
        fc.integer({ min: -1, max: 40 }),
        fc.integer({ min: -1, max: 8 }),
        (found, l, e) => {
          const behind = found.places.filter(
            ({ ledgerId, entryId }) => ledgerId > l || (ledgerId === l && entryId > e),
          );
          expect(entriesAfter(found.stats, { ledgerId: l, entryId: e })).toBe(behind.length);
        },
      ),
    );
  });

  test('a place is read as Pulsar writes it', () => {
    expect(parseMessageId('12:-1')).toEqual({ ledgerId: 12, entryId: -1 });
    expect(() => parseMessageId('latest')).toThrow(RangeError);
  });
});
