import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { JsonObject, StreamEvent } from '#libs/kernel';
import { decodeFrame, MessageBroker } from '#libs/messaging';
import { Pipelines } from '#libs/platform';
import { COLLECTIONS, DocumentStore, type DocumentWrite } from '#libs/storage';
import { DashboardFixture } from '../dashboard-fixture.js';

const EVENT: StreamEvent = {
  id: 'e1',
  stream: 'shop',
  timeMs: 1_000,
  receivedMs: 2_000,
  type: 'web-request@1',
  data: { path: '/a' },
};
const LINE = '127.0.0.1 - - [01/Mar/2026:12:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "-"';

let dashboard: DashboardFixture;

beforeEach(async () => {
  dashboard = await DashboardFixture.open();
  const { broker, pipelines } = parts();
  await broker.ensureTopic({
    name: pipelines.topic('web', 'raw'),
    partitions: 4,
    subscriptions: ['enrich'],
  });
});

afterEach(() => dashboard.close());

function parts(): { broker: MessageBroker; pipelines: Pipelines; documents: DocumentStore } {
  const { app } = dashboard;
  return { broker: app.get(MessageBroker), pipelines: app.get(Pipelines), documents: app.get(DocumentStore) };
}

function letterOf(id: string, body: JsonObject, atMs = 5_000): DocumentWrite {
  const { original } = body;
  return {
    collection: COLLECTIONS.deadLetters,
    id,
    timeMs: atMs,
    fields: { pipeline: 'web', stream: 'shop', code: String(body['code']) },
    body: {
      eventId: id,
      stream: 'shop',
      receivedMs: 5_000,
      originalBytes: Buffer.byteLength(String(original)),
      ...body,
    },
  };
}

function failedIn(stage: string, event: object, more: JsonObject = {}): DocumentWrite {
  const topic = 'persistent://public/default/web.enriched';
  const { id } = event as StreamEvent;
  return letterOf(`web/shop/${stage}/${id}`, {
    code: 'X',
    stage,
    topic,
    original: JSON.stringify(event),
    ...more,
  });
}

async function sentEvents(): Promise<readonly (StreamEvent & { partition: number })[]> {
  const { broker, pipelines } = parts();
  const found: (StreamEvent & { partition: number })[] = [];
  for (let partition = 0; partition < 4; partition++) {
    const reader = await broker.openReader({
      topic: pipelines.topic('web', 'raw'),
      partition,
      from: 'earliest',
    });
    for (const { payload } of await reader.receive({ maxMessages: 100, maxBytes: 1e7, waitMs: 0 })) {
      const { items } = decodeFrame<StreamEvent>(payload, 'raw');
      found.push(...items.map((item) => ({ ...item, partition })));
    }
    await reader.close();
  }
  return found;
}

