import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#libs/kernel';
import { COLLECTIONS, type DocumentWrite } from '#libs/storage';
import { alertOf, DashboardFixture, fatesOf, progressOf } from './dashboard-fixture.js';

let dashboard: DashboardFixture;

beforeAll(async () => {
  dashboard = await DashboardFixture.open();
  await dashboard.put(
    deadLetter('d1', 1_000, { stream: 'web', code: 'LINE_UNPARSABLE' }),
    deadLetter('d2', 2_000, { stream: 'web', code: 'TIME_INVALID' }),
    deadLetter('d3', 3_000, { stream: 'demo', code: 'LINE_UNPARSABLE' }),
    alertOf('f1', 'web', { status: 'firing', startedAt: '2025-03-12T00:00:00.000Z' }),
    alertOf('f2', 'demo', { status: 'resolved', startedAt: '2025-03-13T00:00:00.000Z' }),
    {
      ...alertOf('f1-1/0', 'web', { status: 'pending', startedAt: '2025-03-12T00:00:00.000Z' }),
      ...transition('f1'),
    },
    {
      ...alertOf('f1-1/1', 'web', { status: 'firing', startedAt: '2025-03-12T00:01:00.000Z' }),
      ...transition('f1'),
    },
    fatesOf('web', 0, { counts: { counted: 8, dead: 2 }, deadByCode: { LINE_UNPARSABLE: 2 } }),
    ...[0, 1, 2, 3].map((partition) => progressOf('web', partition, 60_000 * (partition + 1))),
  );
});

afterAll(() => dashboard.close());

function deadLetter(id: string, timeMs: number, fields: Record<string, string>): DocumentWrite {
  const body = { reason: 'not a log line', line: 3, original: '???' };
  return { collection: COLLECTIONS.deadLetters, id, timeMs, fields: { pipeline: 'web', ...fields }, body };
}

function transition(fingerprint: string): Pick<DocumentWrite, 'collection' | 'fields'> {
  return {
    collection: COLLECTIONS.alertTransitions,
    fields: { pipeline: 'web', fingerprint, rule: 'error-burst' },
  };
}

async function idsOf(url: string, list: string, id: string): Promise<readonly unknown[]> {
  const { body } = await dashboard.get(url);
  return (body[list] as unknown as readonly JsonObject[]).map((one) => one[id]);
}

describe('GET /v1/dead-letters', () => {
  it.each([
    ['', ['d3', 'd2', 'd1']],
    ['?stream=web', ['d2', 'd1']],
    ['?code=LINE_UNPARSABLE', ['d3', 'd1']],
    ['?pipeline=web&stream=web&code=TIME_INVALID', ['d2']],
    ['?from=1970-01-01T00:00:02Z', ['d3', 'd2']],
    ['?limit=1', ['d3']],
  ])('%s gives the newest first', async (query, ids) => {
    expect(await idsOf(`/v1/dead-letters${query}`, 'deadLetters', 'id')).toEqual(ids);
  });

  it('says what was sent, where it stood and why it was refused', async () => {
    const { body } = await dashboard.get('/v1/dead-letters?stream=demo');
    expect(body).toEqual({
      deadLetters: [
        {
          id: 'd3',
          time: '1970-01-01T00:00:03.000Z',
          pipeline: 'web',
          stream: 'demo',
          code: 'LINE_UNPARSABLE',
          reason: 'not a log line',
          line: 3,
          original: '???',
        },
      ],
      nextCursor: null,
    });
  });

  it('goes on by its cursor, and refuses one that is none', async () => {
    const { body } = await dashboard.get('/v1/dead-letters?limit=2');
    const next = encodeURIComponent(String(body['nextCursor']));
    expect(await idsOf(`/v1/dead-letters?limit=2&cursor=${next}`, 'deadLetters', 'id')).toEqual(['d1']);
    expect((await dashboard.get('/v1/dead-letters?cursor=x')).status).toBe(400);
    expect((await dashboard.get('/v1/dead-letters?pipeline=x')).status).toBe(404);
  });
});

describe('GET /v1/alerts', () => {
  it.each([
    ['', ['f2', 'f1']],
    ['?status=firing', ['f1']],
    ['?stream=demo', ['f2']],
    ['?stream=demo&status=firing', []],
  ])('%s gives the latest change first', async (query, fingerprints) => {
    expect(await idsOf(`/v1/alerts${query}`, 'alerts', 'fingerprint')).toEqual(fingerprints);
  });

  it('refuses a status that there is not', async () => {
    const { status, body } = await dashboard.get('/v1/alerts?status=red');
    expect({ status, code: body['code'] }).toEqual({ status: 400, code: 'PARAMETER_INVALID' });
  });

  it('gives one alert with its history, newest first', async () => {
    const { body } = await dashboard.get('/v1/alerts/f1');
    expect(body).toMatchObject({ fingerprint: 'f1', status: 'firing' });
    expect((body['history'] as unknown as readonly JsonObject[]).map(({ status }) => status)).toEqual([
      'firing',
      'pending',
    ]);
    expect((await dashboard.get('/v1/alerts/none')).body['code']).toBe('ALERT_UNKNOWN');
  });
});

describe('GET /v1/pipelines', () => {
  it('lists them with their figures', async () => {
    const { body } = await dashboard.get('/v1/pipelines');
    expect(body).toMatchObject({
      pipelines: [
        { name: 'web', partitions: 4, eventsPerSecond: 0, failedShare: 0.2, fates: { counted: 8, dead: 2 } },
      ],
    });
  });

  it('tells of one the streams with their watermarks, and what every edge promises', async () => {
    const { body } = await dashboard.get('/v1/pipelines/web');
    expect(body).toMatchObject({
      streams: [
        {
          stream: 'web',
          watermark: '1970-01-01T00:01:00.000Z',
          fates: { deadByCode: { LINE_UNPARSABLE: 2 } },
        },
      ],
      stages: [],
    });
    const edges = body['edges'] as unknown as readonly JsonObject[];
    expect(edges.find(({ to }) => to === 'rows')).toMatchObject({ guarantee: 'exactly-once' });
    expect(edges.find(({ to }) => to === 'receivers')).toMatchObject({ guarantee: 'at-least-once' });
  });

  it('does not know others', async () => {
    expect((await dashboard.get('/v1/pipelines/none')).body['code']).toBe('PIPELINE_UNKNOWN');
  });
});
