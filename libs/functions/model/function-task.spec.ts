import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject } from '#libs/kernel';
import { FunctionTestDriver, type GivenEvent } from '#libs/testing';
import { defineFunction, type FunctionDefinition } from './function-definition.js';
import { FunctionInvalidError } from './function.errors.js';

interface Order {
  readonly user: string;
  readonly amount: number;
}

const MINUTE_MS = 60_000;

/** Sums the amounts of a user; tells the sum when the user has been quiet for a minute of event time. */
const VISITS = defineFunction<Order, { user: string; sum: number; orders: number }>({
  name: 'visits',
  input: 'shop.enriched',
  output: 'shop.visits',
  by: ({ data }) => data.user,
  process(event, { state, timers }) {
    const sum = state.value<number>('sum');
    sum.set((sum.get() ?? 0) + event.data.amount);
    state.list<string>('orders').append(event.id);
    timers.setEventTime('quiet', event.timeMs + MINUTE_MS);
  },
  onTimer(_timer, { key, state }) {
    const orders = state.list<string>('orders');
    const result = { user: key, sum: state.value<number>('sum').get() ?? 0, orders: orders.get().length };
    state.value('sum').clear();
    orders.clear();
    return result;
  },
});

function order(user: string, amount: number, timeMs: number): GivenEvent<Order> {
  return { timeMs, receivedMs: timeMs, data: { user, amount } };
}

describe('a function with state and a timer', () => {
  it('fires when the watermark passes, before the event that shows it', async () => {
    const driver = new FunctionTestDriver(VISITS);
    await driver.give(order('ann', 1, 0), order('bob', 5, 1_000), order('ann', 2, 30_000));
    expect(driver.outputs()).toEqual([]);
    expect(driver.state('ann')).toMatchObject({ sum: 3 });
    expect(driver.timers('ann')).toEqual([{ name: 'quiet', kind: 'event', dueMs: 90_000 }]);
    await driver.give(order('ann', 7, 200_000));
    expect(driver.outputs()).toEqual([
      { user: 'ann', sum: 3, orders: 2 },
      { user: 'bob', sum: 5, orders: 1 },
    ]);
    expect(driver.state('ann')).toMatchObject({ sum: 7 });
    await driver.advanceEventTime(260_000);
    expect(driver.outputs()[2]).toEqual({ user: 'ann', sum: 7, orders: 1 });
    expect(driver.state('ann')).toEqual({});
  });

  // What a key sees must not depend on how events are cut into messages, nor on where the process dies.
  it('gives the same for each key, however events are cut into messages and wherever it crashes', async () => {
    const step = fc.record({
      user: fc.constantFrom('a', 'b', 'c'),
      amount: fc.integer({ min: 1, max: 9 }),
      gapMs: fc.integer({ min: 0, max: 90_000 }),
      cut: fc.boolean(),
      crash: fc.constantFrom(undefined, undefined, 'before-commit', 'after-commit', 'after-delivery'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const driver = new FunctionTestDriver(VISITS);
        let timeMs = 0;
        let message: GivenEvent<Order>[] = [];
        const events: { user: string; amount: number; timeMs: number }[] = [];
        for (const { user, amount, gapMs, cut, crash } of steps) {
          timeMs += gapMs;
          events.push({ user, amount, timeMs });
          message.push(order(user, amount, timeMs));
          if (!cut) continue;
          if (crash !== undefined) driver.crashAt(crash);
          await driver.give(...message);
          await driver.giveAllAgain();
          message = [];
        }
        await driver.give(...message);
        await driver.advanceEventTime(timeMs + MINUTE_MS);
        for (const user of ['a', 'b', 'c']) {
          const told = driver.outputs().filter((output) => output.user === user);
          expect(told.map(({ sum, orders }) => [sum, orders])).toEqual(visitsOf(events, user));
        }
        const ids = driver.messages().map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
      }),
    );
  });
});

/** The slow way: cut the events of one user wherever a minute is quiet. */
function visitsOf(
  events: readonly { user: string; amount: number; timeMs: number }[],
  user: string,
): number[][] {
  const visits: number[][] = [];
  let lastMs = -Infinity;
  for (const event of events.filter((each) => each.user === user)) {
    if (event.timeMs - lastMs >= MINUTE_MS) visits.push([0, 0]);
    const visit = visits.at(-1)!;
    visit[0]! += event.amount;
    visit[1]! += 1;
    lastMs = event.timeMs;
  }
  return visits;
}

/** A function of one handler. */
function functionOf(
  process: FunctionDefinition<Order, JsonObject>['process'],
  rest: Partial<FunctionDefinition<Order, JsonObject>> = {},
): FunctionDefinition<Order, JsonObject> {
  return defineFunction<Order, JsonObject>({
    name: 'one',
    input: 'shop.enriched',
    output: 'shop.out',
    by: ({ data }) => data.user,
    process,
    ...rest,
  });
}

