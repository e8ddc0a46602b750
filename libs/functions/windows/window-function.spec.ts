import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { type CrashPoint, FunctionTestDriver, type GivenEvent, WindowTestDriver } from '#libs/testing';
import { SkipEventError } from '../model/function.errors.js';
import { count, countIf, custom, quantile, sum, when } from './measure.js';
import { counted, hopping, session, type StatedWindow, tumbling } from './stated-window.js';
import { defineWindowFunction, type WindowRow } from './window-function.js';

interface Checkout {
  readonly shopId: string;
  readonly total: number;
}

const SECOND = 1_000;
const MINUTE = 60_000;

const revenue = defineWindowFunction({
  name: 'revenue',
  input: 'shop.checkouts',
  window: tumbling('1m').withAllowedLateness('30s'),
  by: (c: Checkout) => ({ shop: c.shopId }),
  measures: {
    orders: count(),
    large: countIf((c) => c.total > 10),
    revenue: sum((c) => c.total),
    p50: quantile(0.5, (c) => c.total),
    largeRevenue: when(
      (c) => c.total > 10,
      sum((c) => c.total),
    ),
  },
});

function at(second: number, shopId = 'a', total = 1): GivenEvent<Checkout> {
  return { timeMs: second * SECOND, data: { shopId, total } };
}

describe('a window function', () => {
  it('gives a row for each window and key, typed by its measures', async () => {
    const driver = new WindowTestDriver(revenue);
    await driver.give(at(1, 'a', 3), at(2, 'b', 20), at(59, 'a', 4), at(60));
    const [a, b] = driver.rows();
    const orders: number | undefined = a?.measures.orders;
    const p50: number | null | undefined = b?.measures.p50;
    expect(orders).toBe(2);
    expect(p50).toBeCloseTo(20, 0);
    expect(a).toMatchObject({
      series: 'revenue',
      key: { shop: 'a' },
      windowStartMs: 0,
      windowEndMs: MINUTE,
      measures: { orders: 2, large: 0, revenue: 7, largeRevenue: 0 },
      revision: 0,
    });
    expect(b).toMatchObject({ key: { shop: 'b' }, measures: { large: 1, largeRevenue: 20 } });
    // Without an output the messages are those of every series.
    expect(driver.messages('shop.results').map(({ type, timeMs }) => [type, timeMs])).toEqual([
      ['com.millrace.result.v1', MINUTE],
      ['com.millrace.result.v1', MINUTE],
    ]);
  });

  it('corrects a row while lateness is allowed, and names what came later', async () => {
    const driver = new WindowTestDriver(revenue);
    await driver.giveEach(at(1), at(61), at(2), at(90), at(3));
    expect(driver.revisions().map(({ revision, measures }) => [revision, measures.orders])).toEqual([
      [0, 1],
      [1, 2],
    ]);
    expect(driver.late()).toMatchObject([
      {
        reason: 'late',
        byMs: 30 * SECOND,
        series: 'revenue',
        window: { startMs: 0 },
        event: { timeMs: 3_000 },
      },
    ]);
    expect([driver.counter('counted'), driver.counter('late')]).toEqual([4, 1]);
  });

  it('gives one row for a key that is spread over partitions', async () => {
    const driver = new WindowTestDriver(revenue, { partitions: 4 });
    await driver.give(...Array.from({ length: 20 }, () => at(1)));
    await driver.advanceEventTime(MINUTE);
    expect(driver.rows().map(({ measures }) => measures.orders)).toEqual([20]);
    await driver.giveAllAgain();
    expect(driver.revisions()).toHaveLength(1);
  });

  it('shows what is still filling', async () => {
    const driver = new WindowTestDriver(revenue);
    await driver.give(at(1), at(2));
    expect((await driver.provisional()).map(({ measures }) => measures.orders)).toEqual([2]);
    await driver.give(at(60));
    expect(await driver.provisional()).toMatchObject([{ windowStartMs: MINUTE }]);
  });

  it('closes its windows when the stream has been quiet for a while, or is said to be complete', async () => {
    const quiet = new WindowTestDriver(revenue, { partitions: 2, time: { idleAfterMs: 10 * SECOND } });
    await quiet.give({ ...at(1), key: 'a' });
    await quiet.advanceClock(10 * SECOND);
    expect(quiet.rows()).toEqual([]);
    await quiet.advanceClock(MINUTE);
    expect(quiet.rows()).toHaveLength(1);
    const closed = new WindowTestDriver(revenue, { partitions: 2 });
    await closed.give({ ...at(1), key: 'a' });
    await closed.close();
    expect(closed.rows()).toHaveLength(1);
    await closed.give(at(2));
    expect(closed.late()).toHaveLength(1);
  });

  it('puts events that are ahead of their arrival where late ones go', async () => {
    const driver = new WindowTestDriver(revenue, { time: { maxFutureSkewMs: SECOND } });
    await driver.give({ ...at(100), receivedMs: 0 }, { ...at(1), receivedMs: SECOND });
    expect(driver.late()).toMatchObject([{ reason: 'future', byMs: 99 * SECOND, series: 'revenue' }]);
    expect([driver.counter('future'), driver.counter('counted')]).toEqual([1, 1]);
  });

  it('counts what the cap on keys leaves out under one key of the same names', async () => {
    const driver = new WindowTestDriver(defineWindowFunction({ ...revenue, maxKeys: 1 }));
    await driver.give(at(1, 'a'), at(1, 'b'), at(2, 'c'), at(60));
    expect(driver.rows().map(({ key, measures }) => [key, measures['orders']])).toEqual([
      [{ shop: '__other__' }, 2],
      [{ shop: 'a' }, 1],
    ]);
  });
});

