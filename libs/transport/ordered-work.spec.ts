import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OrderedWork } from './ordered-work.js';

interface Item {
  readonly lane: string;
  readonly n: number;
}

it('does everything, in order and one at a time in each lane, and never more at once than it may', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ lane: fc.constantFrom('a', 'b', 'c', ''), turns: fc.nat(4) }), { maxLength: 40 }),
      fc.integer({ min: 1, max: 5 }),
      async (given, maxRunning) => {
        const running = new Set<string>();
        const begun: Item[] = [];
        let most = 0;
        const work = new OrderedWork<Item & { readonly turns: number }>(maxRunning, async (item) => {
          expect(running.has(item.lane)).toBe(false);
          running.add(item.lane);
          begun.push(item);
          most = Math.max(most, running.size);
          for (let turn = 0; turn < item.turns; turn++) await Promise.resolve();
          running.delete(item.lane);
        });
        for (const [n, each] of given.entries()) work.add({ ...each, n });
        while (begun.length < given.length) await Promise.resolve();
        await work.stop();
        const of = (
          items: readonly { readonly lane: string; readonly n: number }[],
          lane: string,
        ): number[] => items.filter((item) => item.lane === lane).map(({ n }) => n);
        const all = given.map((each, n) => ({ ...each, n }));
        for (const lane of ['a', 'b', 'c', '']) expect(of(begun, lane)).toEqual(of(all, lane));
        expect(most).toBeLessThanOrEqual(maxRunning);
      },
    ),
  );
});

it('begins nothing after it was stopped, and says when what runs has ended', async () => {
  const ends: (() => void)[] = [];
  const work = new OrderedWork<Item>(2, () => new Promise((end) => ends.push(end)));
  for (let n = 0; n < 4; n++) work.add({ lane: `${n}`, n });
  let isStopped = false;
  const stopping = work.stop().then(() => (isStopped = true));
  ends[0]?.();
  await new Promise(setImmediate);
  expect([ends.length, isStopped]).toEqual([2, false]);
  ends[1]?.();
  await stopping;
  expect(ends).toHaveLength(2);
});
