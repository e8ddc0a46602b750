import { expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FunctionTestDriver, type GivenEvent } from '#libs/testing';
import { type Accounts, addPlan, type Request } from './add-plan.function.js';

function read<T>(name: string): T {
  return JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8')) as T;
}

const PLANS: Readonly<Record<string, string>> = { ann: 'gold', bob: 'free' };

it('lets one user wait and the others go on', async () => {
  let isAway = true;
  const accounts: Accounts = {
    planOf: async (user) => {
      await Promise.resolve();
      if (isAway && user === 'bob') throw new Error('503');
      return PLANS[user];
    },
  };
  const driver = new FunctionTestDriver(addPlan(accounts));
  await driver.give(...read<GivenEvent<Request>[]>('input.json'));
  const whileAway = driver.outputs();
  expect(driver.parked()).toEqual({ bob: 2 });
  isAway = false;
  driver.restart();
  await driver.advanceClock(60_000);
  const whenBack = driver.outputs().slice(whileAway.length);
  const deadLetters = driver.deadLetters().map(({ code, reason }) => ({ code, reason }));
  expect({ whileAway, whenBack, deadLetters }).toEqual(read('expected-output.json'));
});
