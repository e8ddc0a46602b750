import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { NativeMessage } from './native-client.js';
import { deliveryOf, nativeMessage } from './wire-properties.js';

const PLACE = { position: [1, 2, 0, 0], batchSize: 1 } as const;
const FROM = { topic: 't', partition: 0 };

function arrived(properties: Readonly<Record<string, string>>, eventTimestamp: number): NativeMessage {
  return {
    getProperties: () => properties,
    getData: () => Buffer.from('x'),
    getMessageId: () => ({ serialize: () => Buffer.alloc(0) }),
    getPublishTimestamp: () => 1,
    getEventTimestamp: () => eventTimestamp,
    getPartitionKey: () => '',
    getProducerName: () => 'p',
  };
}

/** What the client makes of a time from before 1970 that is stored as one. */
function unsigned(timeMs: number): number {
  return Number(BigInt.asUintN(64, BigInt(timeMs)));
}

describe('an event time', () => {
  it('comes back as it was sent', () => {
    const times = fc.integer({ min: -8.64e15, max: 8.64e15 });
    fc.assert(
      fc.property(fc.oneof(times, fc.constant(0)), (eventTimeMs) => {
        const sent = nativeMessage({ payload: Buffer.from('x'), eventTimeMs }, 'p');
        const message = arrived({ ...sent.properties }, sent.eventTimestamp ?? 0);
        expect(deliveryOf(message, PLACE, FROM)).toMatchObject({ eventTimeMs, properties: {} });
      }),
    );
  });

  it('from before 1970 is read as messaging-websocket sends it: as a time, and as a property', () => {
    const message = arrived({ 'millrace-event-time': '-86400000' }, unsigned(-86_400_000));
    expect(deliveryOf(message, PLACE, FROM)).toMatchObject({ eventTimeMs: -86_400_000, properties: {} });
  });

  it('that no Date can say is none', () => {
    expect('eventTimeMs' in deliveryOf(arrived({}, unsigned(-1)), PLACE, FROM)).toBe(false);
  });
});
