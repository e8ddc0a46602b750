import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { editDistance, nearName, wantedName } from './near-name.js';

/** The definition, without any table: letters inserted, removed, replaced, or swapped with their neighbour. */
function slowDistance(a: string, b: string): number {
  if (a === '' || b === '') return a.length + b.length;
  const same = a.at(-1) === b.at(-1);
  const ways = [
    slowDistance(a.slice(0, -1), b) + 1,
    slowDistance(a, b.slice(0, -1)) + 1,
    slowDistance(a.slice(0, -1), b.slice(0, -1)) + (same ? 0 : 1),
  ];
  const isSwap = a.length > 1 && b.length > 1 && a.at(-1) === b.at(-2) && a.at(-2) === b.at(-1);
  if (isSwap) ways.push(slowDistance(a.slice(0, -2), b.slice(0, -2)) + 1);
  return Math.min(...ways);
}

describe('the edit distance', () => {
  it('is what the definition says', () => {
    const words = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 5 });
    fc.assert(
      fc.property(words, words, (a, b) => {
        expect(editDistance(a, b)).toBe(slowDistance(a, b));
      }),
    );
  });
});

describe('a name that was meant', () => {
  it.each([
    ['partitons', 'partitions'],
    ['Enrich', 'enrich'],
    ['agregate', 'aggregate'],
    ['nonsense', undefined],
    ['x', undefined],
  ])('for %s is %s', (written, meant) => {
    expect(nearName(written, ['partitions', 'enrich', 'aggregate', 'y'])).toBe(meant);
  });

  it('is told beside all names', () => {
    expect(wantedName('tumblng', ['tumbling', 'offset'])).toBe(
      'one of tumbling, offset (did you mean tumbling?)',
    );
  });
});
