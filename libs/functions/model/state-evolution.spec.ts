import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonValue } from '#libs/kernel';
import { FunctionTestDriver, type StoredState } from '#libs/testing';
import { defineFunction, type FunctionDefinition } from './function-definition.js';
import type { StateSettings } from './state-evolution.js';

interface Order {
  readonly user: string;
  readonly amount: number;
}

/** Of every version: sums amounts under `name`. */
function summing(name: string, state?: StateSettings): FunctionDefinition<Order, number> {
  return defineFunction<Order, number>({
    name: 'sums',
    input: 'shop.enriched',
    output: 'shop.sums',
    by: ({ data }) => data.user,
    ...(state === undefined ? {} : { state }),
    process({ data }, context) {
      const sum = context.state.value<number>(name);
      sum.set((sum.get() ?? 0) + data.amount);
      context.state.map<number>('seen').set(String(data.amount), 1);
      return sum.get();
    },
  });
}

async function storedByFirst(): Promise<StoredState> {
  const driver = new FunctionTestDriver(summing('sum'));
  await driver.give({ data: { user: 'ann', amount: 3 } }, { data: { user: 'bob', amount: 4 } });
  return JSON.parse(JSON.stringify(driver.stored())) as StoredState;
}

describe('the state of a function', () => {
  it('goes on under a new name and with new values, migrated step by step', async () => {
    const driver = new FunctionTestDriver(
      summing('cents', {
        version: 3,
        names: ['cents', 'seen'],
        migrate: {
          2: { rename: { sum: 'total' } },
          3: {
            rename: { total: 'cents' },
            value: (value, { name }) => (name === 'cents' ? Number(value) * 100 : value),
          },
        },
      }),
      { stored: await storedByFirst() },
    );
    await driver.give({ data: { user: 'ann', amount: 1 } });
    expect(driver.outputs()).toEqual([301]);
    expect(driver.state('ann')).toEqual({ cents: 301, seen: { 1: 1, 3: 1 } });
    expect(driver.state('bob')).toEqual({ cents: 400, seen: { 4: 1 } });
  });

  it('tells a migration stream, key, name and entry of each value, and removes what it gives nothing for', async () => {
    const places: object[] = [];
    const state: StateSettings = {
      version: 2,
      migrate: {
        2: (value, place) => {
          places.push(place);
          return place.name === 'seen' ? undefined : value;
        },
      },
    };
    const driver = new FunctionTestDriver(summing('sum', state), { stored: await storedByFirst() });
    expect(places).toContainEqual({ stream: 'demo', key: 'ann', name: 'sum' });
    expect(places).toContainEqual({ stream: 'demo', key: 'ann', name: 'seen', entry: '3' });
    expect(driver.state('bob')).toEqual({ sum: 4 });
  });

  it('of a newer version is refused, with operator, found and known versions', async () => {
    const { cells } = await storedByFirst();
    const state: StateSettings = { version: 2, migrate: { 2: {} } };
    const start = (): unknown =>
      new FunctionTestDriver(summing('sum', state), { stored: { version: 3, cells } });
    expect(start).toThrow("state of operator 'function/sums', version 3");
    expect(start).toThrow("knows operator 'function/sums', versions 1 to 2");
  });

  it('under a name that is not declared is refused at the start, and named', async () => {
    const stored = await storedByFirst();
    const start = (): unknown =>
      new FunctionTestDriver(summing('total', { names: ['total', 'seen'] }), { stored });
    expect(start).toThrow("state of the name 'sum' is stored; declared are: total, seen");
  });

  it('under a name that is not declared is refused in a call', async () => {
    const driver = new FunctionTestDriver(summing('sums', { names: ['sum', 'seen'] }));
    await driver.give({ data: { user: 'ann', amount: 1 } });
    expect(driver.deadLetters()).toMatchObject([{ code: 'FUNCTION_STATE_UNDECLARED' }]);
  });

  it('is not merged where a name is renamed to one that is taken', async () => {
    const state: StateSettings = { version: 2, migrate: { 2: { rename: { seen: 'sum' } } } };
    const stored: StoredState = {
      version: 1,
      cells: { [cell('sum')]: [1], [cell('seen')]: [2] },
    };
    const start = (): unknown => new FunctionTestDriver(summing('sum', state), { stored });
    expect(start).toThrow("'seen' can't be renamed to 'sum'");
  });

  it('may be migrated only to versions up to its own', () => {
    expect(() => summing('sum', { version: 2, migrate: { 3: {} } })).toThrow('state.migrate makes version 3');
    expect(() => summing('sum', { version: 0 })).toThrow('state.version is 0');
  });

  it('is the same whether it is migrated in one process or in several', () => {
    const values = fc.dictionary(fc.constantFrom('sum', 'x', 'y'), fc.integer());
    const steps: NonNullable<StateSettings['migrate']> = {
      2: { rename: { sum: 'total' } },
      3: (value) => Number(value) + 1,
      4: { remove: ['x'], value: (value) => Number(value) * 2 },
    };
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 4 }), (found, stop) => {
        const cells = Object.fromEntries(Object.entries(found).map(([name, value]) => [cell(name), [value]]));
        const to = (version: number, stored: StoredState): StoredState =>
          new FunctionTestDriver(summing('sum', { version, migrate: upTo(version, steps) }), {
            stored,
          }).stored();
        const first: StoredState = { version: 1, cells: cells as Record<string, JsonValue> };
        expect(to(4, to(stop, first))).toEqual(to(4, first));
        const expected = Object.entries(found)
          .filter(([name]) => name !== 'x')
          .map(([name, value]) => [cell(name === 'sum' ? 'total' : name), [(value + 1) * 2]]);
        expect(to(4, first).cells).toEqual(Object.fromEntries(expected));
      }),
    );
  });
});

function cell(name: string): string {
  return `s/${JSON.stringify(['demo\nann', name])}`;
}

function upTo(
  version: number,
  steps: NonNullable<StateSettings['migrate']>,
): NonNullable<StateSettings['migrate']> {
  return Object.fromEntries(Object.entries(steps).filter(([made]) => Number(made) <= version));
}
