import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { request } from 'node:http';
import type { PipelineDefinition } from '#libs/pipeline';
import { COLLECTIONS, type CommitStore, DocumentStore } from '#libs/storage';
import { ManualClock } from '#libs/testing';
import { CloseIds, isSameOrLater } from './close-id.js';
import { CloseProgress } from './close-progress.js';
import { IngestFixture } from './fixture/ingest-fixture.js';
import type { FramePublishers } from './frame-publishers.js';
import type { KnownStreams } from './known-streams.js';
import { StreamCloser } from './stream-closer.js';

const VISIT = '{"method":"GET","path":"/","status":200}';
const UNTIL_MS = Date.parse('2026-01-31T12:00:00Z');

let ingest: IngestFixture;

beforeEach(async () => {
  ingest = await IngestFixture.start();
});

afterEach(async () => {
  await ingest.stop();
});

interface Closing {
  readonly partition: number;
  readonly closeId: string;
  readonly eventsBefore: number;
}

/** The closing markers of `raw`, as soon as every partition has one more. */
async function closings(count = 1): Promise<readonly Closing[]> {
  for (;;) {
    const frames = await ingest.frames();
    const found = frames.flatMap(({ delivery, header }, index) =>
      (header.markers ?? []).flatMap((marker) => {
        if (marker.type !== 'closing') return [];
        const { partition } = delivery;
        const before = frames.slice(0, index + 1).filter((frame) => frame.delivery.partition === partition);
        const eventsBefore = before.reduce((sum, { items }) => sum + items.length, 0);
        return [{ partition, closeId: marker.closeId, eventsBefore }];
      }),
    );
    if (found.length >= 4 * count) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Does what a global task does once it has delivered a close. */
async function report(
  partition: number,
  closeId: string,
  untilMs: number | undefined = UNTIL_MS,
): Promise<void> {
  const closed = { closeId, ...(untilMs === undefined ? {} : { untilMs }) };
  await ingest.app.get(DocumentStore).put([
    {
      collection: COLLECTIONS.progress,
      id: `web/${partition}/web`,
      timeMs: 0,
      fields: {},
      body: { closed },
    },
  ]);
}

const ALL = [0, 1, 2, 3];

describe('POST close', () => {
  it('answers once every global task has delivered it, and not before', async () => {
    await ingest.post('/v1/streams/web/events', `[${VISIT},${VISIT},${VISIT}]`);
    let isAnswered = false;
    const closing = ingest.post('/v1/streams/web/close', '').finally(() => (isAnswered = true));
    const [first] = await closings();
    const closeId = first?.closeId ?? '';
    for (const partition of [0, 1, 2]) await report(partition, closeId);
    await report(3, '00000000-0000-7000-8000-000000000000');
    expect(isAnswered).toBe(false);
    await report(3, closeId, UNTIL_MS - 1);
    const closedUntil = new Date(UNTIL_MS).toISOString();
    expect(await closing).toMatchObject({ status: 200, body: { stream: 'web', closedUntil, closeId } });
  });

  it('puts its marker behind what was stored before', async () => {
    await ingest.post('/v1/streams/web/events', `[${Array(200).fill(VISIT).join()}]`);
    const closing = ingest.post('/v1/streams/web/close', '');
    const markers = await closings();
    expect(markers.reduce((sum, { eventsBefore }) => sum + eventsBefore, 0)).toBe(200);
    for (const { partition, closeId } of markers) await report(partition, closeId);
    expect((await closing).status).toBe(200);
  });

  it('is answered by a later close, too', async () => {
    await ingest.post('/v1/streams/web/events', VISIT);
    const both = [ingest.post('/v1/streams/web/close', ''), ingest.post('/v1/streams/web/close', '')];
    const ids = [...new Set((await closings(2)).map(({ closeId }) => closeId))].sort();
    for (const partition of ALL) await report(partition, ids[1] ?? '');
    expect((await Promise.all(both)).map(({ status }) => status)).toEqual([200, 200]);
  });

  it('says null for a stream without events', async () => {
    await ingest.post('/v1/streams/web/events', '5');
    const closing = ingest.post('/v1/streams/web/close', '');
    for (const { partition, closeId } of await closings()) {
      await ingest.app.get(DocumentStore).put([
        {
          collection: COLLECTIONS.progress,
          id: `web/${partition}/web`,
          timeMs: 0,
          fields: {},
          body: { closed: { closeId } },
        },
      ]);
    }
    expect((await closing).body).toMatchObject({ closedUntil: null });
  });

  it('knows no stream that nothing was sent to', async () => {
    expect(await ingest.post('/v1/streams/nobody/close', '')).toMatchObject({
      status: 404,
      body: { code: 'STREAM_UNKNOWN' },
    });
    expect(await ingest.post('/v1/streams/No!/close', '')).toMatchObject({ status: 400 });
  });

  it('ends when the client has gone', async () => {
    await ingest.post('/v1/streams/web/events', VISIT);
    await ingest.app.listen(0, '127.0.0.1');
    const closer = ingest.app.get(StreamCloser);
    const close = closer.close.bind(closer);
    const called = new Promise<unknown>((resolve) => {
      closer.close = (...args) => {
        const closing = close(...args);
        resolve(closing);
        return closing;
      };
    });
    const sent = request(`${await ingest.app.getUrl()}/v1/streams/web/close`, { method: 'POST' });
    sent.on('error', () => undefined).end();
    await closings();
    sent.destroy();
    expect(await called).toBeUndefined();
  });
});

describe('a close that takes too long', () => {
  const pipeline = { name: 'web', partitions: 4, globalPartitions: 4 } as PipelineDefinition;

  it('is given up after a minute', async () => {
    const clock = new ManualClock();
    const looks: number[] = [];
    const closer = new StreamCloser(
      { find: async () => pipeline } as unknown as KnownStreams,
      { markAll: async () => undefined } as unknown as FramePublishers,
      {
        closedUntil: async () => {
          looks.push(clock.monotonicMs());
          return [undefined];
        },
        waitingFor: async () => ['web/local/1'],
      } as unknown as CloseProgress,
      clock,
    );
    const closing = closer.close('web', new AbortController().signal);
    const failed = expect(closing).rejects.toThrow(
      "after 60000 ms stream 'web' is not closed yet; it goes on. Waiting for web/local/1",
    );
    while (clock.monotonicMs() < 60_000) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(25);
    }
    await failed;
    expect(looks.slice(0, 3)).toEqual([0, 25, 50]);
  });

  it('says which tasks have not reported', async () => {
    const facts = new Map([
      [0, { closings: { 'close-1': 5 } }],
      [2, { closings: {} }],
    ]);
    const commits = { facts: async () => facts } as unknown as CommitStore;
    const progress = new CloseProgress({} as DocumentStore, commits);
    const waiting = await progress.waitingFor(pipeline, { stream: 'web', closeId: 'close-1' }, [
      1,
      undefined,
      1,
      1,
    ]);
    expect(waiting).toEqual(['web/local/1', 'web/local/2', 'web/local/3', 'web/global/1']);
  });
});

describe('CloseIds', () => {
  it('sort by the time they were made, also where the clock stands still or jumps back', () => {
    const clock = new ManualClock(1_800_000_000_000);
    const ids = new CloseIds(clock, () => '3b241101-e2bb-4255-8caf-4136c566a962');
    const made = [ids.next(), ids.next()];
    clock.setWallClock(1_700_000_000_000);
    made.push(ids.next());
    expect(made[0]).toBe(
      '01a31b6e-e800-7255-8caf-4136c566a962'.replace('01a31b6e-e800', made[0]?.slice(0, 13) ?? ''),
    );
    expect([...made].sort()).toEqual(made);
    expect(made.map((id) => isSameOrLater(id, made[1] ?? ''))).toEqual([false, true, true]);
    expect(parseInt(made[0]?.slice(0, 13).replace('-', '') ?? '', 16)).toBe(1_800_000_000_000);
  });
});
