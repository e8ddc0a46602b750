import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject } from '#libs/kernel';
import { decodeFrame } from '#libs/messaging';
import { type EventMould, EventMoulds, type MouldedEvent } from './event-mould.js';
import { FrameLines } from './frame-lines.js';
import { encodeEvent } from './intake-item.js';

const PROCESS = 'ingest-1-';
const MAX_TIME_MS = 8_640_000_000_000_000;

describe('the lines of a frame', () => {
  it('are of a moulded event what printing it would give', () => {
    const id = fc.oneof(fc.nat(100), fc.maxSafeNat(), fc.string({ unit: 'grapheme' }));
    const timeMs = fc.option(
      fc.oneof(
        fc.constantFrom(0, 9, 10, 999_999_999_999_999, 1e15, MAX_TIME_MS, -1, -MAX_TIME_MS),
        fc.integer({ min: -MAX_TIME_MS, max: MAX_TIME_MS }),
      ),
      { nil: undefined },
    );
    const data = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }));
    const one = fc.record({ id, timeMs, data });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 5 }), fc.nat(), (events, receivedMs) => {
        const place = { stream: 'web', type: 'web-request@1', receivedMs };
        const moulds = new EventMoulds(PROCESS);
        const lines = new FrameLines();
        const printed = events.map((event) => {
          const json = Buffer.from(JSON.stringify(event.data));
          const body = { timeMs: event.timeMs ?? NaN, json, from: 1, end: json.length - 1 };
          const bytes = added(lines, moulds.of(place), { id: event.id, body });
          const line = lineOf(event, receivedMs);
          expect(bytes).toBe(Buffer.byteLength(line));
          return JSON.parse(line) as unknown;
        });
        const { payload } = lines.encode({ v: 1, kind: 'raw' });
        expect(decodeFrame(payload, 'raw').items).toEqual(printed);
      }),
    );
  });

  /** A number is that of an id which is made here. */
  function added(
    lines: FrameLines,
    mould: EventMould,
    { id, body }: { id: number | string; body: MouldedEvent },
  ): number {
    if (typeof id === 'number') return lines.addMoulded(mould, body, id);
    return lines.addNamed({ id, idText: JSON.stringify(id).slice(1, -1), mould, event: body });
  }

  function lineOf(
    { id, timeMs, data }: { id: number | string; timeMs: number | undefined; data: JsonObject },
    receivedMs: number,
  ): string {
    return encodeEvent({
      id: typeof id === 'string' ? id : `${PROCESS}${id.toString(36)}`,
      stream: 'web',
      timeMs: timeMs ?? receivedMs,
      receivedMs,
      type: 'web-request@1',
      data,
    });
  }
});
