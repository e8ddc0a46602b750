import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Turns } from './turns.js';

it('lets so many work at a time, in the order of the calls, also after one that fails', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.record({ steps: fc.integer({ min: 1, max: 4 }), fails: fc.boolean() }), { maxLength: 20 }),
      async (atATime, works) => {
        const turns = new Turns(atATime);
        const begun: number[] = [];
        let working = 0;
        let most = 0;
        const results = await Promise.allSettled(
          works.map(({ steps, fails }, i) =>
            turns.take(async () => {
              begun.push(i);
              most = Math.max(most, ++working);
              for (let step = 0; step < steps; step++) await Promise.resolve();
              working--;
              if (fails) throw new Error('no');
              return i;
            }),
          ),
        );
        expect(begun).toEqual(works.map((_, i) => i));
        expect(most).toBe(Math.min(atATime, works.length));
        expect(results.map(({ status }) => status === 'rejected')).toEqual(works.map(({ fails }) => fails));
      },
    ),
  );
});
