import { describe, expect, test } from '@jest/globals';
import { ManualClock } from './manual-clock.js';

describe('a manual clock', () => {
  test('fires timers in the order of their times, each at its time', () => {
    const clock = new ManualClock(1_000);
    const fired: [string, number][] = [];
    clock.after(30, () => fired.push(['c', clock.nowMs()]));
    clock.after(10, () => {
      fired.push(['a', clock.nowMs()]);
      clock.after(5, () => fired.push(['b', clock.nowMs()]));
    });
    clock.after(30, () => fired.push(['d', clock.nowMs()]));
    clock.after(31, () => fired.push(['never', 0]));
    clock.advance(30);
    expect(fired).toEqual([
      ['a', 1_010],
      ['b', 1_015],
      ['c', 1_030],
      ['d', 1_030],
    ]);
    expect(clock.monotonicMs()).toBe(30);
    expect(clock.pendingTimers).toBe(1);
  });

  test('forgets a timer that was taken back, also one taken back by another', () => {
    const clock = new ManualClock();
    const fired: string[] = [];
    const cancel = clock.after(10, () => fired.push('taken back'));
    clock.after(5, cancel);
    clock.advance(20);
    expect(fired).toEqual([]);
  });

  test('jumps on the wall without its timers noticing', () => {
    const clock = new ManualClock(0);
    clock.setWallClock(-5_000);
    expect(clock.monotonicMs()).toBe(0);
    clock.advance(10);
    expect(clock.nowMs()).toBe(-4_990);
  });

  test('refuses to go back', () => {
    expect(() => new ManualClock().advance(-1)).toThrow(RangeError);
  });
});
