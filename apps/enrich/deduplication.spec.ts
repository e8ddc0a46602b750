import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonValue } from '#libs/kernel';
import { Deduplication } from './deduplication.js';

const HORIZON_MS = 100;

/** The slow way: looks through everything that was ever taken as new. */
function oracle(): (stream: string, id: string, receivedMs: number) => boolean {
  const taken: { stream: string; id: string; receivedMs: number }[] = [];
  return (stream, id, receivedMs) => {
    const isRepeat = taken.some(
      (t) => t.stream === stream && t.id === id && receivedMs - t.receivedMs < HORIZON_MS,
    );
    if (!isRepeat) taken.push({ stream, id, receivedMs });
    return isRepeat;
  };
}

const event = fc.record({
  stream: fc.constantFrom('a', 'b'),
  id: fc.constantFrom('1', '2', '3', '4'),
  afterMs: fc.integer({ min: 0, max: 40 }),
  commit: fc.boolean(),
  restart: fc.boolean(),
});

describe('deduplication', () => {
  it('counts an id once within the horizon, across commits and restarts', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        let deduplication = new Deduplication(HORIZON_MS);
        const expected = oracle();
        const cells = new Map<string, JsonValue>();
        let nowMs = 0;
        for (const { stream, id, afterMs, commit, restart } of events) {
          nowMs += afterMs;
          expect(deduplication.isRepeat(stream, id, nowMs)).toBe(expected(stream, id, nowMs));
          if (!commit) continue;
          for (const [name, value] of deduplication.changes()) {
            if (value === undefined) cells.delete(name);
            else cells.set(name, value);
          }
          expect(new Map(deduplication.cells())).toEqual(cells);
          if (!restart) continue;
          deduplication = new Deduplication(HORIZON_MS);
          deduplication.restore(cells);
        }
      }),
    );
  });

  it('remembers no more ids than it may, and forgets the oldest first', () => {
    const deduplication = new Deduplication(HORIZON_MS, 2);
    for (const id of ['1', '2', '3']) {
      deduplication.isRepeat('a', id, 0);
      [...deduplication.changes()];
    }
    expect(deduplication.isRepeat('a', '3', 1)).toBe(true);
    expect(deduplication.isRepeat('a', '1', 1)).toBe(false);
  });

  it('says how far back it remembers: less than the horizon once ids had to go before their time', () => {
    const deduplication = new Deduplication(HORIZON_MS, 2);
    const take = (id: string, receivedMs: number): number => {
      deduplication.isRepeat('a', id, receivedMs);
      [...deduplication.changes()];
      return deduplication.effectiveHorizonMs;
    };
    //       1   2   3       4          the third pushes out the first, the fourth the second
    // ------0---10--30------75--
    expect([take('1', 0), take('2', 10), take('3', 30), take('4', 75)]).toEqual([100, 100, 30, 65]);
    // Long after, nothing is missing of what should be there.
    expect(take('5', 1_000)).toBe(100);
  });

  it('claims after a restart no more than it remembers', () => {
    const cells = new Map<string, JsonValue>();
    const after = (horizonMs: number, ids: Readonly<Record<string, number>>): number => {
      const deduplication = new Deduplication(horizonMs, 2);
      deduplication.restore(cells);
      for (const [id, receivedMs] of Object.entries(ids)) {
        deduplication.isRepeat('a', id, receivedMs);
        for (const [name, value] of deduplication.changes()) {
          if (value === undefined) cells.delete(name);
          else cells.set(name, value);
        }
      }
      expect(new Map(deduplication.cells())).toEqual(cells);
      return deduplication.effectiveHorizonMs;
    };
    // No room for the first and the second.
    expect(after(HORIZON_MS, { a: 0, b: 10, c: 30, d: 75 })).toBe(65);
    expect(after(HORIZON_MS, {})).toBe(65);
    // What was past the horizon is gone, also for a longer one.
    expect(after(HORIZON_MS, { e: 300 })).toBe(HORIZON_MS);
    expect(after(1_000, {})).toBe(225);
    // What came while it was off was never remembered.
    after(0, { f: 400 });
    expect(after(HORIZON_MS, { g: 410 })).toBe(10);
  });

  it('remembers a million ids where it is not told otherwise', () => {
    const deduplication = new Deduplication(HORIZON_MS);
    for (let segment = 0; segment < 10; segment++) {
      for (let n = 0; n < 100_000; n++) deduplication.isRepeat('a', `${segment}/${n}`, segment);
      [...deduplication.changes()];
    }
    expect(deduplication.effectiveHorizonMs).toBe(HORIZON_MS);
    expect(deduplication.isRepeat('a', '0/0', 10)).toBe(true);
    expect(deduplication.isRepeat('a', 'one more', 10)).toBe(false);
    [...deduplication.changes()];
    expect(deduplication.effectiveHorizonMs).toBe(10);
    expect([deduplication.isRepeat('a', '0/0', 10), deduplication.isRepeat('a', '1/0', 10)]).toEqual([
      false,
      true,
    ]);
  }, 600_000);

  it('is off with a horizon of 0', () => {
    const deduplication = new Deduplication(0);
    expect([1, 2].map(() => deduplication.isRepeat('a', '1', 0))).toEqual([false, false]);
  });
});
