import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { tumbling, type TumblingWindow, type TimeWindow } from './window.js';
import { gridOf, windowsAt } from './window-grid.js';

const MINUTE = 60_000;

describe('tumbling', () => {
  it('reads a duration or takes milliseconds', () => {
    expect(tumbling('1m')).toEqual({ kind: 'tumbling', sizeMs: MINUTE, offsetMs: 0 });
    expect(tumbling(250).sizeMs).toBe(250);
  });

  it.each([0, -1, 1.5, NaN, Infinity, '0s', 'soon'])('refuses a size of %p', (size) => {
    expect(() => tumbling(size)).toThrow(RangeError);
  });
});

const windowFor = (definition: TumblingWindow, timeMs: number): TimeWindow =>
  windowsAt(gridOf(definition), timeMs)[0]!;

describe('a grid', () => {
  //   -60000            0             60000          120000
  //      [───────────────)[─────────────)[─────────────)
  it.each([
    [-60_001, -120_000],
    [-60_000, -60_000],
    [-1, -60_000],
    [0, 0],
    [59_999, 0],
    [60_000, 60_000],
  ])('puts %i into the window that starts at %i', (timeMs, startMs) => {
    expect(windowFor(tumbling('1m'), timeMs)).toEqual({ startMs, endMs: startMs + MINUTE });
  });

  it('gives the one aligned window that holds the time', () => {
    fc.assert(
      fc.property(timeMs, fc.integer({ min: 1, max: 10_000_000 }), fc.nat(), (time, sizeMs, offset) => {
        const offsetMs = offset % sizeMs;
        const window = windowFor({ kind: 'tumbling', sizeMs, offsetMs }, time);
        expect(window.startMs <= time && time < window.endMs).toBe(true);
        expect(window.endMs - window.startMs).toBe(sizeMs);
        expect(Math.abs((window.startMs - offsetMs) % sizeMs)).toBe(0);
      }),
    );
  });
});

const timeMs = fc.integer({ min: -4_000_000_000_000, max: 4_000_000_000_000 });
