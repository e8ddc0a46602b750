import { describe, expect, it } from '@jest/globals';
import { binaryCloudEvent, isBinaryCloudEvent, parseEvent } from './index.js';

const RECEIVED = { receivedMs: 1_000 };
const ISO = '2026-01-31T12:00:00.250Z';
const TIME_MS = Date.parse(ISO);
const parse = (value: unknown): unknown => parseEvent(value, RECEIVED);
const CLOUD_EVENT = {
  specversion: '1.0',
  id: '7',
  source: '/shop',
  type: 'com.example.paid',
  data: { total: 5 },
};

describe('an event', () => {
  it.each([
    [
      'flat',
      { id: 'a', time: ISO, path: '/', key: 'k' },
      { id: 'a', timeMs: TIME_MS, data: { path: '/', key: 'k' } },
    ],
    ['flat, with timestamp', { timestamp: TIME_MS, path: '/' }, { timeMs: TIME_MS, data: { path: '/' } }],
    ['flat, bare', { path: '/' }, { timeMs: 1_000, data: { path: '/' } }],
    ['flat, with a number as id', { id: 17, path: '/' }, { id: '17', timeMs: 1_000, data: { path: '/' } }],
    [
      'flat, with a field data',
      { path: '/', data: { a: 1 } },
      { timeMs: 1_000, data: { path: '/', data: { a: 1 } } },
    ],
    [
      'envelope',
      { id: 'a', time: ISO, key: 'k', type: 'x@1', data: { path: '/' } },
      { id: 'a', timeMs: TIME_MS, key: 'k', type: 'x@1', data: { path: '/' } },
    ],
    ['envelope, bare', { id: null, time: null, data: { id: 'b' } }, { timeMs: 1_000, data: { id: 'b' } }],
    [
      'CloudEvent',
      { ...CLOUD_EVENT, time: ISO, partitionkey: 'k' },
      { id: '/shop#7', timeMs: TIME_MS, key: 'k', data: { total: 5 } },
    ],
    [
      'CloudEvent, encoded',
      { ...CLOUD_EVENT, data: undefined, data_base64: Buffer.from('{"total":5}').toString('base64') },
      { id: '/shop#7', timeMs: 1_000, data: { total: 5 } },
    ],
  ])('may be %s', (_, value, wanted) => {
    expect(parse(value)).toEqual({ kind: 'parsed', ...wanted });
  });

  it.each([
    [5, 'EVENT_NOT_OBJECT', '', undefined],
    [null, 'EVENT_NOT_OBJECT', '', undefined],
    [[], 'EVENT_NOT_OBJECT', '', undefined],
    [{ id: '' }, 'ID_INVALID', '/id', undefined],
    [{ id: 1.5 }, 'ID_INVALID', '/id', undefined],
    [{ id: 'x'.repeat(513) }, 'ID_INVALID', '/id', undefined],
    [{ id: 'a', time: '2026-01-31T12:00:00' }, 'TIME_INVALID', '/time', 'a'],
    [{ id: 'a', timestamp: '2026-02-30T12:00:00Z' }, 'TIME_INVALID', '/timestamp', 'a'],
    [{ id: 'a', time: 9e15 }, 'TIME_INVALID', '/time', 'a'],
    [{ id: 'a', time: {} }, 'TIME_INVALID', '/time', 'a'],
    [{ id: 'a', key: {}, data: {} }, 'KEY_INVALID', '/key', 'a'],
    [{ ...CLOUD_EVENT, specversion: '0.3' }, 'CLOUD_EVENT_INVALID', '/specversion', '/shop#7'],
    [{ ...CLOUD_EVENT, source: undefined }, 'CLOUD_EVENT_INVALID', '/source', '7'],
    [{ ...CLOUD_EVENT, data: 'text' }, 'EVENT_DATA_INVALID', '/data', '/shop#7'],
    [{ ...CLOUD_EVENT, data_base64: '???' }, 'EVENT_DATA_INVALID', '/data_base64', '/shop#7'],
    [{ ...CLOUD_EVENT, data_base64: 5 }, 'EVENT_DATA_INVALID', '/data_base64', '/shop#7'],
  ])('is refused with code, place and, where there is one, its id: %j', (value, code, path, id) => {
    const rejected = parse(value);
    expect(rejected).toMatchObject({ kind: 'rejected', code, path });
    expect((rejected as { id?: string }).id).toBe(id);
  });

  it('says what was found, also where it is no JSON', () => {
    const reasonOf = (value: unknown): string => (parse(value) as { reason: string }).reason;
    const text = { ...CLOUD_EVENT, data: undefined, data_base64: Buffer.from('<a/>').toString('base64') };
    expect(reasonOf(text)).toBe('/data_base64 is "PGEvPg=="; it must be the base64 of a JSON object');
    expect(reasonOf({ id: 2 ** 53 })).toContain('or a whole number up to 9007199254740991');
    expect(reasonOf({ time: Infinity })).toContain('/time is Infinity');
  });

  it('without specversion is a broken CloudEvent where it was said to be one', () => {
    const value = { ...CLOUD_EVENT, specversion: undefined, data: { id: 'x' } };
    expect(parseEvent(value, { ...RECEIVED, isCloudEvent: true })).toMatchObject({
      code: 'CLOUD_EVENT_INVALID',
      path: '/specversion',
      reason: '/specversion is missing; it must be "1.0"',
    });
    expect(isBinaryCloudEvent({ 'ce-id': '7' })).toBe(true);
  });

  it('may have its attributes in headers', () => {
    const headers = {
      'content-type': 'application/json',
      ...{ 'ce-specversion': '1.0', 'ce-id': 'a%20b', 'ce-source': '/100%', 'ce-type': 't', 'ce-time': ISO },
    };
    expect(isBinaryCloudEvent(headers)).toBe(true);
    expect(isBinaryCloudEvent({ 'content-type': 'application/json' })).toBe(false);
    expect(parse(binaryCloudEvent(headers, { total: 5 }))).toEqual({
      kind: 'parsed',
      id: '/100%#a b',
      timeMs: TIME_MS,
      data: { total: 5 },
    });
  });
});
