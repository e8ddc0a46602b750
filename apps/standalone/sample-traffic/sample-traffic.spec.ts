import { describe, expect, it } from '@jest/globals';
import { type Cancel, Clock } from '#libs/kernel';
import { Telemetry } from '#libs/observability';
import { isLiveBurst, isPastBurst } from './burst-times.js';
import { SampleTraffic } from './sample-traffic.js';
import type { SampleEvent } from './web-requests.js';

const START_MS = Date.UTC(2026, 10, 22, 12, 0, 20);
const MINUTE_MS = 60_000;

/** Time passes when somebody sleeps. */
class SleepingClock extends Clock {
  now = START_MS;
  nowMs(): number {
    return this.now;
  }
  monotonicMs(): number {
    return this.now;
  }
  after(delayMs: number, action: () => void): Cancel {
    this.now += delayMs;
    const handle = setImmediate(action);
    return () => clearImmediate(handle);
  }
}

interface Played {
  readonly events: SampleEvent[];
  readonly endMs: number;
}

/** Plays until the clock stands at `untilMs`; `failures` calls of the sink fail first. */
async function play(options: {
  startMs?: number;
  untilMs: number;
  hasRows?: boolean;
  failures?: number;
}): Promise<Played> {
  const clock = new SleepingClock();
  clock.now = options.startMs ?? START_MS;
  const stop = new AbortController();
  const events: SampleEvent[] = [];
  let failures = options.failures ?? 0;
  const traffic = new SampleTraffic({
    clock,
    telemetry: new Telemetry({ logLevel: 'silent' }),
    hasRows: () => Promise.resolve(options.hasRows ?? false),
    sink: (batch) => {
      if (failures-- > 0) return Promise.reject(new Error('the log is away'));
      events.push(...batch);
      if (clock.now >= options.untilMs) stop.abort();
      return Promise.resolve();
    },
  });
  await traffic.run(stop.signal);
  return { events, endMs: clock.now };
}

function shareOfErrors(events: readonly SampleEvent[], fromMs: number, toMs: number): number {
  const within = events.filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs);
  return within.filter(({ data }) => data.status >= 500).length / within.length;
}

describe('the sample traffic', () => {
  it('fills the hour before a first start, with one burst of errors that has passed', async () => {
    const { events } = await play({ untilMs: START_MS + 1 });
    const past = events.filter(({ timeMs }) => timeMs < START_MS);
    expect(past[0]!.timeMs).toBeGreaterThanOrEqual(START_MS - 60 * MINUTE_MS);
    expect(past[0]!.timeMs).toBeLessThan(START_MS - 59 * MINUTE_MS);
    const minute = (ago: number): number => Math.floor(START_MS / MINUTE_MS) * MINUTE_MS - ago * MINUTE_MS;
    expect(shareOfErrors(past, minute(32), minute(29))).toBeGreaterThan(0.3);
    expect(shareOfErrors(past, minute(59), minute(32))).toBeLessThan(0.02);
    expect(shareOfErrors(past, minute(29), START_MS)).toBeLessThan(0.02);
  });

  it('goes on with the present, each request once and in order', async () => {
    const untilMs = START_MS + 2 * MINUTE_MS;
    const { events, endMs } = await play({ untilMs });
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    const live = events.filter(({ timeMs }) => timeMs >= START_MS);
    expect(live.map(({ timeMs }) => timeMs)).toEqual(live.map(({ timeMs }) => timeMs).sort((a, b) => a - b));
    expect(live.at(-1)!.timeMs).toBeLessThan(endMs);
    expect(live.length).toBeGreaterThan(1_000);
  });

  it('shows a burst of errors within two minutes of the start', async () => {
    const { events } = await play({ untilMs: START_MS + 5 * MINUTE_MS, hasRows: true });
    const begin = Date.UTC(2026, 10, 22, 12, 1);
    expect(shareOfErrors(events, START_MS, begin)).toBeLessThan(0.05);
    expect(shareOfErrors(events, begin, begin + 3 * MINUTE_MS)).toBeGreaterThan(0.3);
    expect(shareOfErrors(events, begin + 3 * MINUTE_MS, START_MS + 5 * MINUTE_MS)).toBeLessThan(0.05);
  });

  it('sends nothing twice over a restart in mid-minute, and adds no past', async () => {
    const before = await play({ untilMs: START_MS + 30_000, hasRows: true });
    const after = await play({
      startMs: before.endMs + 5_000,
      untilMs: before.endMs + 40_000,
      hasRows: true,
    });
    const ids = [...before.events, ...after.events].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(after.events[0]!.timeMs).toBeGreaterThanOrEqual(before.endMs + 5_000);
  });

  it('sends again what the log did not take, and loses none of it', async () => {
    const untilMs = START_MS + MINUTE_MS;
    const smooth = await play({ untilMs, hasRows: true });
    const rough = await play({ untilMs, hasRows: true, failures: 7 });
    const early = (played: Played): string[] =>
      played.events.filter(({ timeMs }) => timeMs < untilMs - 1_000).map(({ id }) => id);
    expect(early(rough)).toEqual(early(smooth));
  });
});

describe('bursts of errors', () => {
  it('begin within 30 to 90 seconds of any start, and then every 15 minutes', () => {
    for (let startMs = START_MS; startMs < START_MS + 5 * MINUTE_MS; startMs += 7_001) {
      const minutes = Array.from({ length: 40 }, (_, n) => (Math.floor(startMs / MINUTE_MS) + n) * MINUTE_MS);
      const bursts = minutes.filter((minute) => isLiveBurst(minute, startMs));
      const delayMs = bursts[0]! - startMs;
      expect(delayMs).toBeGreaterThan(0);
      expect(delayMs).toBeGreaterThanOrEqual(30_000);
      expect(delayMs).toBeLessThanOrEqual(90_000);
      expect(bursts.slice(0, 6).map((minute) => (minute - bursts[0]!) / MINUTE_MS)).toEqual([
        0, 1, 2, 15, 16, 17,
      ]);
    }
  });

  it('of the past are one, three minutes long', () => {
    const minutes = Array.from(
      { length: 61 },
      (_, ago) => Math.floor(START_MS / MINUTE_MS) * MINUTE_MS - ago * MINUTE_MS,
    );
    expect(minutes.filter((minute) => isPastBurst(minute, START_MS))).toHaveLength(3);
  });
});
