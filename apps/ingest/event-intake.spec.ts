import { beforeEach, describe, expect, it } from '@jest/globals';
import type { FastifyRequest } from 'fastify';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import type { JsonObject, StreamEvent } from '#libs/kernel';
import { decodeFrame } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import { loadPipeline, Pipelines } from '#libs/platform';
import { type CommitStore, DocumentStore, type DocumentPage, type DocumentWrite } from '#libs/storage';
import { ManualClock } from '#libs/testing';
import { RequestBodies } from './request-body.js';
import { takeLines } from './body-lines.js';
import { EventIntake } from './event-intake.js';
import { takeJsonLine } from './event-values.js';
import { FakeBroker } from './fixture/fake-broker.js';
import { FramePublishers } from './frame-publishers.js';
import type { IncomingEvent } from './intake-item.js';
import { KnownStreams } from './known-streams.js';
import { RecentIds } from './recent-ids.js';

const VISIT = { method: 'GET', path: '/', status: 200 };

/** As much of a document store as streams need. */
class MemoryDocuments extends DocumentStore {
  readonly documents = new Map<string, DocumentWrite>();
  async get(_collection: string, id: string): Promise<DocumentWrite | undefined> {
    return this.documents.get(id);
  }
  async find(): Promise<DocumentPage> {
    return { documents: [...this.documents.values()] };
  }
  async put(documents: readonly DocumentWrite[]): Promise<void> {
    for (const document of documents) this.documents.set(document.id, document);
  }
  async putIfAbsent(document: DocumentWrite): Promise<DocumentWrite> {
    if (!this.documents.has(document.id)) this.documents.set(document.id, document);
    return document;
  }
  async remove(): Promise<void> {}
}

let broker: FakeBroker;
let clock: ManualClock;
let documents: MemoryDocuments;
let facts: Map<number, JsonObject>;
let publishers: FramePublishers;
let streams: KnownStreams;
let intake: EventIntake;

/** One run of a process; what was stored before stays. */
function begin(processId: string): void {
  const pipeline = loadPipeline(resolve(import.meta.dirname, '../../pipelines/web.yaml'));
  const pipelines = new Pipelines([pipeline], { tenant: 'public', namespace: 'default' });
  const commits = { facts: async () => facts } as unknown as CommitStore;
  publishers = new FramePublishers(broker, clock, pipelines, { processId });
  streams = new KnownStreams(documents, commits, publishers, pipelines);
  intake = new EventIntake(streams, publishers, clock, new Telemetry({ logLevel: 'silent' }));
}

beforeEach(() => {
  broker = new FakeBroker();
  clock = new ManualClock(1_800_000_000_000);
  documents = new MemoryDocuments();
  facts = new Map();
  begin('run-1');
});

async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Lets time pass until a promise is settled. */
async function timely<T>(promise: Promise<T>, stepMs = 5): Promise<T> {
  let isSettled = false;
  const settled = promise.finally(() => (isSettled = true));
  settled.catch(() => undefined);
  while (!isSettled) {
    await turns();
    clock.advance(stepMs);
  }
  return await settled;
}

function storedEvents(): StreamEvent[] {
  return broker.stored.flatMap(({ payload }) => decodeFrame<StreamEvent>(payload, 'raw').items);
}

function event(id: string, pad = 0): IncomingEvent {
  return { id, timeMs: 5, data: pad === 0 ? VISIT : { ...VISIT, pad: 'x'.repeat(pad) } };
}

describe('EventIntake', () => {
  it('takes events of the same process', async () => {
    const bad = { timeMs: 5, data: { ...VISIT, status: 1 } };
    const receipt = await timely(intake.accept('demo', [event('a'), event('a'), event('b'), bad]));
    expect(receipt).toMatchObject({ accepted: 2, duplicates: 1, rejected: 1, errorsTruncated: false });
    expect(receipt.errors).toMatchObject([{ index: 3, code: 'EVENT_DATA_INVALID', path: '/status' }]);
    expect(storedEvents()).toContainEqual({
      id: 'a',
      stream: 'demo',
      timeMs: 5,
      receivedMs: expect.any(Number),
      type: 'web-request@1',
      data: VISIT,
    });
  });

  it('keeps events of a key in one partition, in order', async () => {
    const events = Array.from({ length: 40 }, (_, n) => ({ ...event(`n${n}`), key: 'k' }));
    await timely(intake.accept('demo', events));
    const frames = broker.stored.map(({ payload }) => decodeFrame<StreamEvent>(payload, 'raw'));
    const withEvents = frames.filter(({ items }) => items.length > 0);
    expect(withEvents.map(({ items }) => items.map(({ id }) => id))).toEqual([events.map(({ id }) => id)]);
  });

  it('does not take a mended event for a repeat of the broken one', async () => {
    const broken = { ...event('a'), data: { ...VISIT, status: 1 } };
    const receipt = await timely(intake.accept('demo', [broken, broken, event('a'), event('a')]));
    expect(receipt).toMatchObject({ accepted: 1, rejected: 1, duplicates: 2 });
  });

  it('answers only when everything is stored', async () => {
    await timely(intake.accept('demo', []));
    let open = (): void => undefined;
    broker.gate = new Promise((resolve) => (open = resolve));
    let isAnswered = false;
    const receipt = intake.accept('demo', [event('a')]).finally(() => (isAnswered = true));
    await turns();
    clock.advance(1_000);
    await turns();
    expect(broker.sent.length).toBeGreaterThan(broker.stored.length);
    expect(isAnswered).toBe(false);
    open();
    expect(await timely(receipt)).toMatchObject({ accepted: 1 });
  });
});

