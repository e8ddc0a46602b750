import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeFields, encodeFields, messageIn, numberIn, textIn } from './protobuf.js';

describe('fields', () => {
  test('are written as the documentation of Protocol Buffers shows it', () => {
    expect(encodeFields([[1, 150]]).toString('hex')).toBe('089601');
    expect(encodeFields([[2, 'testing']]).toString('hex')).toBe('120774657374696e67');
    expect(encodeFields([[3, encodeFields([[1, 150]])]]).toString('hex')).toBe('1a03089601');
    expect(encodeFields([[1, -1]]).toString('hex')).toBe('08ffffffffffffffffff01');
    expect(encodeFields([[4, undefined]]).length).toBe(0);
  });

  test('come back as they were written', () => {
    const number = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(number, fc.string(), fc.integer({ min: 3, max: 1_000 }), (value, text, field) => {
        const nested = encodeFields([[field, text]]);
        const fields = decodeFields(
          encodeFields([
            [1, value],
            [2, nested],
          ]),
        );
        expect(BigInt.asIntN(64, fields.get(1) as bigint)).toBe(value);
        expect(textIn(messageIn(fields, 2), field)).toBe(text);
      }),
    );
  });

  test('that are absent are what the caller says', () => {
    const none = decodeFields(Buffer.alloc(0));
    expect(numberIn(none, 1, -1)).toBe(-1);
    expect(textIn(none, 1)).toBeUndefined();
    expect(messageIn(none, 1).size).toBe(0);
  });

  test('any other bytes are fields or a RangeError, and end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          decodeFields(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});
