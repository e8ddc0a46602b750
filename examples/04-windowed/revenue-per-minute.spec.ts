import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CrashPoint, FunctionTestDriver, type GivenEvent } from '#libs/testing';
import { type Order, revenuePerMinute } from './revenue-per-minute.function.js';

function read<T>(name: string): T {
  return JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8')) as T;
}

const INPUT = read<readonly GivenEvent<Order>[]>('input.json');

describe('revenue per minute', () => {
  it('is one row a shop and minute, corrected while lateness is allowed', async () => {
    const driver = new FunctionTestDriver(revenuePerMinute);
    await driver.giveEach(...INPUT);
    const rows = driver.rows().map(({ key, windowStartMs, revision, measures }) => ({
      shop: key['shop'],
      minute: windowStartMs / 60_000,
      revision,
      orders: measures.orders,
      revenue: measures.revenue,
    }));
    const late = driver.late().map(({ reason, byMs, event }) => ({ reason, byMs, order: event.data }));
    expect({ rows, late }).toEqual(read('expected-output.json'));
  });

  it.each(['before-commit', 'after-commit', 'after-delivery'] satisfies CrashPoint[])(
    'is the same though both processes die %s, every time, and keys are spread over partitions',
    async (point) => {
      const driver = new FunctionTestDriver(revenuePerMinute, {
        partitions: 3,
        time: { maxOutOfOrdernessMs: 300_000 },
      });
      for (const event of INPUT) {
        driver.crashAt(point, 'local');
        driver.crashAt(point, 'global');
        await driver.give(event);
      }
      await driver.advanceEventTime(180_000);
      const sums = driver.rows().map(({ key, measures }) => [key['shop'], measures.revenue]);
      expect(sums).toEqual([
        ['pots', 8_700],
        ['tea', 1_500],
        ['tea', 450],
        ['pots', 2_900],
      ]);
    },
  );
});
