import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { FramePublisher } from './frame-publisher.js';
import { PartitionTurns } from './partition-turns.js';

const MOST = 32;

/** How many each partition has had after each of these has taken its turn. */
function shares(partitions: number, taken: readonly number[]): number[][] {
  const publishers = Array.from(
    { length: partitions },
    (_, partition) => partition as unknown as FramePublisher,
  );
  const turns = new PartitionTurns(publishers);
  const had = publishers.map(() => 0);
  return taken.map((events) => {
    had[turns.next() as unknown as number]! += events;
    turns.took(events);
    return [...had];
  });
}

describe('the turns of partitions', () => {
  it('go round where each takes as much', () => {
    expect(shares(3, [1, 1, 1, 1])).toEqual([
      [0, 1, 0],
      [0, 1, 1],
      [1, 1, 1],
      [1, 2, 1],
    ]);
  });

  it('give none more than another, but for what is taken at a time', () => {
    const taken = fc.array(fc.integer({ min: 1, max: MOST }));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), taken, (partitions, all) => {
        for (const had of shares(partitions, all))
          expect(Math.max(...had) - Math.min(...had)).toBeLessThanOrEqual(MOST);
      }),
    );
  });
});
