import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#libs/kernel';
import { alertOf, DashboardFixture } from './dashboard-fixture.js';

let dashboard: DashboardFixture;
let url: string;

beforeAll(async () => {
  dashboard = await DashboardFixture.open();
  url = await dashboard.listen();
  await dashboard.put(
    alertOf('f1', 'web', { status: 'firing', startedAt: '2025-03-12T00:00:00.000Z' }),
    alertOf('f2', 'demo', { status: 'firing', startedAt: '2025-03-12T00:00:00.000Z' }),
  );
});

afterAll(() => dashboard.close());

async function send(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: JsonObject }> {
  const given =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const response = await fetch(`${url}${path}`, { method, ...given });
  return {
    status: response.status,
    body: response.status === 204 ? {} : ((await response.json()) as JsonObject),
  };
}

const SILENCE = { matchers: ['stream=demo'], duration: '2h', createdBy: 'Ada', comment: 'known' };

describe('/v1/silences', () => {
  it('holds the alerts that fit back, until it is taken away', async () => {
    const { status, body } = await send('POST', '/v1/silences', SILENCE);
    expect(status).toBe(201);
    expect(body).toMatchObject({ status: 'active', createdBy: 'Ada', comment: 'known' });
    const alerts = async (): Promise<readonly JsonObject[]> =>
      (await send('GET', '/v1/alerts')).body['alerts'] as unknown as readonly JsonObject[];
    const heldBack = (await alerts()).filter(({ silencedBy }) => silencedBy !== undefined);
    expect(heldBack).toEqual([expect.objectContaining({ fingerprint: 'f2', silencedBy: [body['id']] })]);
    expect((await send('DELETE', `/v1/silences/${String(body['id'])}`)).status).toBe(204);
    expect((await alerts()).some(({ silencedBy }) => silencedBy !== undefined)).toBe(false);
    expect((await send('GET', `/v1/silences/${String(body['id'])}`)).body).toMatchObject({
      status: 'expired',
    });
    expect((await send('GET', '/v1/silences?status=active')).body).toEqual({ silences: [] });
  });

  it('takes matchers as Alertmanager writes them, and times', async () => {
    const { status, body } = await send('POST', '/v1/silences', {
      ...{ createdBy: 'Ada', comment: 'tonight' },
      matchers: [{ name: 'rule', value: 'error-.*', isRegex: true }],
      ...{ startsAt: '2999-01-01T00:00:00Z', endsAt: '2999-01-02T00:00:00Z' },
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({ status: 'pending', endsAt: '2999-01-02T00:00:00.000Z' });
  });

  it.each<[string, unknown, RegExp]>([
    ['no body', [], /must be a JSON object/],
    [
      'no matcher',
      { ...SILENCE, matchers: [] },
      /matchers of a silence is \[\]; it must be a list of 1 to 20/,
    ],
    ['a matcher of everything', { ...SILENCE, matchers: ['stream=~.*'] }, /this would silence everything/],
    ['a matcher that is none', { ...SILENCE, matchers: ['stream'] }, /texts such as 'stream=demo'/],
    ['an expression that takes for ever', { ...SILENCE, matchers: ['a=~(x+)+'] }, /may hold no repetition/],
    [
      'an end before the start',
      { ...SILENCE, duration: undefined, endsAt: '2020-01-01T00:00:00Z' },
      /in the future/,
    ],
    ['no end', { ...SILENCE, duration: undefined }, /endsAt of a silence is not there; it must be given/],
    ['no author', { ...SILENCE, createdBy: ' ' }, /createdBy of a silence/],
    ['what nobody knows', { ...SILENCE, until: 'x' }, /until of a silence is "x"; it must be one of/],
  ])('refuses %s', async (_, given, detail) => {
    const { status, body } = await send('POST', '/v1/silences', given);
    expect([status, body['code']]).toEqual([400, 'SILENCE_INVALID']);
    expect(body['detail']).toMatch(detail);
  });

  it('knows no other', async () => {
    expect(await send('DELETE', '/v1/silences/none')).toMatchObject({
      status: 404,
      body: { code: 'SILENCE_UNKNOWN' },
    });
  });
});

describe('GET /v1/alerts/explain', () => {
  it('says what there is to say of an alert that never was', async () => {
    const { status, body } = await send('GET', '/v1/alerts/explain?rule=high-error-ratio&stream=web');
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: 'inactive', isFiring: false, rows: [] });
    expect(body['reason']).toBe('no complete row of requests_per_minute with these labels is stored');
  });

  it('refuses a rule that there is not', async () => {
    const { status, body } = await send('GET', '/v1/alerts/explain?rule=low-error-ratio&stream=web');
    expect([status, body['detail']]).toEqual([400, expect.stringContaining('high-error-ratio')]);
  });
});
