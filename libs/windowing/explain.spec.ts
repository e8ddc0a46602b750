import { describe, expect, it } from '@jest/globals';
import { explainWindow, oldestOpenWindow, upstreamOf, type WindowExplanation } from './explain.js';
import { globalCount, hopping, session, tumbling } from './time/window.js';

const MINUTE = 60_000;
const TIME = { maxOutOfOrdernessMs: 10_000, maxFutureSkewMs: 0, idleAfterMs: 10_000 };
const NOW = 1_000_000;

function explain(watermarks: readonly number[], closedUntilMs?: number): WindowExplanation {
  return explainWindow({
    definition: tumbling('1m'),
    window: { startMs: 0, endMs: MINUTE },
    allowedLatenessMs: 2 * MINUTE,
    upstream: watermarks.map((watermarkMs, task) => ({ task, watermarkMs, sinceMs: NOW - 3_000 })),
    ...(closedUntilMs === undefined ? {} : { closedUntilMs }),
    time: TIME,
    nowMs: NOW,
  });
}

describe('a window', () => {
  //   window   [0 ─────────── 60 s)           allowed until 180 s
  //   task 0               │50 s              10 s to go
  //   task 1                     │70 s
  it('is open while one local task is before its end', () => {
    expect(explain([50_000, 70_000])).toEqual({
      state: 'open',
      heldBy: [{ task: 0, watermarkMs: 50_000, sinceMs: NOW - 3_000 }],
      needsWatermarkMs: MINUTE,
      // Idle in 7 s; then 10 s of the wall clock; and what the way takes.
      closesAtLatestMs: NOW + 7_000 + 10_000 + 5_000,
      reason:
        'it ends at 1970-01-01T00:01:00.000Z; the watermark of local task 0 is at 1970-01-01T00:00:50.000Z ' +
        'since 1970-01-01T00:16:37.000Z',
    });
  });

  it('is held first by the task that is furthest behind', () => {
    expect(explain([59_999, 20_000, 40_000]).heldBy.map(({ task }) => task)).toEqual([1, 2, 0]);
  });

  it('says nothing of its end while a task has not reported the stream', () => {
    const { closesAtLatestMs, reason } = explain([70_000, -Infinity]);
    expect(closesAtLatestMs).toBeUndefined();
    expect(reason).toContain('unknown until task 1 reports');
  });

  it('is complete from its end on, and final behind the allowed lateness', () => {
    expect(explain([MINUTE, 3 * MINUTE])).toMatchObject({
      state: 'complete',
      heldBy: [{ task: 0 }],
      needsWatermarkMs: 3 * MINUTE,
    });
    expect(explain([3 * MINUTE, 3 * MINUTE])).toMatchObject({ state: 'final', heldBy: [] });
  });

  it('is final by a close', () => {
    expect(explain([0, 0], 0)).toMatchObject({
      state: 'final',
      reason: 'it is final: the stream was closed until 1970-01-01T00:00:00.000Z',
    });
  });

  it('of a count waits for events', () => {
    const window = { startMs: 0, endMs: 1 };
    const question = { window, allowedLatenessMs: 0, upstream: [], time: TIME, nowMs: NOW };
    expect(explainWindow({ ...question, definition: globalCount(100) }).reason).toContain('100 events');
  });
});

describe('the oldest open window', () => {
  it('is the oldest that the watermark has not passed', () => {
    expect(oldestOpenWindow(tumbling('1m'), MINUTE)).toEqual({ startMs: MINUTE, endMs: 2 * MINUTE });
    expect(oldestOpenWindow(tumbling('1m'), MINUTE - 1)).toEqual({ startMs: 0, endMs: MINUTE });
    expect(oldestOpenWindow(hopping('2m', '1m'), MINUTE)).toEqual({ startMs: 0, endMs: 2 * MINUTE });
  });

  it('starts behind a close', () => {
    expect(oldestOpenWindow(hopping('2m', '1m'), MINUTE, MINUTE)).toEqual({
      startMs: 2 * MINUTE,
      endMs: 4 * MINUTE,
    });
  });

  it('is not known before a watermark, and of windows that lie where the events do', () => {
    expect(oldestOpenWindow(tumbling('1m'), -Infinity)).toBeUndefined();
    expect(oldestOpenWindow(session('1m'), 0)).toBeUndefined();
  });
});

describe('what the local tasks have said', () => {
  it('is the least that any global task knows', () => {
    const bodies = [
      {
        upstream: [
          { task: 0, watermarkMs: 5, sinceMs: 1 },
          { task: 1, watermarkMs: 9, sinceMs: 2 },
        ],
      },
      {
        upstream: [
          { task: 0, watermarkMs: 7, sinceMs: 3 },
          { task: 1, watermarkMs: null, sinceMs: 4 },
        ],
      },
    ];
    expect(upstreamOf(bodies, 3)).toEqual([
      { task: 0, watermarkMs: 5, sinceMs: 1 },
      { task: 1, watermarkMs: -Infinity, sinceMs: 4 },
      { task: 2, watermarkMs: -Infinity, sinceMs: 0 },
    ]);
  });
});
