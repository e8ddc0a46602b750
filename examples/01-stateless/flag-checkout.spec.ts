import { expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { functionOf } from '#libs/platform';
import { FunctionTestDriver, type GivenEvent } from '#libs/testing';
import { FlagCheckout, type Request } from './flag-checkout.function.js';
import { PriceList } from './price-list.js';

function read<T>(name: string): T {
  return JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8')) as T;
}

it('sends checkouts on, and gives the expected output', async () => {
  const definition = functionOf(FlagCheckout, new FlagCheckout(new PriceList()));
  const driver = new FunctionTestDriver(definition!);
  await driver.give(...read<GivenEvent<Request>[]>('input.json'));
  const deadLetters = driver.deadLetters().map(({ code, reason }) => ({ code, reason }));
  expect({ outputs: driver.outputs(), deadLetters }).toEqual(read('expected-output.json'));
});
