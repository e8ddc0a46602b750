import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { shippedSchemas } from '#libs/schema';
import { MINUTE_MS, SampleSite } from './web-requests.js';

const seeds = fc.string();
const minutes = fc.integer({ min: 0, max: 40_000_000 });

function requests(seed: string, minute: number, burst = false): ReturnType<SampleSite['requestsOfMinute']> {
  return new SampleSite(seed).requestsOfMinute({ minuteStartMs: minute * MINUTE_MS, burst });
}

/** Each case makes about 1,200 requests, so few are plenty. */
const numRuns = 4;

describe('the requests of a minute', () => {
  it('are the same for the same seed, whatever was asked before', () => {
    fc.assert(
      fc.property(
        seeds,
        minutes,
        fc.array(fc.integer({ min: -12, max: 12 }), { maxLength: 3 }),
        (seed, minute, others) => {
          const site = new SampleSite(seed);
          for (const other of others)
            site.requestsOfMinute({ minuteStartMs: (minute + other) * MINUTE_MS, burst: true });
          expect(site.requestsOfMinute({ minuteStartMs: minute * MINUTE_MS, burst: false })).toEqual(
            requests(seed, minute),
          );
        },
      ),
      { numRuns },
    );
  });

  it('have ids of their own, in this minute and the next', () => {
    fc.assert(
      fc.property(seeds, minutes, (seed, minute) => {
        const ids = [...requests(seed, minute), ...requests(seed, minute + 1)].map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids[0]).toBe(`demo-${seed}-${minute}-0`);
      }),
      { numRuns },
    );
  });

  it('happen in that minute, in order', () => {
    fc.assert(
      fc.property(seeds, minutes, (seed, minute) => {
        const times = requests(seed, minute).map(({ timeMs }) => timeMs);
        expect(
          times.every((timeMs) => Number.isInteger(timeMs) && Math.floor(timeMs / MINUTE_MS) === minute),
        ).toBe(true);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
      }),
      { numRuns },
    );
  });

  it('keep their ids, times and paths in a burst', () => {
    fc.assert(
      fc.property(seeds, minutes, (seed, minute) => {
        const asked = (burst: boolean): unknown[] =>
          requests(seed, minute, burst).map(({ id, timeMs, data }) => ({
            id,
            timeMs,
            path: data.path,
            ip: data.clientIp,
          }));
        expect(asked(true)).toEqual(asked(false));
      }),
      { numRuns },
    );
  });

  it('are of the schema they name', () => {
    const schema = shippedSchemas().get('web-request@1');
    expect(schema).toBeDefined();
    for (const { data } of [...requests('millrace', 29_000_000), ...requests('millrace', 29_000_000, true)]) {
      expect(schema?.check(data)).toBeUndefined();
    }
  });
});

describe('the traffic of a day', () => {
  const dayStart = 29_922_480 - (29_922_480 % 1440);
  const perHour = Array.from(
    { length: 24 },
    (_, hour) => requests('millrace', dayStart + hour * 60).length / 60,
  );

  it('is 20 requests a second in the mean', () => {
    const mean = perHour.reduce((sum, rate) => sum + rate, 0) / perHour.length;
    expect(mean).toBeGreaterThan(17);
    expect(mean).toBeLessThan(23);
  });

  it('is more than twice as much in the evening as at night', () => {
    const rate = (hours: readonly number[]): number =>
      hours.reduce((sum, hour) => sum + perHour[hour]!, 0) / hours.length;
    expect(rate([17, 18, 19, 20])).toBeGreaterThan(2 * rate([2, 3, 4, 5]));
  });
});

describe('an hour of traffic', () => {
  const site = new SampleSite('millrace');
  const hour = Array.from({ length: 60 }, (_, n) =>
    site.requestsOfMinute({ minuteStartMs: (29_922_480 + n) * MINUTE_MS, burst: false }),
  ).flat();
  const share = (test: (data: (typeof hour)[number]['data']) => boolean): number =>
    hour.filter(({ data }) => test(data)).length / hour.length;

  it('has one error in a hundred, and some pages that are not there', () => {
    expect(share(({ status }) => status >= 500)).toBeCloseTo(0.01, 2);
    expect(share(({ status }) => status === 404)).toBeGreaterThan(0.005);
  });

  it('has bots, and visitors who come back', () => {
    expect(share(({ userAgent }) => /bot|externalhit/i.test(userAgent ?? ''))).toBeGreaterThan(0.03);
    const sessionsOf = new Map<string, Set<string>>();
    for (const { data } of hour) {
      if (typeof data.sessionId !== 'string') continue;
      const sessions = sessionsOf.get(data.clientIp ?? '') ?? new Set();
      sessionsOf.set(data.clientIp ?? '', sessions.add(data.sessionId));
    }
    expect([...sessionsOf.values()].filter(({ size }) => size > 1).length).toBeGreaterThan(100);
  });

  it('has visits that walk through pages for minutes', () => {
    const pages = new Map<string, Set<string>>();
    for (const { data } of hour) {
      if (
        typeof data.sessionId !== 'string' ||
        data.path.startsWith('/assets') ||
        data.path.startsWith('/images')
      )
        continue;
      pages.set(data.sessionId, (pages.get(data.sessionId) ?? new Set()).add(data.path));
    }
    expect([...pages.values()].filter(({ size }) => size >= 3).length).toBeGreaterThan(1_000);
  });

  it('has a long tail of slow answers', () => {
    const durations = hour.map(({ data }) => data.durationMs ?? 0).sort((a, b) => a - b);
    const quantile = (q: number): number => durations[Math.floor(q * durations.length)]!;
    expect(quantile(0.99)).toBeGreaterThan(10 * quantile(0.5));
  });
});
