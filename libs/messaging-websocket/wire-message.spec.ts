import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { OutgoingMessage } from '#libs/messaging';
import { decodeDelivery, encodeSend, parseTime, type WireMessage } from './wire-message.js';

const PLACE = { topic: 't', partition: 1, position: [1, 2, 0, 0] } as const;
const MAX_TIME_MS = 8.64e15;

/** As the broker gives back what it was sent. */
function returned(message: OutgoingMessage, producerName = 'p'): WireMessage {
  const { payload, properties, key, eventTime } = JSON.parse(
    encodeSend(message, producerName, '7'),
  ) as WireMessage;
  return {
    messageId: '',
    publishTime: '2026-11-22T10:20:40.18Z',
    ...(payload === undefined ? {} : { payload }),
    ...(properties === undefined ? {} : { properties }),
    ...(key === undefined ? {} : { key }),
    ...(eventTime === undefined || parseTime(eventTime) === 0 ? {} : { eventTime: javaTime(eventTime) }),
  };
}

/** Java leaves away what zeros JavaScript puts before a year, down to four digits, and after a fraction. */
function javaTime(text: string): string {
  return text
    .replace(/^([+-])0*(\d{4,})-/, '$1$2-')
    .replace(/\.(\d*?)0*Z$/, (_, digits: string) => (digits === '' ? 'Z' : `.${digits}Z`));
}

describe('a message', () => {
  it('comes back as it was sent', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.option(fc.string(), { nil: undefined }),
        fc.option(fc.integer({ min: -MAX_TIME_MS, max: MAX_TIME_MS }), { nil: undefined }),
        fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }),
        fc.option(fc.maxSafeNat(), { nil: undefined }),
        (payload, key, eventTimeMs, properties, sequenceId) => {
          const message = {
            payload,
            properties,
            ...(key === undefined ? {} : { key }),
            ...(eventTimeMs === undefined ? {} : { eventTimeMs }),
            ...(sequenceId === undefined ? {} : { sequenceId }),
          };
          const delivery = decodeDelivery(returned(message), PLACE);
          expect(Buffer.from(delivery.payload).equals(payload)).toBe(true);
          expect(delivery).toMatchObject({ ...PLACE, ...message, payload: delivery.payload });
          expect(delivery.properties).toEqual(properties);
          expect('key' in delivery).toBe(key !== undefined);
          expect('eventTimeMs' in delivery).toBe(eventTimeMs !== undefined);
          expect(delivery.producerName).toBe(sequenceId === undefined ? undefined : 'p');
        },
      ),
    );
  });

  it('whose own properties say who numbered it carries nothing more', () => {
    const properties = { 'millrace-producer': 'web/local/1', 'millrace-seq': '41' };
    const wire = returned({ payload: Buffer.from('x'), sequenceId: 41, properties }, 'web/local/1');
    expect(wire.properties).toEqual(properties);
    expect(decodeDelivery(wire, PLACE)).toMatchObject({
      producerName: 'web/local/1',
      sequenceId: 41,
      properties,
    });
  });

  it('from before 1970 carries its time as the native client writes and reads it', () => {
    const message = { payload: Buffer.from('x'), eventTimeMs: -86_400_000 };
    const { eventTime, properties } = returned(message);
    expect(parseTime(eventTime)).toBe(-86_400_000);
    expect(properties).toEqual({ 'millrace-event-time': '-86400000' });
    const fromNative = { messageId: '', publishTime: '', properties: { 'millrace-event-time': '-1' } };
    expect(decodeDelivery(fromNative, PLACE)).toMatchObject({ eventTimeMs: -1, properties: {} });
  });

  it('of somebody else has no number where its property is none', () => {
    const wire = { messageId: '', publishTime: '', properties: { 'millrace-seq': '1e3' } };
    expect(decodeDelivery(wire, PLACE).sequenceId).toBeUndefined();
  });
});

describe('a time', () => {
  it.each([
    ['2026-11-22T10:20:40.18Z', Date.UTC(2026, 10, 22, 10, 20, 40, 180)],
    ['2026-11-22T10:20:40Z', Date.UTC(2026, 10, 22, 10, 20, 40)],
    ['1960-01-01T00:00:00.123Z', Date.UTC(1960, 0, 1, 0, 0, 0, 123)],
    ['-0001-01-01T00:00:00.123Z', Date.parse('-000001-01-01T00:00:00.123Z')],
    ['+12345-01-01T00:00:00.123Z', Date.parse('+012345-01-01T00:00:00.123Z')],
    ['+275760-09-13T00:00:00Z', MAX_TIME_MS],
    ['-271821-04-20T00:00:00Z', -MAX_TIME_MS],
    ['yesterday', undefined],
    [undefined, undefined],
  ])('is read as a 4.0.7 writes it: %s', (text, expected) => {
    expect(parseTime(text)).toBe(expected);
  });
});
