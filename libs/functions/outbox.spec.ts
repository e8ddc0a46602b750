import { describe, expect, it } from '@jest/globals';
import { PRODUCER_PROPERTY, SEQUENCE_PROPERTY } from '#libs/messaging';
import { DataDamagedError, type ResultRow } from '#libs/storage';
import { decodeOutbox, encodeOutbox, OutboxBuilder } from './outbox.js';

const ROW: ResultRow = {
  pipeline: 'web',
  series: 'requests_per_minute',
  stream: 'demo',
  key: {},
  windowStartMs: -60_000,
  windowEndMs: 0,
  measures: { requests: 3 },
  revision: 0,
  task: 1,
};

function filled(sequences = new Map<string, number>()): OutboxBuilder {
  const builder = new OutboxBuilder('web/global/1', sequences);
  builder.row(ROW);
  builder.document({ collection: 'c', id: '1', timeMs: 0, fields: {}, body: { n: 1 } });
  builder.document({ collection: 'c', id: '1', timeMs: 0, fields: {}, body: { n: 2 } });
  builder.message('t', 0, { payload: Buffer.from([0, 255, 10]), key: 'k' });
  builder.message('t', 1, { payload: Buffer.from('é') });
  builder.message('t', 0, { payload: Buffer.alloc(0) });
  return builder;
}

describe('an outbox', () => {
  it('comes back from its bytes as it was', () => {
    const { outbox } = filled().take();
    const decoded = decodeOutbox(encodeOutbox(outbox), 'outbox');
    expect(decoded.rows).toEqual(outbox.rows);
    expect(decoded.documents).toEqual(outbox.documents);
    expect(
      decoded.messages.map(({ message }) => ({ ...message, payload: Buffer.from(message.payload) })),
    ).toEqual(outbox.messages.map(({ message }) => ({ ...message, payload: Buffer.from(message.payload) })));
  });

  it('numbers the messages of each target on its own, across commits', () => {
    const sequences = new Map<string, number>();
    const first = filled(sequences).take().outbox.messages;
    const second = filled(sequences).take().outbox.messages;
    const numbers = [...first, ...second].map(({ partition, message }) => [partition, message.sequenceId]);
    expect(numbers).toEqual([
      [0, 0],
      [1, 0],
      [0, 1],
      [0, 2],
      [1, 1],
      [0, 3],
    ]);
    expect(second[0]?.message.properties).toMatchObject({
      [PRODUCER_PROPERTY]: 'web/global/1',
      [SEQUENCE_PROPERTY]: '2',
    });
  });

  it('keeps only the last write of a document', () => {
    expect(
      filled()
        .take()
        .outbox.documents.map(({ body }) => body),
    ).toEqual([{ n: 2 }]);
  });

  it('is empty after it was taken', () => {
    const builder = filled();
    builder.take();
    expect(builder.isEmpty).toBe(true);
    expect(builder.bytes).toBe(0);
  });

  it('refuses bytes that were changed or cut off', () => {
    const bytes = encodeOutbox(filled().take().outbox);
    expect(() => decodeOutbox(bytes.subarray(0, bytes.length - 1), 'outbox')).toThrow(DataDamagedError);
    expect(() => decodeOutbox(bytes.subarray(0, 3), 'outbox')).toThrow(DataDamagedError);
    bytes[20] = bytes[20]! ^ 1;
    expect(() => decodeOutbox(bytes, 'outbox')).toThrow(DataDamagedError);
  });
});
