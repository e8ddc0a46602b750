import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#libs/kernel';
import { DashboardFixture, MINUTE_MS, progressOf, sessionRow } from './dashboard-fixture.js';

const START_MS = Date.UTC(2025, 2, 12, 10);
const at = (minute: number): string => new Date(START_MS + minute * MINUTE_MS).toISOString();
const atMs = (minute: number): number => START_MS + minute * MINUTE_MS;

// What the four local tasks have said of `web`, as each global task knows it:
//
//     minute     0        5        10
//     task 0                       │ 10:10
//     task 1              │ 10:05              furthest behind
//     task 2, 3                    │ 10:10
const UPSTREAM = [10, 5, 10, 10].map((minute, task) => ({
  task,
  watermarkMs: atMs(minute),
  sinceMs: atMs(60),
}));

let dashboard: DashboardFixture;

beforeAll(async () => {
  dashboard = await DashboardFixture.open();
  const upstreamOf = (stream: string): readonly JsonObject[] =>
    stream === 'web'
      ? UPSTREAM
      : UPSTREAM.map((each) => (each.task === 2 ? { ...each, watermarkMs: null } : each));
  const documents = ['web', 'silent'].flatMap((stream) =>
    [0, 1, 2, 3].map((partition) => {
      const { body, ...document } = progressOf(stream, partition, atMs(5));
      return { ...document, body: { ...(stream === 'web' ? body : {}), upstream: upstreamOf(stream) } };
    }),
  );
  await dashboard.put(...documents);
  await dashboard.open([sessionRow('v', atMs(3), { requests: 2, length: MINUTE_MS })]);
});

afterAll(() => dashboard.close());

async function explain(query: string): Promise<{ readonly status: number; readonly body: JsonObject }> {
  return dashboard.get(`/v1/pipelines/web/windows/explain?${query}`);
}

describe('GET /v1/pipelines/{name}/windows/explain', () => {
  it('names the task that holds the oldest open window, and when it closes at the latest', async () => {
    const { body } = await explain('series=requests_per_minute&stream=web');
    expect(body).toMatchObject({
      state: 'open',
      window: { start: at(5), end: at(6) },
      heldBy: [{ task: 1, watermark: at(5), since: at(60), state: null }],
      needsWatermark: at(6),
      closesAtLatest: expect.stringMatching(/^20/),
    });
    expect(String(body['text']).split('\n')).toEqual([
      `requests_per_minute of pipeline web, stream web: the window ${at(5)} to ${at(6)} is open`,
      expect.stringContaining(`it ends at ${at(6)}; the watermark of local task 1 is at ${at(5)}`),
      expect.stringMatching(/^ {2}waits for local task 1: its watermark is .* ago; nothing is known of it$/),
      expect.stringMatching(/^ {2}complete at the latest .* if no event comes any more; sooner if some do$/),
    ]);
  });

  it('explains the window that begins where it was asked for', async () => {
    const complete = await explain(`series=requests_per_minute&stream=web&windowStart=${at(4)}`);
    expect(complete.body).toMatchObject({
      state: 'complete',
      window: { start: at(4) },
      needsWatermark: at(7),
    });
    const final = await explain(`series=requests_per_minute&stream=web&windowStart=${at(0)}`);
    expect(final.body).toMatchObject({ state: 'final', heldBy: [], closesAtLatest: null });
    const hopping = await explain(`series=top_paths&stream=web&windowStart=${at(3)}`);
    expect(hopping.body).toMatchObject({ state: 'open', window: { start: at(3), end: at(8) } });
  });

  it('finds the sessions that are open by their rows', async () => {
    const { body } = await explain('series=sessions&stream=web');
    expect(body).toMatchObject({ state: 'open', window: { start: at(3), end: at(34) } });
    expect((body['heldBy'] as unknown as readonly JsonObject[]).map(({ task }) => task)).toEqual([
      1, 0, 2, 3,
    ]);
  });

  it('says which tasks have not reported a stream', async () => {
    const { body } = await explain('series=requests_per_minute&stream=silent');
    expect(body).toMatchObject({ state: 'none', window: null, heldBy: [{ task: 2, watermark: null }] });
    expect(body['text']).toContain('local task 2: it has not reported the stream');
    const asked = await explain(`series=requests_per_minute&stream=silent&windowStart=${at(0)}`);
    expect(asked.body).toMatchObject({ state: 'open', closesAtLatest: null });
    expect(asked.body['text']).toContain("when it will be complete can't be said");
  });

  it.each([
    ['stream=web', "parameter 'series'"],
    ['series=sessions', "parameter 'stream'"],
    [
      `series=top_paths&stream=web&windowStart=${new Date(START_MS + 1).toISOString()}`,
      `where a window begins: ${at(0)} or ${at(1)}`,
    ],
    [`series=sessions&stream=web&windowStart=${at(4)}`, 'the windowStart of a row of the series'],
  ])('refuses %s with what would be right', async (query, detail) => {
    const { status, body } = await explain(query);
    expect(status).toBe(400);
    expect(body['detail']).toContain(detail);
  });
});
