import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#libs/kernel';
import { COLLECTIONS } from '#libs/storage';
import { DashboardFixture, MINUTE_MS, progressOf, requestsRow, visitsRow } from './dashboard-fixture.js';

const START_MS = Date.UTC(2025, 2, 12);
const at = (minute: number): number => START_MS + minute * MINUTE_MS;
const iso = (minute: number): string => new Date(at(minute)).toISOString();

// Ten minutes of `web`. The watermark of task 0 stands at 8 min, of task 1 at 6 min, allowed lateness is 2 min:
//
//     minute   0 1 2 3 4 5 | 6 7 | 8          9
//     phase    final       | complete         provisional (open)
let dashboard: DashboardFixture;

beforeAll(async () => {
  dashboard = await DashboardFixture.open();
  const minutes = Array.from({ length: 9 }, (_, minute) => minute);
  await dashboard.deliver(
    minutes.map((minute) => requestsRow(at(minute), { measures: { requests: minute, duration: null } })),
    [0, 1, 2, 3].map((partition) => progressOf('web', partition, partition === 1 ? at(6) : at(8))),
  );
  await dashboard.deliver([visitsRow(at(0), { stream: 'other' })], [progressOf('other', 0, at(1))]);
  await dashboard.open([requestsRow(at(9), { measures: { requests: 9, duration: null } })]);
});

afterAll(() => dashboard.close());

async function rowsOf(query: string): Promise<readonly JsonObject[]> {
  const { body } = await dashboard.get(`/v1/series/requests_per_minute?${query}`);
  return body['rows'] as unknown as readonly JsonObject[];
}

describe('GET /v1/series', () => {
  it('lists the series with their streams', async () => {
    const { body } = await dashboard.get('/v1/series');
    const series = body['series'] as unknown as readonly JsonObject[];
    expect(series.find((one) => one['series'] === 'requests_per_minute')).toMatchObject({
      pipeline: 'web',
      by: [],
      streams: ['web'],
    });
    expect(series.find((one) => one['series'] === 'visits_per_minute')).toMatchObject({ streams: ['other'] });
  });
});

