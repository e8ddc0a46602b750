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

  it('is off with a horizon of 0', () => {
    const deduplication = new Deduplication(0);
    expect([1, 2].map(() => deduplication.isRepeat('a', '1', 0))).toEqual([false, false]);
  });
});