describe('the windows of a function', () => {
  it('may be sessions, of which the grown take back the shorter', async () => {
    const visits = defineWindowFunction({
      ...revenue,
      name: 'visits',
      window: session('10s').withAllowedLateness('1m'),
    });
    const driver = new WindowTestDriver(visits);
    await driver.giveEach(at(0), at(30), at(18), at(9), at(24), at(200));
    expect(
      driver
        .rows()
        .map(({ windowStartMs, windowEndMs, measures }) => [
          windowStartMs / SECOND,
          windowEndMs / SECOND,
          measures['orders'],
        ]),
    ).toEqual([[0, 40, 5]]);
    expect(driver.revisions().some(({ retracted }) => retracted === true)).toBe(true);
  });

  it('may overlap, or be counted', async () => {
    const hops = new WindowTestDriver(
      defineWindowFunction({ ...revenue, name: 'hops', window: hopping('2m', '1m').withoutLateness() }),
    );
    await hops.give(at(30), at(90), at(300));
    expect(
      hops.rows().map(({ windowStartMs, measures }) => [windowStartMs / MINUTE, measures['orders']]),
    ).toEqual([
      [-1, 1],
      [0, 2],
      [1, 1],
    ]);
    const triples = new WindowTestDriver(
      defineWindowFunction({ ...revenue, name: 'triples', window: counted(3) }),
    );
    await triples.give(at(5), at(1), at(3), at(2));
    expect(triples.rows().map(({ measures }) => measures['orders'])).toEqual([3]);
  });
});

