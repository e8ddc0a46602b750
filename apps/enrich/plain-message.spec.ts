import { describe, expect, it } from '@jest/globals';
import type { Delivery } from '#libs/messaging';
import { shippedSchemas } from '#libs/schema';
import { OpenedStreams } from './opened-streams.js';
import { readPlainMessage } from './plain-message.js';

const WANTED = { eventType: 'web-request@1', schema: shippedSchemas().get('web-request@1')! };
const REQUEST = { method: 'GET', path: '/a', status: 200 };
const PLACE = 'persistent://p/n/web.raw/1/3:4:0:0';

function delivery(payload: unknown, parts: Partial<Delivery> = {}): Delivery {
  return {
    topic: 'persistent://p/n/web.raw',
    partition: 1,
    position: [3, 4, 0, 0],
    payload: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
    publishTimeMs: 5_000,
    properties: {},
    ...parts,
  };
}

describe('a single message of another producer', () => {
  it('is an event: in the stream messages, named after its place, of the time it was stored', () => {
    expect(readPlainMessage(delivery(REQUEST), WANTED)).toEqual({
      id: PLACE,
      stream: 'messages',
      timeMs: 5_000,
      receivedMs: 5_000,
      type: 'web-request@1',
      data: REQUEST,
    });
  });

  it('says more by its properties, its key and its event time', () => {
    const more = { properties: { 'millrace-stream': 'shop' }, key: 'k', eventTimeMs: -1 };
    expect(readPlainMessage(delivery(REQUEST, more), WANTED)).toMatchObject({
      stream: 'shop',
      key: 'k',
      timeMs: -1,
      receivedMs: 5_000,
    });
  });

  it('may be flat or an envelope with id and time of its own', () => {
    const time = '2026-01-31T12:00:00Z';
    const expected = { id: 'a', timeMs: Date.parse(time), data: REQUEST };
    expect(readPlainMessage(delivery({ id: 'a', time, ...REQUEST }), WANTED)).toMatchObject(expected);
    expect(readPlainMessage(delivery({ id: 'a', time, data: REQUEST }), WANTED)).toMatchObject(expected);
  });

  const ATTRIBUTES = {
    specversion: '1.0',
    id: '7',
    source: '/pipelines/web/streams/shop',
    type: 'com.example.request',
    time: '2026-01-31T12:00:00Z',
  };

  it.each([
    ['structured', delivery({ ...ATTRIBUTES, data: REQUEST })],
    [
      'binary',
      delivery(REQUEST, {
        properties: Object.fromEntries(
          Object.entries(ATTRIBUTES).map(([name, value]) => [`ce_${name}`, value]),
        ),
      }),
    ],
  ])('may be a CloudEvent, %s', (_mode, given) => {
    expect(readPlainMessage(given, WANTED)).toMatchObject({
      id: '/pipelines/web/streams/shop#7',
      stream: 'shop',
      timeMs: Date.parse('2026-01-31T12:00:00Z'),
      data: REQUEST,
    });
  });

  it.each([
    ['EVENT_NOT_OBJECT', delivery([1, 2])],
    ['EVENT_DATA_INVALID', delivery({ path: 7 })],
    ['TYPE_UNKNOWN', delivery({ type: 'order@1', data: REQUEST })],
    ['TIME_INVALID', delivery({ time: 'noon', ...REQUEST })],
    ['CLOUD_EVENT_INVALID', delivery({ specversion: '0.3', data: REQUEST })],
    ['STREAM_NAME_INVALID', delivery(REQUEST, { properties: { 'millrace-stream': 'No Such' } })],
    ['EVENT_TOO_LARGE', delivery({ ...REQUEST, more: 'x'.repeat(300_000) })],
    ['EVENT_TOO_DEEP', delivery(`{"path":"/a","more":${'['.repeat(70)}${']'.repeat(70)}}`)],
  ])('is dead with %s where it is no event of the pipeline', (code, given) => {
    const item = readPlainMessage(given, WANTED);
    expect(item).toMatchObject({ id: PLACE, stream: 'messages', dead: { code, stage: 'enrich' } });
  });

  it('is none where it is no JSON, or claims to be a frame', () => {
    const properties = { 'content-type': 'application/vnd.millrace.frame+ndjson' };
    expect(readPlainMessage(delivery('hello'), WANTED)).toBeUndefined();
    expect(readPlainMessage(delivery(REQUEST, { properties }), WANTED)).toBeUndefined();
  });
});

describe('a stream', () => {
  it('is opened by the first message that nobody has opened it for, once, over restarts too', async () => {
    const opened: string[] = [];
    const open = (stream: string): Promise<void> => Promise.resolve(void opened.push(stream));
    const streams = new OpenedStreams(open);
    streams.note([{ type: 'open', stream: 'by-ingest' }]);
    expect(streams.ensure('by-ingest')).toBeUndefined();
    await streams.ensure('shop');
    expect(streams.ensure('shop')).toBeUndefined();
    const again = new OpenedStreams(open);
    again.restore(new Map(streams.changes()) as ReadonlyMap<string, true>);
    expect(again.ensure('shop')).toBeUndefined();
    expect(opened).toEqual(['shop']);
  });
});
