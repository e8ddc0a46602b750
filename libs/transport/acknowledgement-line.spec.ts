import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Position } from '#libs/messaging';
import { AcknowledgementLine } from './acknowledgement-line.js';

const at = (entry: number): Position => [0, entry, 0, 0];

it('acknowledges all up to the first that has not ended, whatever the order in which they end', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 30 }).chain((count) =>
        fc.record({
          order: fc.shuffledSubarray(
            Array.from({ length: count }, (_, n) => n),
            { minLength: 0 },
          ),
          count: fc.constant(count),
          pauses: fc.infiniteStream(fc.nat(2)),
        }),
      ),
      async ({ order, count, pauses }) => {
        const stored: number[] = [];
        const ended = new Set<number>();
        const line = new AcknowledgementLine(async ([, entry]) => {
          await Promise.resolve();
          // Nothing that has not ended is ever behind it.
          for (let n = 0; n <= entry; n++) expect(ended.has(n)).toBe(true);
          stored.push(entry);
        });
        const dones = Array.from({ length: count }, (_, n) => line.add(at(n), 10));
        for (const n of order) {
          ended.add(n);
          dones[n]?.();
          for (let pause = pauses.next().value ?? 0; pause > 0; pause--) await Promise.resolve();
        }
        await line.flush();
        let reached = -1;
        while (ended.has(reached + 1)) reached++;
        expect(stored.at(-1) ?? -1).toBe(reached);
        expect([...stored].sort((a, b) => a - b)).toEqual(stored);
        expect(line.size).toBe(count - reached - 1);
        expect(line.bytes).toBe(10 * line.size);
        expect(line.doneBehind).toHaveLength(ended.size - reached - 1);
        expect(line.reached).toEqual(reached < 0 ? undefined : at(reached));
      },
    ),
  );
});

it('stores nothing further after a failure, and says what it was', async () => {
  const asked: number[] = [];
  const line = new AcknowledgementLine(async ([, entry]) => {
    asked.push(entry);
    throw new Error('the connection is gone');
  });
  const dones = [0, 1].map((n) => line.add(at(n), 1));
  dones[0]?.();
  await expect(line.flush()).rejects.toThrow('gone');
  dones[1]?.();
  await expect(line.flush()).rejects.toThrow('gone');
  expect(() => line.assertStored()).toThrow('gone');
  expect(asked).toEqual([0]);
  // What has ended is known all the same: it is not done again.
  expect(line.reached).toEqual(at(1));
});
