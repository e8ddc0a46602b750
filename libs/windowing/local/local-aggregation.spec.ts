import { describe, expect, it } from '@jest/globals';
import type { StreamEvent } from '#libs/kernel';
import type { Fields } from '../aggregators/aggregator.js';
import { count } from '../aggregators/count.js';
import { sum } from '../aggregators/sum.js';
import type { SeriesDefinition } from '../series.js';
import { tumbling } from '../time/window.js';
import { LocalAggregation } from './local-aggregation.js';

const SECOND = 1_000;
const TIME = { maxOutOfOrdernessMs: 10 * SECOND, maxFutureSkewMs: 300 * SECOND, idleAfterMs: 10 * SECOND };
const REQUESTS: SeriesDefinition = {
  name: 'requests',
  window: tumbling('1m'),
  allowedLatenessMs: 120 * SECOND,
  by: [],
  measures: [{ name: 'requests', aggregator: count() }],
};
const BYTES_BY_PATH: SeriesDefinition = {
  name: 'bytes_by_path',
  where: (data) => data['path'] !== '/health',
  window: tumbling('1m'),
  allowedLatenessMs: 0,
  by: ['path', 'status'],
  measures: [{ name: 'bytes', aggregator: sum(), value: (data) => data['bytes'] }],
};

function at(timeSeconds: number, data: Fields = {}, stream = 'web'): StreamEvent<Fields> {
  return {
    id: `e${timeSeconds}`,
    stream,
    timeMs: timeSeconds * SECOND,
    receivedMs: 1_000 * SECOND,
    type: 't',
    data,
  };
}

const local = (...series: readonly SeriesDefinition[]): LocalAggregation =>
  new LocalAggregation(series, TIME, 1);

describe('an event', () => {
  //  receivedMs 1000 s   + 300 s of skew
  //  ─────────────┼──────────────────┤1300 s: still taken   1300.001 s: future
  it('may be ahead of its arrival up to the skew, and then moves nothing', () => {
    const aggregation = local(REQUESTS);
    expect(aggregation.add(at(1_300))).toEqual({ kind: 'assigned', late: [], counted: 1 });
    expect(aggregation.add(at(1_300.001))).toEqual({ kind: 'future', byMs: 1 });
    expect(aggregation.times.of('web').watermarkMs).toBe(1_290 * SECOND);
    expect(aggregation.drain()).toHaveLength(1);
  });

  //  window   [0 s ──── 60 s)   allowed until the watermark reaches 180 s
  //  event    highest 189.999 s: watermark 179.999 s   highest 190 s: watermark 180 s
  it('is taken until the watermark reaches the end of the allowed lateness', () => {
    const aggregation = local(REQUESTS);
    aggregation.add(at(189.999));
    expect(aggregation.add(at(59.999))).toEqual({ kind: 'assigned', late: [], counted: 1 });
    aggregation.add(at(190));
    expect(aggregation.add(at(60))).toEqual({ kind: 'assigned', late: [], counted: 1 });
    expect(aggregation.add(at(59.999))).toEqual({
      kind: 'assigned',
      late: [{ series: 'requests', window: { startMs: 0, endMs: 60 * SECOND }, lateByMs: 120 * SECOND }],
      counted: 0,
    });
  });

  it('may be late for one series and not for another', () => {
    const aggregation = local(REQUESTS, BYTES_BY_PATH);
    aggregation.add(at(70, { path: '/a' }));
    const outcome = aggregation.add(at(59, { path: '/a' }));
    expect(outcome).toMatchObject({ counted: 1, late: [{ series: 'bytes_by_path', lateByMs: 0 }] });
  });

  it('of one stream does not make those of another late', () => {
    const aggregation = local(REQUESTS);
    aggregation.add(at(900, {}, 'live'));
    expect(aggregation.add(at(-900, {}, 'history'))).toMatchObject({ late: [], counted: 1 });
  });

  it('that no series wants is counted in none', () => {
    expect(local(BYTES_BY_PATH).add(at(0, { path: '/health' }))).toEqual({
      kind: 'assigned',
      late: [],
      counted: 0,
    });
  });

  it('is late for what a close has made final', () => {
    const aggregation = local(REQUESTS);
    aggregation.add(at(30));
    aggregation.times.closing('web', 'c1');
    aggregation.times.tick({ nowMs: 0, siblings: new Map([[0, aggregation.times.facts()]]) });
    expect(aggregation.add(at(59))).toMatchObject({ counted: 0, late: [{ lateByMs: 0 }] });
    expect(aggregation.add(at(60))).toMatchObject({ counted: 1, late: [] });
  });
});

describe('the deltas', () => {
  it('are one for each window and key, with the values of the key', () => {
    const aggregation = local(BYTES_BY_PATH);
    aggregation.add(at(-1, { path: '/a', status: 200, bytes: 5 }));
    aggregation.add(at(0, { path: '/a', status: 200, bytes: 7 }));
    aggregation.add(at(1, { path: '/a', status: 200, bytes: 8 }));
    aggregation.add(at(1, { path: ['/b'], bytes: 1 }));
    const window = { series: 'bytes_by_path', stream: 'web', startMs: 0, endMs: 60 * SECOND };
    const received = { oldestReceivedMs: 1_000 * SECOND };
    expect(aggregation.drain()).toEqual([
      {
        ...window,
        ...received,
        startMs: -60 * SECOND,
        endMs: 0,
        key: { path: '/a', status: 200 },
        measures: { bytes: 5 },
        events: 1,
      },
      { ...window, ...received, key: { path: '/a', status: 200 }, measures: { bytes: 15 }, events: 2 },
      { ...window, ...received, key: { path: '["/b"]', status: null }, measures: { bytes: 1 }, events: 1 },
    ]);
  });

  it('keep huge keys short, and apart', () => {
    const aggregation = local(BYTES_BY_PATH);
    for (const end of ['a', 'b', 'b']) aggregation.add(at(0, { path: 'x'.repeat(200_000) + end }));
    const paths = aggregation.drain().map(({ key }) => String(key['path']));
    expect(new Set(paths).size).toBe(2);
    expect(Math.max(...paths.map((path) => path.length))).toBeLessThan(530);
  });

  it('are given once', () => {
    const aggregation = local(REQUESTS);
    aggregation.add(at(0));
    expect(aggregation.hasDeltas).toBe(true);
    expect(aggregation.drain()).toHaveLength(1);
    expect(aggregation.hasDeltas).toBe(false);
    expect(aggregation.drain()).toEqual([]);
  });
});
