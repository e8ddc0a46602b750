import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PrintedNumber } from './printed-number.js';

describe('a printed number', () => {
  it('becomes what fits, and stands there as it would be printed', () => {
    const values = fc.array(
      fc.oneof(fc.nat(40), fc.maxSafeNat(), fc.integer({ min: 1_780_000_000_000, max: 1_780_000_001_100 })),
      { minLength: 1, maxLength: 20 },
    );
    let became = 0;
    fc.assert(
      fc.property(fc.constantFrom<10 | 36>(10, 36), values, (base, [first = 0, ...others]) => {
        const number = new PrintedNumber(base);
        const bytes = Buffer.from(`before${first.toString(base)}behind`);
        number.standsIn(bytes, bytes.length - 'behind'.length, first);
        for (const value of others.filter((each) => number.fits(each))) {
          number.become(value);
          expect(bytes.toString()).toBe(`before${value.toString(base)}behind`);
          became++;
        }
      }),
    );
    expect(became).toBeGreaterThan(100);
  });

  it('fits every value with as many digits that is near enough, and no other', () => {
    const number = new PrintedNumber(10);
    expect(number.fits(0)).toBe(false);
    number.standsIn(Buffer.from('7'), 1, 7);
    expect([-1, 0, 9, 10].map((value) => number.fits(value))).toEqual([false, true, true, false]);
    number.standsIn(Buffer.from('1780000000000'), 13, 1_780_000_000_000);
    expect(
      [999_999_999_999, 1_780_999_999_999, 1_779_999_999_999, 1_790_000_000_000].map((value) =>
        number.fits(value),
      ),
    ).toEqual([false, true, true, false]);
  });

  it('stays what it is where it is negative', () => {
    const number = new PrintedNumber(10);
    number.standsIn(Buffer.from('-5'), 2, -5);
    expect([-5, -4, 5].map((value) => number.fits(value))).toEqual([false, false, false]);
  });
});
