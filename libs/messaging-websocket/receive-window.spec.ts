import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '#libs/testing';
import { ReceiveWindow } from './receive-window.js';

const SMALL_BYTES = 3_000;

let clock: ManualClock;
let window: ReceiveWindow;
/** Asked for and not arrived. */
let outstanding: number;

beforeEach(() => {
  clock = new ManualClock();
  window = new ReceiveWindow(clock);
  outstanding = window.request(0);
});

function arrive(bytes = SMALL_BYTES): void {
  outstanding--;
  window.arrived(bytes);
  outstanding += window.request(0);
}

/** Messages come one by one, evenly, for so long; answers the most that were outstanding. */
function flow(everyMs: number, forMs: number): number {
  let most = 0;
  for (let passedMs = 0; passedMs < forMs; passedMs += everyMs) {
    clock.advance(everyMs);
    arrive();
    most = Math.max(most, outstanding);
  }
  return most;
}

describe('the window of a consumer', () => {
  it.each([10, 50, 100, 250, 1_000, 2_000, 5_000])(
    'holds what comes within 4 s at most, or two, at one in %d ms',
    (everyMs) => {
      flow(everyMs, 30_000);
      expect(flow(everyMs, 60_000)).toBeLessThanOrEqual(Math.max(2, 4_000 / everyMs));
    },
  );

  it('is never empty, so that nothing waits for it', () => {
    for (let n = 0; n < 10_000; n++) {
      arrive();
      expect(outstanding).toBeGreaterThanOrEqual(1);
    }
    flow(5_000, 60_000);
    expect(outstanding).toBeGreaterThanOrEqual(1);
  });

  it('grows to 256 within a thousand messages that are there already', () => {
    for (let n = 0; n < 1_000; n++) arrive();
    expect(outstanding).toBeGreaterThan(128);
    expect(outstanding).toBeLessThanOrEqual(256);
  });

  it('shrinks again when they come slowly', () => {
    for (let n = 0; n < 1_000; n++) arrive();
    flow(100, 60_000);
    expect(flow(100, 60_000)).toBeLessThanOrEqual(32);
  });

  it('holds no more than 8 MiB of large messages, and eight of any size', () => {
    for (let n = 0; n < 1_000; n++) arrive(1024 * 1024);
    expect(outstanding).toBeGreaterThanOrEqual(4);
    expect(outstanding).toBeLessThanOrEqual(8);
  });

  it('counts what waits to be taken', () => {
    const waiting = outstanding;
    for (let n = 0; n < waiting; n++) window.arrived(SMALL_BYTES);
    expect(window.request(waiting)).toBe(0);
    expect(window.request(0)).toBeGreaterThan(0);
  });
});
