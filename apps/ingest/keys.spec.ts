import { afterEach, describe, expect, it } from '@jest/globals';
import { KeyRing } from '#libs/platform';
import { COLLECTIONS, DocumentStore } from '#libs/storage';
import { BacklogWatch } from './backlog-watch.js';
import { IngestFixture } from './fixture/ingest-fixture.js';

const ADMIN = 'an-admin-key-of-forty-characters-or-more';
const EVENT = JSON.stringify({ method: 'GET', path: '/', status: 200 });

interface Asked {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Readonly<Record<string, unknown>>;
}

let ingest: IngestFixture;
afterEach(async () => await ingest.stop());

async function ask(
  method: 'GET' | 'POST' | 'DELETE' | 'OPTIONS',
  url: string,
  { key, body, headers = {} }: { key?: string; body?: string; headers?: Record<string, string> } = {},
): Promise<Asked> {
  const response = await ingest.app.inject({
    method,
    url,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { payload: body }),
  });
  const isJson = String(response.headers['content-type']).includes('json');
  return { status: response.statusCode, headers: response.headers, body: isJson ? response.json() : {} };
}

async function make(fields: object, key = ADMIN): Promise<{ readonly key: string; readonly id: string }> {
  const { status, body } = await ask('POST', '/v1/keys', {
    key,
    body: JSON.stringify({ name: 'k', ...fields }),
  });
  expect(status).toBe(201);
  return body as { key: string; id: string };
}

const post = async (stream: string, key?: string): Promise<Asked> =>
  await ask('POST', `/v1/streams/${stream}/events`, { body: EVENT, ...(key === undefined ? {} : { key }) });

