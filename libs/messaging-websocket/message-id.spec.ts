import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeMessageId, encodeMessageId, type MessageIdParts, positionOf } from './message-id.js';

interface OtherField {
  readonly field: number;
  readonly wireType: number;
  readonly bytes: readonly number[];
}

const NUMBER = fc.maxSafeNat();
const SMALL = fc.nat({ max: 2 ** 31 - 1 });
/** Fields that later versions may add, or that say nothing of the place. */
const OTHER_FIELD: fc.Arbitrary<OtherField> = fc.oneof(
  fc.record({
    field: fc.constantFrom(5, 9, 200),
    wireType: fc.constant(0),
    bytes: fc.constant([0x96, 0x01]),
  }),
  fc.record({ field: fc.constantFrom(7, 31), wireType: fc.constant(2), bytes: fc.constant([2, 8, 5]) }),
  fc.record({
    field: fc.constant(12),
    wireType: fc.constant(1),
    bytes: fc.constant([1, 2, 3, 4, 5, 6, 7, 8]),
  }),
  fc.record({ field: fc.constant(13), wireType: fc.constant(5), bytes: fc.constant([1, 2, 3, 4]) }),
);

/** A varint, digit by digit in base 128. */
function slowVarint(value: bigint): number[] {
  const digits: number[] = [];
  for (let rest = value; digits.length === 0 || rest > 0n; rest /= 128n) digits.push(Number(rest % 128n));
  return digits.map((digit, i) => (i === digits.length - 1 ? digit : digit + 128));
}

function slowEncode(parts: MessageIdParts, others: readonly OtherField[]): string {
  const field = (number: number, value: number): number[] => [
    ...slowVarint(BigInt(number) * 8n),
    // A negative int32 is written as the 64 bits of its two's complement.
    ...slowVarint(value < 0 ? 2n ** 64n + BigInt(value) : BigInt(value)),
  ];
  const bytes = [
    ...others.flatMap((other) => [...slowVarint(BigInt(other.field * 8 + other.wireType)), ...other.bytes]),
    ...field(1, parts.ledgerId),
    ...field(2, parts.entryId),
    ...field(4, parts.batchIndex),
    ...field(6, parts.batchSize),
  ];
  return Buffer.from(bytes).toString('base64');
}

describe('a message id', () => {
  it('is read as protobuf writes it, whatever else it holds', () => {
    fc.assert(
      fc.property(
        fc.record({
          ledgerId: NUMBER,
          entryId: NUMBER,
          batchIndex: fc.oneof(fc.constant(-1), SMALL),
          batchSize: SMALL,
        }),
        fc.array(OTHER_FIELD, { maxLength: 4 }),
        (parts, others) => expect(decodeMessageId(slowEncode(parts, others))).toEqual(parts),
      ),
    );
  });

  it('is written so that it is read the same', () => {
    fc.assert(
      fc.property(NUMBER, NUMBER, SMALL, (ledgerId, entryId, batchIndex) => {
        expect(decodeMessageId(encodeMessageId({ ledgerId, entryId, batchIndex }))).toEqual({
          ledgerId,
          entryId,
          batchIndex,
          batchSize: 0,
        });
      }),
    );
  });

  it.each([
    ['one message', 'CAUQABgAMAA=', { ledgerId: 5, entryId: 0, batchIndex: -1, batchSize: 0 }],
    [
      'the last of a batch of four',
      'CCAQABgAIAMwBA==',
      { ledgerId: 32, entryId: 0, batchIndex: 3, batchSize: 4 },
    ],
    [
      'what the broker dropped',
      'CP///////////wEQ////////////AQ==',
      { ledgerId: -1, entryId: -1, batchIndex: -1, batchSize: 0 },
    ],
  ])('of a 4.0.7 is read: %s', (_what, text, parts) => {
    expect(decodeMessageId(text)).toEqual(parts);
  });

  it.each([
    ['nothing', ''],
    ['half a number', 'CIA='],
    ['no entry', 'CAU='],
    ['a number that is not exact', encodeBig()],
    ['a field that ends too early', 'CAUQABoF'],
  ])('is refused: %s', (_what, text) => {
    expect(() => decodeMessageId(text)).toThrow(RangeError);
  });

  it('makes positions in which an entry of one message has the batch index 0', () => {
    expect(positionOf(decodeMessageId('CAUQABgAMAA='))).toEqual([5, 0, 0, 0]);
    expect(positionOf(decodeMessageId('CCAQABgAIAMwBA=='))).toEqual([32, 0, 3, 0]);
  });
});

function encodeBig(): string {
  return Buffer.from([8, ...slowVarint(2n ** 60n), 16, 1]).toString('base64');
}