describe('the code of a window function', () => {
  it('makes of a row what goes to the output, with the key and the last moment of the window', async () => {
    const told = defineWindowFunction<Checkout>({
      ...revenue,
      name: 'told',
      output: 'shop.told',
      complete: ({ key, measures, retracted }: WindowRow) =>
        key['shop'] === 'b' ? undefined : { shop: key['shop'], sum: measures['revenue'], retracted },
    });
    const driver = new WindowTestDriver(told);
    await driver.give(at(1, 'a', 3), at(2, 'b'), at(60));
    expect(driver.messages()).toMatchObject([
      { key: 'a', timeMs: MINUTE - 1, type: 'shop.told', data: { shop: 'a', sum: 3 } },
    ]);
    expect(driver.rows()).toHaveLength(2);
  });

  it('costs an event a dead letter where it fails, and nothing else', async () => {
    const poisoned = defineWindowFunction({
      name: 'poisoned',
      input: 'shop.checkouts',
      window: tumbling('1m').withoutLateness(),
      by: ({ shopId }: Checkout) => {
        if (shopId === 'skip') throw new SkipEventError('not worth it');
        return { shop: shopId.toUpperCase() };
      },
      measures: {
        orders: count(),
        places: custom<Checkout, number>({
          zero: () => 0,
          add: (sum, { total }) => sum + total.toFixed(2).length,
          merge: (a, b) => a + b,
          result: (sum) => sum,
        }),
      },
    });
    const driver = new WindowTestDriver(poisoned);
    const broken = [
      { shopId: 7, total: 1 },
      { shopId: 'a', total: 'x' },
    ] as unknown as Checkout[];
    await driver.give(
      at(1, 'a', 3),
      ...broken.map((data) => ({ timeMs: 2 * SECOND, data })),
      at(3, 'skip'),
      at(4, 'a', 3),
      at(60),
    );
    expect(driver.rows()).toMatchObject([{ key: { shop: 'A' }, measures: { orders: 2, places: 8 } }]);
    expect(driver.deadLetters()).toMatchObject([{ code: 'FUNCTION_FAILED' }, { code: 'FUNCTION_FAILED' }]);
    expect(['counted', 'dead', 'skipped'].map((fate) => driver.counter(fate))).toEqual([3, 2, 1]);
  });

  it('costs a message a dead letter where complete fails; the row stays', async () => {
    const failing = defineWindowFunction<Checkout>({
      ...revenue,
      name: 'failing',
      output: 'shop.failing',
      complete: () => {
        throw new Error('no');
      },
    });
    const driver = new WindowTestDriver(failing);
    await driver.give(at(1), at(60));
    expect(driver.rows()).toHaveLength(1);
    expect(driver.outputs()).toEqual([]);
    expect(driver.deadLetters()).toMatchObject([{ reason: 'no', stage: 'failing' }]);
  });

  it('is typed from input to measures', async () => {
    const options = { name: 'typed', input: 'shop.checkouts', by: (c: Checkout) => ({ shop: c.shopId }) };
    const window = tumbling('1m').withoutLateness();
    // @ts-expect-error: what happens to late events has to be said
    const unstated: StatedWindow = tumbling('1m');
    expect(() => defineWindowFunction({ ...options, window: unstated, measures: { n: count() } })).toThrow();
    // @ts-expect-error: a checkout has no such field
    defineWindowFunction({ ...options, window, measures: { n: sum((c) => c.price) } });
    const typed = defineWindowFunction({
      ...options,
      window,
      measures: { orders: count() },
      complete: ({ measures }) => ({ double: measures.orders * 2 }),
    });
    const driver = new FunctionTestDriver(typed);
    await driver.give(at(1), at(60));
    const doubles: readonly number[] = driver.outputs().map(({ double }) => double);
    expect(doubles).toEqual([2]);
    // @ts-expect-error: there is no such measure
    expect(driver.rows()[0]?.measures.revenue).toBeUndefined();
  });

  it('is refused with every problem at once', () => {
    const problem = (): unknown =>
      defineWindowFunction({
        name: 'Local',
        input: 'nothing',
        window: tumbling('1m') as never,
        measures: {},
        maxKeys: 0,
      });
    expect(problem).toThrow(/its name is 'Local'.*the topic is 'nothing'.*no measures.*late events.*maxKeys/);
  });

  it('may make keys of any length, which stay apart', async () => {
    const driver = new WindowTestDriver(revenue);
    const long = 'x'.repeat(2_000);
    await driver.give(at(1, `${long}a`), at(1, `${long}b`), at(1, `${long}b`), at(60));
    expect(
      driver
        .rows()
        .map(({ measures }) => measures.orders)
        .sort(),
    ).toEqual([1, 2]);
  });
});

/** Everything is kept, and each row is counted anew; no event is late. */
function recounted(events: readonly GivenEvent<Checkout>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { timeMs = 0, data } of events) {
    const row = `${Math.floor(timeMs / MINUTE)}/${data.shopId}`;
    sums[row] = (sums[row] ?? 0) + data.total;
  }
  return sums;
}

const anyCheckout = fc.record({
  second: fc.integer({ min: -200, max: 200 }),
  shopId: fc.constantFrom('a', 'b', 'c'),
  total: fc.integer({ min: 0, max: 100 }),
});
const anyCrash = fc.constantFrom<CrashPoint>('before-commit', 'after-commit', 'after-delivery');
const anyStep = fc.record({
  events: fc.array(anyCheckout, { maxLength: 5 }),
  crash: fc.option(fc.tuple(anyCrash, fc.constantFrom('local' as const, 'global' as const))),
  repeats: fc.boolean(),
});

describe('the rows of a window function', () => {
  it('are those of a recount, whatever the order, the partitions, the crashes and the repeats', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyStep, { maxLength: 8 }),
        fc.integer({ min: 1, max: 4 }),
        async (steps, partitions) => {
          const time = { maxOutOfOrdernessMs: 400 * SECOND };
          const driver = new WindowTestDriver(revenue, { partitions, time });
          const given = steps.map(({ events }) =>
            events.map(({ second, shopId, total }) => at(second, shopId, total)),
          );
          for (const [place, { crash, repeats }] of steps.entries()) {
            if (crash !== null) driver.crashAt(...crash);
            await driver.give(...given[place]!);
            if (repeats) await driver.giveAllAgain();
          }
          await driver.advanceEventTime(1_000 * SECOND);
          const rows = driver.rows();
          const found = rows.map(({ windowStartMs, key, measures }) => [
            `${windowStartMs / MINUTE}/${String(key['shop'])}`,
            measures.revenue,
          ]);
          expect(Object.fromEntries(found)).toEqual(recounted(given.flat()));
          expect(rows).toHaveLength(found.length);
          expect(driver.late()).toEqual([]);
        },
      ),
    );
  });
});