describe('keys', () => {
  it('are not asked for on loopback as long as there are none, and from the first one on they are', async () => {
    ingest = await IngestFixture.start();
    expect(await post('web')).toMatchObject({ status: 202 });
    const first = await ask('POST', '/v1/keys', { body: '{"name": "first", "scopes": ["admin"]}' });
    expect(first.status).toBe(201);
    const refused = await post('web');
    expect(refused).toMatchObject({ status: 401, body: { code: 'KEY_MISSING' } });
    expect(refused.headers['www-authenticate']).toContain('Bearer');
    expect(await post('web', String(first.body['key']))).toMatchObject({ status: 202 });
  });

  it('have 256 random bits, and are kept as hashes only', async () => {
    ingest = await IngestFixture.start({ MILLRACE_ADMIN_KEY: ADMIN });
    const { key, id } = await make({ scopes: ['read'] });
    expect(key).toMatch(/^mrk_[0-9a-f]{12}_[\w-]{43}$/);
    const { documents } = await ingest.app
      .get(DocumentStore)
      .find({ collection: COLLECTIONS.settings, where: { kind: 'api-key' }, limit: 10 });
    expect(JSON.stringify(documents)).toContain(id);
    expect(JSON.stringify(documents)).not.toContain(key.slice(-43));
    const { body } = await ask('GET', '/v1/keys', { key: ADMIN });
    expect(JSON.stringify(body)).not.toMatch(/hash|mrk_/);
  });

  it('open what their scopes say', async () => {
    ingest = await IngestFixture.start({ MILLRACE_ADMIN_KEY: ADMIN });
    const web = await make({ scopes: ['ingest:web'] });
    const any = await make({ scopes: ['ingest:*'] });
    const read = await make({ scopes: ['read'] });
    const statuses = async (key: string): Promise<readonly number[]> => [
      (await post('web', key)).status,
      (await post('app', key)).status,
      (await ask('GET', '/v1/keys', { key })).status,
    ];
    expect(await statuses(web.key)).toEqual([202, 403, 403]);
    expect(await statuses(any.key)).toEqual([202, 202, 403]);
    expect(await statuses(read.key)).toEqual([403, 403, 403]);
    expect(await statuses(ADMIN)).toEqual([202, 202, 200]);
    expect(await statuses(`${web.key.slice(0, -1)}${web.key.endsWith('A') ? 'B' : 'A'}`)).toEqual([
      401, 401, 401,
    ]);
    expect((await post('web', 'nonsense')).status).toBe(401);
  });

  it('are rotated with an overlap, and revoked at once', async () => {
    ingest = await IngestFixture.start({ MILLRACE_ADMIN_KEY: ADMIN });
    const before = await make({ scopes: ['ingest:web'] });
    const rotate = async (
      id: string,
      overlap: string,
    ): Promise<{ readonly key: string; readonly id: string }> => {
      const { body } = await ask('POST', `/v1/keys/${id}/rotate`, {
        key: ADMIN,
        body: JSON.stringify({ overlap }),
      });
      return body as { key: string; id: string };
    };
    const after = await rotate(before.id, '1h');
    expect([(await post('web', before.key)).status, (await post('web', after.key)).status]).toEqual([
      202, 202,
    ]);
    const last = await rotate(after.id, '0s');
    expect([(await post('web', after.key)).status, (await post('web', last.key)).status]).toEqual([401, 202]);
    await ask('DELETE', `/v1/keys/${last.id}`, { key: ADMIN });
    expect((await post('web', last.key)).status).toBe(401);
    expect(await ask('POST', `/v1/keys/${last.id}/rotate`, { key: ADMIN })).toMatchObject({
      status: 400,
      body: { code: 'KEY_REQUEST_INVALID', detail: `key ${last.id} is revoked; make a new one` },
    });
    expect(await ask('DELETE', '/v1/keys/none', { key: ADMIN })).toMatchObject({
      status: 404,
      body: { code: 'KEY_UNKNOWN' },
    });
  });

  it('are kept up to a thousand, of which those that are not in force any more make room', async () => {
    ingest = await IngestFixture.start({ MILLRACE_ADMIN_KEY: ADMIN });
    const ids = Array.from({ length: 1_000 }, (_, n) => n.toString(16).padStart(12, '0'));
    const put = async (ends: (n: number) => object): Promise<void> =>
      await ingest.app.get(DocumentStore).put(
        ids.map((id, n) => ({
          ...{
            collection: COLLECTIONS.settings,
            id: `api-keys/${id}`,
            timeMs: n,
            fields: { kind: 'api-key' },
          },
          body: { id, name: 'k', scopes: ['read'], hash: '00', createdMs: n, ...ends(n) },
        })),
      );
    await put(() => ({}));
    const refused = await ask('POST', '/v1/keys', { key: ADMIN, body: '{"name": "x", "scopes": ["read"]}' });
    expect(refused).toMatchObject({ status: 409, body: { code: 'KEY_LIMIT' } });
    await put((n) => (n === 7 ? { revokedMs: 5 } : n === 9 ? { expiresMs: 4 } : {}));
    const { id } = await make({ scopes: ['read'] });
    const { body } = await ask('GET', '/v1/keys', { key: ADMIN });
    const kept = (body['keys'] as { id: string }[]).map((key) => key.id);
    expect(kept.sort()).toEqual([...ids.filter((_, n) => n !== 9), id].sort());
  });

  it.each([
    ['{"name": "x"}', 'scopes must be a list'],
    ['{"name": "x", "scopes": ["write"]}', 'scopes must be a list'],
    ['{"name": "", "scopes": ["read"]}', 'name must be a text'],
    ['{"name": "x", "scopes": ["read"], "expiresIn": "soon"}', 'expiresIn must be a duration'],
    ['{"name": "x", "scopes": ["read"], "eventsPerDay": 0}', 'eventsPerDay must be a number above 0'],
    ['{"name": "x", "scopes": ["read"], "rate": 5}', 'there is no rate'],
    ['{', 'not JSON'],
  ])('are refused by name where they can not be: %s', async (body, reason) => {
    ingest = await IngestFixture.start({ MILLRACE_ADMIN_KEY: ADMIN });
    const answer = await ask('POST', '/v1/keys', { key: ADMIN, body });
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'KEY_REQUEST_INVALID', detail: expect.stringContaining(reason) },
    });
  });

  it('are never asked for by probes and metrics, nor where the configuration says none', async () => {
    ingest = await IngestFixture.start({ MILLRACE_AUTH: 'keys' });
    for (const path of ['/health/live', '/health/ready', '/health/startup', '/metrics', '/v1/config'])
      expect((await ask('GET', path)).status).not.toBe(401);
    expect((await post('web')).status).toBe(401);
    await ingest.stop();
    ingest = await IngestFixture.start({ MILLRACE_AUTH: 'none', MILLRACE_HOST: '0.0.0.0' });
    expect((await post('web')).status).toBe(202);
  });
});

describe('a process that would listen for everybody', () => {
  it.each([
    [{ MILLRACE_HOST: '0.0.0.0' }, 'KEYS_NEEDED'],
    [{ MILLRACE_HOST: '::' }, 'KEYS_NEEDED'],
    [{ MILLRACE_HOST: '0.0.0.0', MILLRACE_AUTH: 'none' }, undefined],
    [{ MILLRACE_HOST: '0.0.0.0', MILLRACE_ADMIN_KEY: ADMIN }, undefined],
    [{ MILLRACE_HOST: '127.0.0.1' }, undefined],
    [{ MILLRACE_HOST: 'localhost' }, undefined],
  ])('with %j: %s', async (settings, code) => {
    ingest = await IngestFixture.start(settings as Record<string, string>);
    const safe = ingest.app.get(KeyRing).assertSafe();
    if (code === undefined) await expect(safe).resolves.toBeUndefined();
    else
      await expect(safe).rejects.toMatchObject({
        code,
        message: expect.stringContaining('MILLRACE_AUTH=none'),
      });
  });

  it('does so with a key that was made before', async () => {
    ingest = await IngestFixture.start({ MILLRACE_HOST: '0.0.0.0' });
    await ingest.app.get(KeyRing).make({ name: 'x', scopes: ['admin'] });
    await expect(ingest.app.get(KeyRing).assertSafe()).resolves.toBeUndefined();
  });
});