describe('the context', () => {
  it('keeps values, maps and lists, each key its own', async () => {
    const driver = new FunctionTestDriver(
      functionOf(({ data }, { state }) => {
        const counts = state.map<number>('counts');
        const entry = data.amount > 5 ? 'large' : 'small';
        counts.set(entry, (counts.get(entry) ?? 0) + 1);
        if (data.amount === 9) counts.delete('small');
        return { entries: counts.entries().map(([name, value]) => `${name}=${value}`) };
      }),
    );
    await driver.give(
      order('a', 1, 0),
      order('b', 7, 0),
      order('a', 8, 0),
      order('a', 2, 0),
      order('a', 9, 0),
    );
    expect(driver.outputs().map(({ entries }) => entries)).toEqual([
      ['small=1'],
      ['large=1'],
      ['small=1', 'large=1'],
      ['small=2', 'large=1'],
      ['large=2'],
    ]);
    expect(driver.state('a')).toEqual({ counts: { large: 2 } });
  });

  it('gives state that nobody can change but by set', async () => {
    const driver = new FunctionTestDriver(
      functionOf((_event, { state }) => {
        const value = state.value<{ n: number }>('value');
        const mine = { n: (value.get()?.n ?? 0) + 1 };
        value.set(mine);
        mine.n = 100;
        expect(() => Object.assign(value.get()!, { n: 7 })).toThrow(TypeError);
      }),
    );
    await driver.give(order('a', 1, 0), order('a', 1, 0));
    expect(driver.state('a')).toEqual({ value: { n: 2 } });
    expect(driver.deadLetters()).toEqual([]);
  });

  it('forgets state by event time and by the wall clock', async () => {
    const driver = new FunctionTestDriver(
      functionOf(({ data }, { state }) => {
        const seen = state.value<number>('seen', { ttl: '1m' });
        const recent = state.value<number>('recent', { ttl: '1h', by: 'wall' });
        const found = { seen: seen.get() ?? null, recent: recent.get() ?? null };
        seen.set(data.amount);
        recent.set(data.amount);
        return found;
      }),
    );
    await driver.give(order('a', 1, 0), order('a', 2, 59_999), order('a', 3, 119_999));
    expect(driver.outputs()).toEqual([
      { seen: null, recent: null },
      { seen: 1, recent: 1 },
      { seen: null, recent: 2 },
    ]);
    await driver.advanceClock(3_600_000);
    expect(driver.state('a')).toEqual({ seen: 3 });
    await driver.advanceEventTime(500_000);
    expect(driver.state('a')).toEqual({});
  });

  it('has timers by the wall clock, that survive a crash', async () => {
    const driver = new FunctionTestDriver(
      functionOf((_event, { timers, nowMs }) => timers.setWallClock('later', nowMs + 5_000), {
        onTimer: ({ name, kind, dueMs }, { key }) => ({ name, kind, dueMs, key }),
      }),
      { nowMs: 1_000_000 },
    );
    await driver.give(order('a', 1, 0));
    driver.restart();
    await driver.advanceClock(4_999);
    expect(driver.outputs()).toEqual([]);
    await driver.advanceClock(1);
    expect(driver.outputs()).toEqual([{ name: 'later', kind: 'wall', dueMs: 1_005_000, key: 'a' }]);
    expect(driver.timers('a')).toEqual([]);
  });

  it('counts, publishes, and hands out configuration and secrets that hide', async () => {
    const driver = new FunctionTestDriver(
      functionOf(
        ({ data }, context) => {
          context.counters.add('orders');
          context.counters.add('amount', data.amount);
          const secret = context.secret('TOKEN');
          context.publish(
            'shop.audit',
            { text: `${secret}`, json: JSON.stringify({ secret }) },
            { key: 'k' },
          );
          return { limit: context.config['limit'] ?? null, length: secret.reveal().length };
        },
        { publishes: ['shop.audit'], config: { limit: 3 }, secrets: ['TOKEN'] },
      ),
      { secrets: { TOKEN: 'geheim' } },
    );
    await driver.give(order('a', 2, 0), order('b', 3, 0));
    expect([driver.counter('orders'), driver.counter('amount')]).toEqual([2, 5]);
    expect(driver.outputs()[0]).toEqual({ limit: 3, length: 6 });
    expect(driver.messages('shop.audit')[0]).toMatchObject({
      key: 'k',
      type: 'shop.audit',
      id: 'one/demo/given-1/0',
      data: { text: '***', json: '{"secret":"***"}' },
    });
  });

  it('is of no use after its call', async () => {
    let kept: { set(value: number): void } | undefined;
    const driver = new FunctionTestDriver(
      functionOf((_e, { state }) => void (kept = state.value<number>('v'))),
    );
    await driver.give(order('a', 1, 0));
    expect(() => kept?.set(1)).toThrow('the call has ended');
  });
});

describe('what falls due at once', () => {
  it('goes out in slices of a commit each, all of it', async () => {
    const driver = new FunctionTestDriver(
      functionOf((event, { timers }) => timers.setEventTime('end', event.timeMs + 1), {
        onTimer: (_timer, { key }) => ({ key, text: 'x'.repeat(600_000) }),
      }),
    );
    await driver.give(...Array.from({ length: 20 }, (_, n) => order(`u${n}`, 1, 0)));
    driver.crashAt('after-commit');
    await driver.advanceEventTime(1);
    expect(new Set(driver.outputs().map(({ key }) => key)).size).toBe(20);
    expect(driver.outputs()).toHaveLength(20);
    expect(driver.commits).toBeGreaterThan(3);
  });
});

describe('a definition', () => {
  it.each([
    [{ name: 'No Good' }, 'its name is'],
    [{ name: 'local' }, 'a stage of every pipeline'],
    [{ input: 'shop.partials' }, 'holds no events'],
    [{ output: 'shop.results' }, 'which Millrace writes itself'],
    [{ output: 'shop.enriched' }, 'must not send'],
    [{ maxInFlight: 0 }, 'maxInFlight is 0'],
    [{ parkFor: 'soon' }, "'soon' is not a duration"],
  ])('%j is refused', (part, problem) => {
    expect(() => functionOf(() => undefined, part)).toThrow(FunctionInvalidError);
    expect(() => functionOf(() => undefined, part)).toThrow(problem);
  });

  it('without a secret that it declares does not start', () => {
    const definition = functionOf(() => undefined, { secrets: ['TOKEN'] });
    expect(() => new FunctionTestDriver(definition)).toThrow("no secret 'TOKEN'");
  });
});
