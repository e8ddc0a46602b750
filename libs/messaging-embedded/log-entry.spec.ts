import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { assertSealed, decodeEntry, encodeEntry, sealEntry } from './log-entry.js';

const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const message = fc.record(
  {
    payload: fc.uint8Array({ maxLength: 300 }),
    key: text,
    eventTimeMs: fc.integer(),
    properties: fc.dictionary(text, text, { noNullPrototype: true }),
    sequenceId: fc.nat(),
  },
  { requiredKeys: ['payload'] },
);

test('an entry is read as it was written', () => {
  fc.assert(
    fc.property(message, text, fc.nat(), (sent, producerName, publishTimeMs) => {
      const { payload, ...read } = decodeEntry(encodeEntry(sent, producerName, publishTimeMs));
      const { payload: sentPayload, ...rest } = sent;
      expect([...payload]).toEqual([...sentPayload]);
      expect(read).toEqual({ properties: {}, ...rest, producerName, publishTimeMs });
    }),
  );
});

test('an entry of another version is refused', () => {
  const value = encodeEntry({ payload: Buffer.from('x') }, 'p', 0);
  value[0] = 9;
  expect(() => decodeEntry(value)).toThrow(RangeError);
});

test('damage of one byte anywhere shows, and so does another place', () => {
  const flip = fc.integer({ min: 1, max: 255 });
  fc.assert(
    fc.property(message, fc.nat(99), fc.nat(), fc.nat(), flip, (sent, partition, id, at, by) => {
      const value = encodeEntry(sent, 'p', 0);
      sealEntry(value, [partition, id]);
      assertSealed(value, [partition, id]);
      expect(() => assertSealed(value, [partition, id + 1])).toThrow(RangeError);
      value[at % value.byteLength]! ^= by;
      expect(() => assertSealed(value, [partition, id])).toThrow(RangeError);
    }),
  );
  expect(() => assertSealed(Buffer.alloc(3), [0, 0])).toThrow(RangeError);
});
