import { describe, expect, it } from '@jest/globals';
import { type Delivery, publicMessage } from '#libs/messaging';
import { readEvent } from './incoming-event.js';

function delivery(payload: string | Uint8Array, properties: Record<string, string> = {}): Delivery {
  return {
    ...{ topic: 'persistent://public/default/web.x', partition: 2, position: [7, 8, 0, 0] },
    ...{ payload: Buffer.from(payload), properties, publishTimeMs: 5 },
  };
}

describe('a message is read', () => {
  it('as a CloudEvent in binary mode', () => {
    const { payload, properties, eventTimeMs } = publicMessage({
      ...{ id: 'a', source: '/s', type: 't', subject: 'about', timeMs: 1_000, key: 'k', data: { n: 1 } },
    });
    const event = readEvent({ ...delivery(payload, properties), eventTimeMs: eventTimeMs! }, 'json');
    expect(event).toEqual({
      attributes: { id: 'a', source: '/s', type: 't', subject: 'about', timeMs: 1_000 },
      data: { n: 1 },
    });
  });

  it('as a CloudEvent in structured mode, with data as JSON or bytes', () => {
    const structured = { 'content-type': 'application/cloudevents+json; charset=utf-8' };
    const event = { specversion: '1.0', id: 'b', source: '/s', type: 't', time: '1970-01-01T00:00:02Z' };
    const read = (more: object): unknown =>
      readEvent(delivery(JSON.stringify({ ...event, ...more }), structured), 'json');
    const attributes = { id: 'b', source: '/s', type: 't', timeMs: 2_000 };
    expect(read({ data: [1] })).toEqual({ attributes, data: [1] });
    expect(read({ data_base64: 'aGk=' })).toEqual({ attributes, data: Buffer.from('hi') });
  });

  it('as plain JSON, with its place as the id', () => {
    expect(readEvent(delivery('"text"'), 'json')).toEqual({
      attributes: { id: 'persistent://public/default/web.x/2/7:8:0:0' },
      data: 'text',
    });
  });

  it('as bytes where a handler wants them', () => {
    expect(readEvent(delivery('no json'), 'bytes').data).toEqual(Buffer.from('no json'));
  });

  it.each([
    ['no json', {}, 'it is not JSON'],
    ['{}', { 'content-type': 'application/vnd.millrace.frame+ndjson+zstd' }, 'it is a frame'],
    ['[]', { 'content-type': 'application/cloudevents+json' }, 'a CloudEvent is a JSON object'],
  ])('not at all: %s %j', (payload, properties, problem) => {
    expect(() => readEvent(delivery(payload, properties as Record<string, string>), 'json')).toThrow(problem);
  });
});