describe('POST /v1/dead-letters/redrive', () => {
  it('sends what a function failed on to that function, once, under an id of its own', async () => {
    await dashboard.put(failedIn('flag', EVENT), failedIn('flag', { ...EVENT, id: 'e2' }));
    const filter = { pipeline: 'web', stream: 'shop', code: 'X' };
    expect(await dashboard.post('/v1/dead-letters/redrive', { filter, dryRun: true })).toMatchObject({
      body: { dryRun: true, sent: 2, alreadySent: 0 },
    });
    expect(await sentEvents()).toEqual([]);
    expect(await dashboard.post('/v1/dead-letters/redrive', { filter })).toMatchObject({
      status: 200,
      body: { dryRun: false, sent: 2, alreadySent: 0, notRedrivable: 0, problems: [], more: false },
    });
    expect(await dashboard.post('/v1/dead-letters/redrive', { filter })).toMatchObject({
      body: { sent: 0, alreadySent: 2 },
    });
    const sent = await sentEvents();
    expect(sent).toHaveLength(2);
    expect(sent).toContainEqual({
      ...EVENT,
      id: 'e1/r1',
      again: { id: 'e1', times: 1, to: 'flag' },
      partition: expect.any(Number) as unknown as number,
    });
    const { body } = await dashboard.get('/v1/dead-letters?id=web/shop/flag/e1');
    expect(body['deadLetters']).toMatchObject([{ sentAgain: { as: 'e1/r1' } }]);
  });

  it('sends the same again where it was not known to be stored', async () => {
    const letter = failedIn('flag', EVENT);
    const mark = {
      ...letter,
      collection: COLLECTIONS.redrives,
      fields: { pipeline: 'web', isSent: false },
      body: {},
    };
    await dashboard.put(letter, mark);
    for (const sent of [1, 0])
      expect((await dashboard.post('/v1/dead-letters/redrive', { ids: [letter.id] })).body).toMatchObject({
        sent,
      });
    expect((await sentEvents()).map(({ id }) => id)).toEqual(['e1/r1']);
  });

  it('counts on where it fails again', async () => {
    const again = { id: 'e1', times: 1, to: 'flag' };
    const letter = failedIn('flag', { ...EVENT, id: 'e1/r1', again });
    await dashboard.put(letter);
    await dashboard.post('/v1/dead-letters/redrive', { ids: [letter.id] });
    expect(await sentEvents()).toMatchObject([{ id: 'e1/r2', again: { id: 'e1', times: 2, to: 'flag' } }]);
  });

  it('parses once more what ingest refused, and says why it is refused still', async () => {
    const ingest = { code: 'LINE_UNPARSABLE', stage: 'ingest', line: 3, isLogLine: true };
    await dashboard.put(
      letterOf('web/shop/good', { ...ingest, original: LINE }),
      letterOf('web/shop/bad', { ...ingest, original: 'no line' }),
      letterOf('web/shop/event', {
        code: 'EVENT_DATA_INVALID',
        stage: 'ingest',
        index: 0,
        original: JSON.stringify({ id: 'x', data: { method: 'GET', path: '/b', status: 200 } }),
      }),
    );
    const { body } = await dashboard.post('/v1/dead-letters/redrive', { filter: { pipeline: 'web' } });
    expect(body).toMatchObject({ sent: 2, notRedrivable: 1 });
    expect(body['problems']).toMatchObject([{ id: 'web/shop/bad', code: 'DEAD_LETTER_STILL_INVALID' }]);
    const sent = await sentEvents();
    expect(sent.find(({ id }) => id === 'web/shop/good/r1')).toMatchObject({
      stream: 'shop',
      timeMs: Date.UTC(2026, 2, 1, 12),
      data: { path: '/a' },
      again: { id: 'web/shop/good', times: 1 },
    });
    expect(sent.find(({ id }) => id === 'web/shop/event/r1')).toMatchObject({ timeMs: 5_000 });
  });

  it('names what can not be sent, with the reason', async () => {
    await dashboard.put(
      failedIn('flag', { ...EVENT, id: 'cut' }, { originalBytes: 100_000 }),
      failedIn('flag', { ...EVENT, id: 'other' }, { topic: 'persistent://public/default/web.checkouts' }),
      letterOf('web/shop/flag/timer', { code: 'X', stage: 'flag', original: '{"name":"t","dueMs":1}' }),
    );
    const ids = ['flag/cut', 'flag/other', 'flag/timer', 'none'].map((id) => `web/shop/${id}`);
    const { body } = await dashboard.post('/v1/dead-letters/redrive', { ids });
    expect(body).toMatchObject({ sent: 0, notRedrivable: 4 });
    const problems = body['problems'] as unknown as readonly JsonObject[];
    expect(Object.fromEntries(problems.map(({ id, code }) => [id, code]))).toEqual({
      'web/shop/none': 'DEAD_LETTER_UNKNOWN',
      'web/shop/flag/cut': 'DEAD_LETTER_CUT',
      'web/shop/flag/other': 'DEAD_LETTER_NO_WAY',
      'web/shop/flag/timer': 'DEAD_LETTER_NO_EVENT',
    });
  });

  it('sends no more than the limit, newest first, and says that there may be more', async () => {
    for (let n = 0; n < 5; n++)
      await dashboard.put({ ...failedIn('flag', { ...EVENT, id: `e${n}` }), timeMs: n });
    const request = { filter: { pipeline: 'web', from: 1, to: 4 }, limit: 2 };
    const answers = [];
    for (let n = 0; n < 2; n++)
      answers.push((await dashboard.post('/v1/dead-letters/redrive', request)).body);
    expect(answers).toMatchObject([
      { sent: 2, alreadySent: 0, more: true },
      { sent: 1, alreadySent: 2, more: false },
    ]);
    expect((await sentEvents()).map(({ id }) => id).sort()).toEqual(['e1/r1', 'e2/r1', 'e3/r1']);
  });

  it.each([
    [{}, 'ids or filter'],
    [{ ids: ['a'], filter: { pipeline: 'web' } }, 'ids or filter'],
    [{ ids: [] }, '1 to 10000'],
    [{ filter: {} }, 'filter.pipeline'],
    [{ filter: { pipeline: 'web', colour: 'red' } }, 'colour'],
    [{ ids: ['a'], limit: 0 }, 'limit'],
    [{ ids: ['a'], dryrun: true }, 'dryrun'],
  ])('refuses %j', async (request, named) => {
    const { status, body } = await dashboard.post('/v1/dead-letters/redrive', request);
    expect(status).toBe(400);
    expect(body['detail']).toContain(named);
  });
});