describe('GET /v1/series/{name}', () => {
  it('gives rows with their phases, oldest first', async () => {
    const rows = await rowsOf('stream=web');
    expect(rows.map((row) => (row['measures'] as JsonObject)['requests'])).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
    expect(rows.map((row) => row['phase'])).toEqual([
      ...Array<string>(6).fill('final'),
      ...Array<string>(3).fill('complete'),
      'provisional',
    ]);
    expect(rows[0]).toEqual({
      windowStart: iso(0),
      windowEnd: iso(1),
      stream: 'web',
      key: {},
      measures: { requests: 0, duration: null },
      revision: 0,
      phase: 'final',
    });
  });

  it('says the watermark of a stream: the least of all tasks, null while one has not reported', async () => {
    const { body } = await dashboard.get('/v1/series/requests_per_minute');
    expect(body['watermarks']).toEqual({ web: iso(6), other: null });
    const { body: one } = await dashboard.get('/v1/series/requests_per_minute?stream=web');
    expect(one['watermarks']).toEqual({ web: iso(6) });
  });

  it('takes a half-open stretch of time, in ISO 8601 or epoch milliseconds', async () => {
    const rows = await rowsOf(`stream=web&from=${iso(2)}&to=${at(4)}`);
    expect(rows.map((row) => row['windowStart'])).toEqual([iso(2), iso(3)]);
  });

  it.each(['', '&phase=final', '&phase=complete,provisional', '&order=descending&phase=final'])(
    'leads through all rows by its cursor, each once (%s)',
    async (filter) => {
      const all = await rowsOf(`stream=web${filter}`);
      const paged: JsonObject[] = [];
      let cursor = '';
      do {
        const { body } = await dashboard.get(
          `/v1/series/requests_per_minute?stream=web&limit=2${filter}${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
        );
        paged.push(...(body['rows'] as unknown as readonly JsonObject[]));
        expect((body['rows'] as unknown as readonly JsonObject[]).length).toBeLessThanOrEqual(2);
        cursor = (body['nextCursor'] as string | null) ?? '';
      } while (cursor !== '');
      expect(paged).toEqual(all);
      expect(all.length).toBeGreaterThan(0);
    },
  );

  it('does not show what a killed process has left in the view of open windows', async () => {
    const open = (minute: number, revision: number): ReturnType<typeof requestsRow> =>
      requestsRow(at(minute), { stream: 'killed', revision });
    await dashboard.deliver([open(2, 0)], [progressOf('killed', 0, at(8))]);
    //  minute    2: corrected at present   3: gone on to another end   7: not quite over   8: open
    await dashboard.open([open(2, 1), open(3, 0), requestsRow(at(7) + 1, { stream: 'killed' }), open(8, 0)]);
    const rows = await rowsOf('stream=killed');
    expect(rows.map((row) => [row['windowStart'], row['revision']])).toEqual([
      [iso(2), 1],
      [new Date(at(7) + 1).toISOString(), 0],
      [iso(8), 0],
    ]);
    expect(await rowsOf('stream=killed&phase=provisional')).toEqual(rows);
  });

  it('shows rows that were taken back only to who asks for them', async () => {
    await dashboard.deliver(
      [0, 1, 2].map((minute) =>
        requestsRow(at(minute), {
          stream: 'merged',
          ...(minute === 2 ? {} : { revision: 1, retracted: true }),
        }),
      ),
    );
    expect((await rowsOf('stream=merged&limit=1')).map((row) => row['windowStart'])).toEqual([iso(2)]);
    const taken = await rowsOf('stream=merged&phase=retracted');
    expect(taken.map((row) => [row['windowStart'], row['phase']])).toEqual([
      [iso(0), 'retracted'],
      [iso(1), 'retracted'],
    ]);
  });

  it('gives CSV to who accepts that, and the next page in a header', async () => {
    const { text, headers } = await dashboard.get('/v1/series/requests_per_minute?stream=web&limit=2', {
      accept: 'text/csv',
    });
    expect(headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(text).toBe(
      'windowStart,windowEnd,stream,requests,duration,revision,phase\r\n' +
        `${iso(0)},${iso(1)},web,0,,0,final\r\n${iso(1)},${iso(2)},web,1,,0,final\r\n`,
    );
    expect(headers['link']).toMatch(
      /^<\/v1\/series\/requests_per_minute\?stream=web&limit=2&cursor=.+>; rel="next"$/,
    );
  });

  it.each([
    ['limit=0', "parameter 'limit' is '0'; it must be a whole number from 1 to 10000"],
    ['from=noon', "parameter 'from' is 'noon'; it must be a time"],
    ['phase=done', "parameter 'phase' is 'done'; it must be one of provisional, complete, final, retracted"],
    ['order=up', "parameter 'order' is 'up'; it must be one of ascending, descending"],
    ['stream=A%20b', "parameter 'stream' is 'A b'; it must be the name of a stream"],
    ['cursor=nonsense', "parameter 'cursor' is 'nonsense'; it must be the nextCursor"],
    ['steam=web', "there is no parameter 'steam' here"],
  ])('refuses %s with what would be right', async (query, detail) => {
    const { status, body } = await dashboard.get(`/v1/series/requests_per_minute?${query}`);
    expect(status).toBe(400);
    expect(body['detail']).toContain(detail);
  });

  it('does not know other series', async () => {
    const { status, body } = await dashboard.get('/v1/series/nothing');
    expect({ status, code: body['code'] }).toEqual({ status: 404, code: 'SERIES_UNKNOWN' });
    expect(body['detail']).toContain('requests_per_minute');
  });
});

describe('the series of a window function', () => {
  it('are listed, and their rows have phases by the watermarks of the function', async () => {
    const id = 'web/revenue-per-minute';
    await dashboard.put({
      collection: COLLECTIONS.functionSeries,
      id,
      timeMs: 0,
      fields: { pipeline: 'web', series: 'revenue-per-minute' },
      body: {
        ...{ pipeline: 'web', series: 'revenue-per-minute', measures: ['revenue'], tasks: 1 },
        ...{ window: { kind: 'tumbling', sizeMs: MINUTE_MS, offsetMs: 0 }, allowedLatenessMs: MINUTE_MS },
      },
    });
    const row = { series: 'revenue-per-minute', key: { shop: 'a' }, measures: { revenue: 3 } };
    const progress = { ...progressOf('web', 0, at(2)), id: 'web.revenue-per-minute/0/web' };
    await dashboard.deliver([requestsRow(at(0), row), requestsRow(at(1), row)], [progress]);
    const { body } = await dashboard.get('/v1/series/revenue-per-minute?key.shop=a');
    const rows = body['rows'] as unknown as readonly JsonObject[];
    expect(rows.map(({ phase }) => phase)).toEqual(['final', 'complete']);
    expect(body['watermarks']).toEqual({ web: iso(2) });
    const { body: list } = await dashboard.get('/v1/series');
    expect(list['series']).toContainEqual(
      expect.objectContaining({ series: 'revenue-per-minute', by: null, streams: ['web'] }),
    );
  });
});
