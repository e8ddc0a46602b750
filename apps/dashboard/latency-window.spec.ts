import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ManualClock } from '#libs/testing';
import { LatencyWindow } from './latency-window.js';

describe('end-to-end latency', () => {
  it('has no figures without a sample', () => {
    expect(new LatencyWindow(new ManualClock()).summary()).toEqual({ p50Ms: null, p99Ms: null, samples: 0 });
  });

  it('is the smallest latency that half, or 99 in a hundred, do not exceed', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000), { minLength: 1, maxLength: 300 }), (latencies) => {
        const window = new LatencyWindow(new ManualClock());
        for (const latencyMs of latencies) window.add(latencyMs);
        const within = (q: number): number =>
          Math.min(
            ...latencies.filter((x) => latencies.filter((y) => y <= x).length >= q * latencies.length),
          );
        expect(window.summary()).toEqual({
          p50Ms: within(0.5),
          p99Ms: within(0.99),
          samples: latencies.length,
        });
      }),
    );
  });

  it('forgets samples after five minutes', () => {
    const clock = new ManualClock();
    const window = new LatencyWindow(clock);
    window.add(1);
    clock.advance(299_999);
    window.add(2);
    expect(window.summary().samples).toBe(2);
    clock.advance(1);
    expect(window.summary()).toMatchObject({ p50Ms: 2, samples: 1 });
  });

  it('keeps a bounded number of samples, the latest', () => {
    const window = new LatencyWindow(new ManualClock(), { capacity: 10 });
    for (let latencyMs = 0; latencyMs < 1_000; latencyMs++) window.add(latencyMs);
    expect(window.summary()).toMatchObject({ p50Ms: 994, samples: 10 });
  });
});
