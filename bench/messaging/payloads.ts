import { decodeFrame, encodeFrame } from '#libs/messaging';

/** Events a frame. */
export const FRAME_EVENTS = 200;
/** Sends under way at once, of an adapter and of a bare loop alike: as many as enrich has, doubled. */
export const IN_FLIGHT = 128;
/** Acknowledged together, where the client can. */
export const ACKNOWLEDGED_TOGETHER = 64;

/** An event of about 180 bytes, as JSON. */
function event(i: number): string {
  return JSON.stringify({
    id: `bench-${i}`,
    stream: 'bench',
    timeMs: 1_795_330_800_000 + i,
    receivedMs: 1_795_330_800_120 + i,
    type: 'web-request@1',
    data: { method: 'GET', path: `/p/${i % 97}`, status: 200, bytes: 1_000 + (i % 777) },
  });
}

/** Frames as ingest makes them, each encoded when it is asked for. */
export function* frames(count: number): Generator<Uint8Array> {
  for (let frame = 0; frame < count; frame++) {
    const lines = Array.from({ length: FRAME_EVENTS }, (_, i) => event(frame * FRAME_EVENTS + i));
    yield encodeFrame({ v: 1, kind: 'raw' }, lines).payload;
  }
}

/** The same events, one message each. */
export function* singles(count: number): Generator<Uint8Array> {
  for (let i = 0; i < count; i++) yield Buffer.from(event(i));
}

/** How many events a payload holds, all of them parsed. */
export function eventsIn(payload: Uint8Array, kind: 'frames' | 'singles'): number {
  if (kind === 'frames') return decodeFrame(payload, 'raw').items.length;
  JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8'));
  return 1;
}
