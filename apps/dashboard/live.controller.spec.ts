import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#libs/kernel';
import {
  alertOf,
  DashboardFixture,
  fatesOf,
  MINUTE_MS,
  progressOf,
  requestsRow,
  visitsRow,
} from './dashboard-fixture.js';

interface LiveEvent {
  readonly id: number;
  readonly type: string;
  readonly data: JsonObject;
}

/** Reads a live stream event by event. */
class Listener {
  readonly #abort = new AbortController();
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #text = '';

  private constructor(response: Response) {
    if (response.body === null) throw new Error('an answer without a body');
    this.#reader = response.body.getReader();
  }

  static async to(url: string, headers: Record<string, string> = {}): Promise<Listener> {
    return new Listener(await fetch(url, { headers }));
  }

  /** The next event of a type; undefined if the stream ends before. */
  async next(type?: string): Promise<LiveEvent | undefined> {
    for (;;) {
      const [event, ...rest] = this.#text.split('\n\n');
      if (event !== undefined && rest.length > 0) {
        this.#text = rest.join('\n\n');
        const found = parse(event);
        if (found !== undefined && (type === undefined || found.type === type)) return found;
        continue;
      }
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.#text += Buffer.from(value).toString();
    }
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#reader.cancel();
  }
}

function parse(event: string): LiveEvent | undefined {
  const [, id, type, data] = /^id: (\d+)\nevent: (\w+)\ndata: (.*)$/.exec(event) ?? [];
  return data === undefined || type === undefined
    ? undefined
    : { id: Number(id), type, data: JSON.parse(data) as JsonObject };
}

const START_MS = Date.UTC(2025, 2, 12);
let dashboard: DashboardFixture;
let url: string;

beforeEach(async () => {
  dashboard = await DashboardFixture.open();
  await dashboard.deliver(
    [requestsRow(START_MS), visitsRow(START_MS)],
    [0, 1, 2, 3].map((partition) => progressOf('web', partition, START_MS + MINUTE_MS)),
  );
  await dashboard.put(
    fatesOf('web', 0, { counts: { counted: 7, late: 1 }, atMs: 2_000 }),
    fatesOf('web', 1, { counts: { counted: 3, dead: 2 }, deadByCode: { LINE_UNPARSABLE: 2 }, atMs: 1_000 }),
    fatesOf('older', 0, { counts: { counted: 1 }, atMs: 500 }),
    fatesOf('demo', 0, { counts: { counted: 1 }, atMs: 9_000 }),
    alertOf('f1', 'web', { status: 'firing', startedAt: '2025-03-12T00:00:00.000Z' }),
  );
  url = await dashboard.listen();
});

afterEach(() => dashboard.close());

describe('GET /v1/live', () => {
  it('begins with a snapshot of the stream written to last; the sample traffic gives way', async () => {
    const listener = await Listener.to(`${url}/v1/live`);
    const data = (await listener.next('snapshot'))?.data ?? {};
    expect(data).toMatchObject({
      pipeline: 'web',
      stream: 'web',
      watermark: '2025-03-12T00:01:00.000Z',
      fates: { counted: 10, late: 1, dead: 2, deadByCode: { LINE_UNPARSABLE: 2 } },
      alerts: [{ fingerprint: 'f1', status: 'firing', stream: 'web' }],
      stages: [],
      latency: { p50Ms: null, p99Ms: null, samples: 0 },
    });
    expect((data['streams'] as unknown as readonly JsonObject[]).map(({ name }) => name)).toEqual([
      'demo',
      'web',
      'older',
    ]);
    expect((data['rows'] as unknown as readonly JsonObject[]).map(({ series }) => series).sort()).toEqual([
      'requests_per_minute',
      'visits_per_minute',
    ]);
    await listener.close();
  });

  it('goes on with points, and measures how long they took', async () => {
    const listener = await Listener.to(`${url}/v1/live?stream=web`);
    const snapshot = await listener.next('snapshot');
    const rows = [requestsRow(START_MS + MINUTE_MS)] as unknown as readonly JsonObject[];
    await dashboard.say({ type: 'points', provisional: true, rows, oldestReceivedMs: Date.now() - 250 });
    const points = await listener.next('points');
    expect(points?.data).toMatchObject({
      stream: 'web',
      rows: [
        { series: 'requests_per_minute', windowStart: '2025-03-12T00:01:00.000Z', phase: 'provisional' },
      ],
    });
    expect(points?.id).toBeGreaterThan(snapshot?.id ?? Number.NaN);
    const stages = await listener.next('stages');
    const { p50Ms, samples } = stages?.data['latency'] as { p50Ms: number; samples: number };
    expect(samples).toBe(1);
    expect(p50Ms).toBeGreaterThanOrEqual(250);
    const { body } = await dashboard.get('/v1/pipelines');
    expect(body).toMatchObject({
      pipelines: [{ name: 'web', latency: { samples: 1 }, failedShare: 2 / 15 }],
    });
    const { text } = await dashboard.get('/metrics');
    expect(text).toMatch(/millrace_end_to_end_seconds_count\{pipeline="web"\} 1/);
    await listener.close();
  });

  it('resumes after the last event that was seen, without a new snapshot', async () => {
    const first = await Listener.to(`${url}/v1/live?stream=web`);
    const snapshot = await first.next('snapshot');
    await first.close();
    const rows = [requestsRow(START_MS + MINUTE_MS)] as unknown as readonly JsonObject[];
    await dashboard.say({ type: 'points', provisional: true, rows });
    const second = await Listener.to(`${url}/v1/live?stream=web`, { 'last-event-id': String(snapshot?.id) });
    const next = await second.next();
    expect(next?.type).not.toBe('snapshot');
    expect(next?.id).toBe((snapshot?.id ?? 0) + 1);
    const points = next?.type === 'points' ? next : await second.next('points');
    expect(points?.data).toMatchObject({ stream: 'web' });
    await second.close();
  });

  it('takes an unknown last event for none, and gives a snapshot', async () => {
    const listener = await Listener.to(`${url}/v1/live?stream=web`, { 'last-event-id': '17' });
    expect((await listener.next())?.type).toBe('snapshot');
    await listener.close();
  });

  it('is not stopped by messages that are none', async () => {
    const listener = await Listener.to(`${url}/v1/live?stream=web`);
    await listener.next('snapshot');
    await dashboard.say(JSON.parse('{"type":"points","rows":[null]}') as never);
    await dashboard.say(JSON.parse('"nonsense"') as never);
    const rows = [requestsRow(START_MS + MINUTE_MS)] as unknown as readonly JsonObject[];
    await dashboard.say({ type: 'points', provisional: true, rows });
    expect((await listener.next('points'))?.data).toMatchObject({ stream: 'web' });
    await listener.close();
  });

  it('ends when the app does', async () => {
    const listener = await Listener.to(`${url}/v1/live?stream=web`);
    await listener.next('snapshot');
    await dashboard.close();
    while ((await listener.next()) !== undefined);
    await expect(fetch(url)).rejects.toThrow();
    dashboard = await DashboardFixture.open();
  });
});