describe('EventIntake, where the log is slow or away', () => {
  it('holds a bounded number of bytes, makes senders wait and refuses new requests', async () => {
    await timely(intake.accept('demo', []));
    let open = (): void => undefined;
    broker.gate = new Promise((resolve) => (open = resolve));
    const request = await intake.begin('demo');
    const large = 200_000;
    let taken = 0;
    const take = (): void =>
      request.take(event(`n${taken++}`, large), { index: taken }, () => ({ text: '', bytes: 0 }));
    while (request.hasRoom) take();
    expect(taken * large).toBeLessThan(25 * 1024 * 1024);
    const room = request.untilRoom();
    while (taken * large < 66 * 1024 * 1024) take();
    await expect(intake.begin('demo')).rejects.toMatchObject({ code: 'PUBLISH_QUEUE_FULL', httpStatus: 429 });
    open();
    await timely(room);
    expect(request.hasRoom).toBe(true);
    expect(await timely(request.receipt())).toMatchObject({ accepted: taken });
    await expect(intake.begin('demo')).resolves.toBeDefined();
  });

  it('reads no more of a body than it may hold', async () => {
    await timely(intake.accept('demo', []));
    let open = (): void => undefined;
    broker.gate = new Promise((resolve) => (open = resolve));
    const chunk = Buffer.from(`${JSON.stringify({ ...VISIT, pad: 'x'.repeat(50_000) })}\n`);
    let readBytes = 0;
    const chunks = function* (): Generator<Buffer> {
      for (; readBytes < 40 * 1024 * 1024; readBytes += chunk.length) yield chunk;
    };
    const body = Readable.from(chunks());
    const request = { headers: {}, body } as unknown as FastifyRequest;
    const bodies = new RequestBodies({ values: { ingestMaxInflatedBytes: 0 } });
    const receipt = takeLines(bodies.lineChunks(request), await intake.begin('demo'), takeJsonLine);
    for (let before = -1; before !== readBytes; await turns(20)) before = readBytes;
    expect(readBytes).toBeGreaterThan(23 * 1024 * 1024);
    expect(readBytes).toBeLessThan(25 * 1024 * 1024);
    open();
    expect(await timely(receipt)).toMatchObject({ accepted: Math.ceil((40 * 1024 * 1024) / chunk.length) });
  });

  it('tells senders when the log has stored nothing for 30 s', async () => {
    await timely(intake.accept('demo', []));
    broker.gate = new Promise(() => undefined);
    const beganMs = clock.monotonicMs();
    const receipt = timely(intake.accept('demo', [event('a')]), 1_000);
    await expect(receipt).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE', httpStatus: 503 });
    expect(clock.monotonicMs() - beganMs).toBeGreaterThanOrEqual(30_000);
  });

  it('has stored what it took in before the process ends', async () => {
    const accepted = intake.accept('demo', [event('a')]);
    await turns();
    await timely(publishers.beforeApplicationShutdown(), 1);
    expect(await timely(accepted)).toMatchObject({ accepted: 1 });
  });
});

describe('KnownStreams', () => {
  const markers = (): string[] =>
    broker.stored.flatMap(({ payload, producerName }) =>
      (decodeFrame(payload, 'raw').header.markers ?? []).map(
        ({ type, stream }) => `${producerName} ${type} ${stream}`,
      ),
    );

  it('marks a stream once a run in every partition, however many requests begin it', async () => {
    await timely(
      Promise.all([intake.accept('demo', []), intake.accept('demo', []), intake.accept('web', [])]),
    );
    begin('run-2');
    await timely(intake.accept('demo', []));
    expect(markers().sort()).toEqual(
      [
        ...Array<string>(4).fill('run-1 open demo'),
        ...Array<string>(4).fill('run-1 open web'),
        ...Array<string>(4).fill('run-2 open demo'),
      ].sort(),
    );
  });

  it('stores no event of a stream that could not be marked, and tries again', async () => {
    const away = new Error('broken');
    broker.openFailures = [away];
    await expect(timely(intake.accept('demo', [event('a')]))).rejects.toBe(away);
    expect(storedEvents()).toEqual([]);
    expect(await timely(intake.accept('demo', [event('a')]))).toMatchObject({ accepted: 1 });
  });

  it('takes no more than 1,000 streams, in whatever run they began', async () => {
    for (let n = 0; n < 999; n++) {
      await documents.putIfAbsent({
        collection: 'settings',
        id: `n${n}`,
        timeMs: 0,
        fields: {},
        body: { stream: `s${n}` },
      });
    }
    await timely(intake.accept('last', []));
    await expect(intake.accept('one-more', [])).rejects.toMatchObject({
      code: 'STREAM_LIMIT',
      httpStatus: 409,
    });
    await timely(intake.accept('s7', []));
  });

  it('finds streams that other producers began', async () => {
    await expect(streams.find('foreign')).rejects.toMatchObject({ code: 'STREAM_UNKNOWN' });
    facts.set(2, { streams: { foreign: {} } });
    expect((await streams.find('foreign')).name).toBe('web');
  });
});

describe('RecentIds', () => {
  it('forgets the oldest when it holds as many as it may', () => {
    const ids = new RecentIds(2);
    expect(['a', 'b', 'a', 'c', 'b', 'a'].map((id) => ids.isRepeat(id))).toEqual([
      false,
      false,
      true,
      false,
      true,
      false,
    ]);
  });
});
