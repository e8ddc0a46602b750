import { describe, expect, it } from '@jest/globals';
import { classifyArrival } from './arrival.js';
import { phaseOf } from './phase.js';

// The window [0, 60 s), 120 s of allowed lateness:
//
//   watermark  0        60 s                    180 s
//              ├──on-time──┤├────late-accepted────┤├──late-rejected──
//   row        provisional   complete               final
const WINDOW = { startMs: 0, endMs: 60_000 };
const LATENESS_MS = 120_000;

describe('classifyArrival', () => {
  it.each([
    [-Infinity, { kind: 'on-time' }],
    [59_999, { kind: 'on-time' }],
    [60_000, { kind: 'late-accepted', lateByMs: 0 }],
    [179_999, { kind: 'late-accepted', lateByMs: 119_999 }],
    [180_000, { kind: 'late-rejected', lateByMs: 120_000 }],
  ])('with the watermark at %p says %p', (watermarkMs, arrival) => {
    expect(classifyArrival(WINDOW, watermarkMs, undefined, LATENESS_MS)).toEqual(arrival);
  });

  it('without lateness goes from on time to rejected at the end of the window', () => {
    expect(classifyArrival(WINDOW, 59_999, undefined, 0).kind).toBe('on-time');
    expect(classifyArrival(WINDOW, 60_000, undefined, 0).kind).toBe('late-rejected');
  });

  it.each([
    [-1, 'on-time'],
    [0, 'late-rejected'],
    [30_000, 'late-rejected'],
  ])('of a stream that was closed until %i says %s', (closedUntilMs, kind) => {
    expect(classifyArrival(WINDOW, -Infinity, closedUntilMs, LATENESS_MS).kind).toBe(kind);
  });

  it('says 0 for how late an event is that only a close has refused', () => {
    expect(classifyArrival(WINDOW, 10_000, 0, LATENESS_MS)).toEqual({ kind: 'late-rejected', lateByMs: 0 });
  });
});

describe('phaseOf', () => {
  const row = { windowStartMs: 0, windowEndMs: 60_000, provisional: false };

  it.each([
    [{}, 'complete'],
    [{ watermarkMs: 60_000 }, 'complete'],
    [{ watermarkMs: 179_999 }, 'complete'],
    [{ watermarkMs: 180_000 }, 'final'],
    [{ watermarkMs: 60_000, closedUntilMs: -1 }, 'complete'],
    [{ watermarkMs: 60_000, closedUntilMs: 0 }, 'final'],
  ] as const)('with %p is %s', (progress, phase) => {
    expect(phaseOf(row, progress, LATENESS_MS)).toBe(phase);
  });

  it('of a row that a count has completed is final at once', () => {
    expect(phaseOf(row, {}, -Infinity)).toBe('final');
  });

  it('of a row of an open window is provisional, of one taken back retracted', () => {
    expect(phaseOf({ ...row, provisional: true }, { watermarkMs: 500_000 }, LATENESS_MS)).toBe('provisional');
    expect(phaseOf({ ...row, retracted: true }, { watermarkMs: 500_000 }, LATENESS_MS)).toBe('retracted');
  });
});
