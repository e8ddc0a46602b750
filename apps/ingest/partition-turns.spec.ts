import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { FramePublisher } from './frame-publisher.js';
import { MAX_TURN_EVENTS, PartitionTurns } from './partition-turns.js';

interface Taken {
  readonly events: number;
  /** Is there room left in the frame they went into. */
  readonly isFilling: boolean;
}

/** How many each partition has had after each of these was taken. */
function shares(partitions: number, all: readonly Taken[]): number[][] {
  const publishers = Array.from({ length: partitions }, () => ({ isFilling: false, had: 0 }));
  const turns = new PartitionTurns(publishers as unknown as FramePublisher[]);
  return all.map(({ events, isFilling }) => {
    const publisher = turns.next() as unknown as (typeof publishers)[number];
    publisher.had += events;
    publisher.isFilling = isFilling;
    turns.took(events);
    return publishers.map(({ had }) => had);
  });
}

describe('the turns of partitions', () => {
  it('go round where each event has a frame of its own', () => {
    const alone = { events: 1, isFilling: false };
    expect(shares(3, [alone, alone, alone, alone])).toEqual([
      [0, 1, 0],
      [0, 1, 1],
      [1, 1, 1],
      [1, 2, 1],
    ]);
  });

  it('last while a frame is being filled, for at most 32 events', () => {
    const shared = { events: 1, isFilling: true };
    const all = Array.from({ length: 2 * MAX_TURN_EVENTS + 1 }, () => shared);
    expect(shares(2, all).slice(-2)).toEqual([
      [32, 32],
      [32, 33],
    ]);
  });

  it('give none more than another, but for what two takes may have', () => {
    const taken = fc.record({
      events: fc.integer({ min: 1, max: MAX_TURN_EVENTS }),
      isFilling: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.array(taken), (partitions, all) => {
        for (const had of shares(partitions, all))
          expect(Math.max(...had) - Math.min(...had)).toBeLessThan(2 * MAX_TURN_EVENTS);
      }),
    );
  });
});
