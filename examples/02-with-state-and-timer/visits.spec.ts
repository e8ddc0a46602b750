import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CrashPoint, FunctionTestDriver, type GivenEvent } from '#libs/testing';
import { type Request, type Visit, visits } from './visits.function.js';

function read<T>(name: string): T {
  return JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8')) as T;
}

const INPUT = read<readonly (GivenEvent<Request> & { readonly timeMs: number })[]>('input.json');
const EXPECTED = read<Readonly<Record<string, readonly Visit[]>>>('expected-output.json');

function byUser(found: readonly Visit[]): Partial<Record<string, Visit[]>> {
  return Object.groupBy(found, ({ user }) => user);
}

describe('visits', () => {
  it('end half an hour after the last request', async () => {
    const driver = new FunctionTestDriver(visits);
    await driver.give(...INPUT);
    expect(byUser(driver.outputs())).toEqual(EXPECTED);
    expect(driver.state('ann')).toMatchObject({ visit: { requests: 1, landing: '/' } });
  });

  it.each(['before-commit', 'after-commit', 'after-delivery'] satisfies CrashPoint[])(
    'are the same though the process dies %s, every time',
    async (point) => {
      const driver = new FunctionTestDriver(visits);
      for (const event of INPUT) {
        driver.crashAt(point);
        await driver.give(event);
      }
      expect(byUser(driver.outputs())).toEqual(EXPECTED);
    },
  );
});
