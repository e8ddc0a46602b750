import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeEntry, encodeEntry } from './log-entry.js';

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