describe('limits', () => {
  it('of a rate are told with the time to wait', async () => {
    ingest = await IngestFixture.start({ MILLRACE_ADMIN_KEY: ADMIN });
    const { key } = await make({ scopes: ['ingest:web'], eventsPerSecond: 1 });
    const events = `[${new Array(30).fill(EVENT).join(',')}]`;
    expect((await ask('POST', '/v1/streams/web/events', { key, body: events })).status).toBe(202);
    const refused = await post('web', key);
    expect(refused).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(20);
    expect((await post('web', ADMIN)).status).toBe(202);
  });

  it('of a day hold over all processes', async () => {
    ingest = await IngestFixture.start({ MILLRACE_ADMIN_KEY: ADMIN });
    const { key, id } = await make({ scopes: ['ingest:web'], eventsPerDay: 10 });
    const day = Math.floor(Date.now() / 86_400_000);
    const fields = { kind: 'key-usage', key: id, day };
    const collection = COLLECTIONS.settings;
    const documents = ingest.app.get(DocumentStore);
    await documents.put([
      { collection, id: `key-usage/${id}/${day}/other`, timeMs: 0, fields, body: { events: 9 } },
    ]);
    expect((await post('web', key)).status).toBe(202);
    const refused = await post('web', key);
    expect(refused).toMatchObject({
      status: 429,
      body: { code: 'QUOTA_EXHAUSTED', detail: expect.stringContaining('10 events a day') },
    });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  });

  it('of the backlog hold as long as the tasks tell of it', async () => {
    ingest = await IngestFixture.start({ MILLRACE_INGEST_MAX_BACKLOG: '100' });
    const watch = ingest.app.get(BacklogWatch);
    const hear = (stage: string, partition: number, backlogMessages: number): void =>
      watch.hear(
        'web',
        Buffer.from(JSON.stringify({ type: 'stage', status: { stage, partition, backlogMessages } })),
      );
    hear('enrich', 0, 60);
    hear('local', 0, 60);
    expect((await post('web')).status).toBe(202);
    hear('enrich', 1, 60);
    const refused = await post('web');
    expect(refused).toMatchObject({ status: 429, body: { code: 'BACKLOG_FULL' } });
    expect(refused.headers['retry-after']).toBe('5');
    hear('enrich', 1, 0);
    expect((await post('web')).status).toBe(202);
  });
});

describe('pages of other origins', () => {
  const ORIGIN = 'https://shop.example';
  const from = (origin: string): { headers: Record<string, string> } => ({ headers: { origin } });

  it('may send events where they are listed', async () => {
    ingest = await IngestFixture.start({ MILLRACE_CORS_ORIGINS: ORIGIN });
    const preflight = await ask('OPTIONS', '/v1/streams/web/events', from(ORIGIN));
    expect(preflight).toMatchObject({ status: 204, headers: { 'access-control-allow-origin': ORIGIN } });
    const sent = await ask('POST', '/v1/streams/web/events', { body: EVENT, ...from(ORIGIN) });
    expect(sent).toMatchObject({ status: 202, headers: { 'access-control-allow-origin': ORIGIN } });
    const stranger = await ask('OPTIONS', '/v1/streams/web/events', from('https://other.example'));
    expect(stranger.headers).not.toHaveProperty('access-control-allow-origin');
    expect((await ask('GET', '/metrics', from(ORIGIN))).headers).not.toHaveProperty(
      'access-control-allow-origin',
    );
  });

  it('send beacons: a text, with the key in the address', async () => {
    ingest = await IngestFixture.start({ MILLRACE_ADMIN_KEY: ADMIN, MILLRACE_CORS_ORIGINS: '*' });
    const { key } = await make({ scopes: ['ingest:web'] });
    const headers = { 'content-type': 'text/plain;charset=UTF-8', origin: ORIGIN };
    const beacon = async (url: string): Promise<Asked> =>
      await ask('POST', url, { body: `[${EVENT}]`, headers });
    expect(await beacon(`/v1/streams/web/events?key=${key}`)).toMatchObject({
      status: 202,
      body: { accepted: 1 },
    });
    expect(await beacon(`/v1/streams/web/events?from=/a?b&key=${key}`)).toMatchObject({ status: 202 });
    expect(await beacon('/v1/streams/web/events')).toMatchObject({ status: 401 });
  });
});
