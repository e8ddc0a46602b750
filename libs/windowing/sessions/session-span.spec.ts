import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isOneSession, reachOf, type SessionSpan, windowOfEvent, windowOfSpan } from './session-span.js';
import { SpansByStart } from './spans-by-start.js';

const RULE = { gapMs: 10 };
const CUT = { gapMs: 10, maxLengthMs: 100 };
const span = (firstMs: number, lastMs = firstMs, fromMs?: number): SessionSpan => ({
  firstMs,
  lastMs,
  ...(fromMs === undefined ? {} : { fromMs }),
});

describe('two events', () => {
  //  0        9 10
  //  ●─────────)          [0, 10)
  //           ●           9: before the end, one session
  //            ●          10: at the end, two sessions
  it.each([
    [9, true],
    [10, false],
  ])('%i ms apart with a gap of 10 ms are of one session: %p', (timeMs, isOne) => {
    expect(isOneSession(RULE, span(0), span(timeMs))).toBe(isOne);
    expect(isOneSession(RULE, span(timeMs), span(0))).toBe(isOne);
    expect(isOneSession(RULE, span(-timeMs), span(0))).toBe(isOne);
  });

  //  97  99│100 103
  //   ●───●│● ──●          the cut at 100 parts what is 1 ms apart
  it('on different sides of a cut never are of one session', () => {
    expect(isOneSession(CUT, span(97, 99), span(100))).toBe(false);
    expect(isOneSession(CUT, span(97), span(99))).toBe(true);
    expect(isOneSession(CUT, span(-1), span(0))).toBe(false);
  });

  //  closed until 5
  //  ●────────)            at 0: final by the close
  //        ●────────)      at 6, taken after the close: a new session
  it('of which one was taken after a close that made the other final are of two sessions', () => {
    expect(isOneSession(RULE, span(0), span(6, 6, 6))).toBe(false);
    expect(isOneSession(RULE, span(0), span(6, 6, 0))).toBe(true);
    expect(isOneSession(RULE, span(6), span(8, 8, 6))).toBe(true);
  });
});

describe('the window of a session', () => {
  it('ends the gap after its last event, or at the cut', () => {
    expect(windowOfSpan(RULE, span(0, 95))).toEqual({ startMs: 0, endMs: 105 });
    expect(windowOfSpan(CUT, span(0, 90))).toEqual({ startMs: 0, endMs: 100 });
    expect(windowOfSpan(CUT, span(0, 89))).toEqual({ startMs: 0, endMs: 99 });
    expect(windowOfSpan(CUT, span(-5))).toEqual({ startMs: -5, endMs: 0 });
    expect(windowOfEvent(CUT, 100)).toEqual({ startMs: 100, endMs: 110 });
  });

  it('is reached last by an event in its last millisecond', () => {
    expect(reachOf(RULE, { startMs: 0, endMs: 30 })).toEqual({ startMs: 0, endMs: 39 });
    expect(reachOf(CUT, { startMs: 70, endMs: 99 })).toEqual({ startMs: 70, endMs: 100 });
  });
});

describe('the sessions of a key', () => {
  const time = fc.integer({ min: -40, max: 120 });
  const rule = fc.record({
    gapMs: fc.integer({ min: 1, max: 15 }),
    maxLengthMs: fc.integer({ min: 1, max: 50 }),
  });

  it('are the runs of events less than the gap apart within a cut, in whatever order these come', () => {
    fc.assert(
      fc.property(rule, fc.array(time, { size: 'max', maxLength: 60 }), (of, times) => {
        const spans = new SpansByStart<{ readonly span: SessionSpan }>(of);
        for (const timeMs of times) {
          insert(spans, span(timeMs));
        }
        expect([...spans].map((each) => each.span)).toEqual(runsOf(of, times));
      }),
    );
  });

  it('are never two that could be one, with closes between the events', () => {
    const taken = fc.tuple(time, fc.option(fc.integer({ min: 0, max: 30 }), { nil: undefined }));
    fc.assert(
      fc.property(rule, fc.array(taken, { size: 'max', maxLength: 40 }), (of, events) => {
        const spans = new SpansByStart<{ readonly span: SessionSpan }>(of);
        for (const [timeMs, sinceCloseMs] of events) {
          const single = span(timeMs, timeMs, sinceCloseMs === undefined ? undefined : timeMs - sinceCloseMs);
          insert(spans, single);
        }
        const all = [...spans].map((each) => each.span);
        expect(all.filter((a) => (a.fromMs ?? -Infinity) > a.firstMs)).toEqual([]);
        expect(all.filter((a) => all.some((b) => a !== b && isOneSession(of, a, b)))).toEqual([]);
        const holds = (timeMs: number) => (a: SessionSpan) => a.firstMs <= timeMs && timeMs <= a.lastMs;
        expect(events.filter(([timeMs]) => !all.some(holds(timeMs)))).toEqual([]);
      }),
      { examples: [] },
    );
  });
});

function insert(spans: SpansByStart<{ readonly span: SessionSpan }>, single: SessionSpan): void {
  const { span: all, joined } = spans.joinedBy(single);
  for (const session of joined) spans.remove(session);
  spans.insert({ span: all });
}

/** The slow, obvious answer: sorted, and cut wherever the next one is too far or behind a cut. */
function runsOf(rule: { gapMs: number; maxLengthMs: number }, times: readonly number[]): SessionSpan[] {
  const runs: SessionSpan[] = [];
  for (const timeMs of times.toSorted((a, b) => a - b)) {
    const run = runs.at(-1);
    const isSameStretch =
      run !== undefined &&
      Math.floor(run.firstMs / rule.maxLengthMs) === Math.floor(timeMs / rule.maxLengthMs);
    if (run !== undefined && isSameStretch && timeMs < run.lastMs + rule.gapMs) {
      runs[runs.length - 1] = span(run.firstMs, timeMs);
    } else runs.push(span(timeMs));
  }
  return runs;
}
