import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { type CrashPoint, FunctionTestDriver, type GivenEvent } from '#libs/testing';
import { SkipEventError } from '../model/function.errors.js';
import { defineIntervalJoin, type IntervalJoinKind } from './join-function.js';

interface Order {
  readonly order: string;
}
interface Payment {
  readonly of: string;
}

const SECOND = 1_000;

//     order      ──o──────────────     a payment belongs to an order from 2 s before it to 5 s after it
//     payment    ─[p ── p ──── p]─
const BASE = {
  name: 'paid',
  left: { topic: 'shop.orders', by: (order: Order) => order.order },
  right: { topic: 'shop.payments', by: (payment: Payment) => payment.of },
  within: { before: '2s', after: '5s' },
  output: 'shop.paid',
} as const;

const inner = defineIntervalJoin({
  ...BASE,
  kind: 'inner',
  join: (_order, _payment, { left, right }) => ({ pair: `${left?.id}+${right?.id}` }),
});
const left = defineIntervalJoin({
  ...BASE,
  kind: 'left',
  join: (_order, payment, { left: order, right }) => ({
    pair: `${order?.id}+${payment === undefined ? '' : right?.id}`,
  }),
});
const outer = defineIntervalJoin({
  ...BASE,
  kind: 'outer',
  join: (_order, _payment, pair) => ({ pair: `${pair.left?.id ?? ''}+${pair.right?.id ?? ''}` }),
});
const BY_KIND = { inner, left, outer };

function order(id: string, second: number, key = 'a'): GivenEvent<Order> {
  return { id, timeMs: second * SECOND, data: { order: key } };
}
function payment(id: string, second: number, key = 'a'): GivenEvent<Payment> {
  return { id, timeMs: second * SECOND, data: { of: key } };
}

describe('a join of two streams within an interval', () => {
  it('pairs events of a key from bound to bound, whichever comes first, at once', async () => {
    const driver = new FunctionTestDriver(inner);
    await driver.giveRight(payment('p7', 7), payment('p8', 8), payment('p15', 15), payment('other', 10, 'b'));
    await driver.give(order('o10', 10));
    await driver.giveRight(payment('p16', 16));
    expect(driver.messages().map(({ data, key, timeMs }) => [data.pair, key, timeMs])).toEqual([
      ['o10+p8', 'a', 10 * SECOND],
      ['o10+p15', 'a', 15 * SECOND],
    ]);
  });

  it('says of an event that it has no partner when none can come on time any more', async () => {
    const driver = new FunctionTestDriver(left);
    await driver.give(order('o0', 0), order('o9', 9));
    await driver.giveRight(payment('p1', 5.001));
    expect(driver.outputs()).toEqual([{ pair: 'o0+' }]);
    await driver.advanceEventTime(15 * SECOND);
    expect(driver.outputs()).toEqual([{ pair: 'o0+' }, { pair: 'o9+' }]);
    expect(driver.keptCells).toBe(0);
  });

  it('keeps an event for partners that come on time at the very end', async () => {
    const driver = new FunctionTestDriver(left);
    await driver.give(order('o0', 0));
    await driver.advanceEventTime(5 * SECOND);
    await driver.giveRight(payment('p5', 5));
    await driver.advanceEventTime(20 * SECOND);
    expect(driver.outputs()).toEqual([{ pair: 'o0+p5' }]);
  });

  it('puts what comes below the watermark of both where late events go', async () => {
    const driver = new FunctionTestDriver(outer);
    await driver.give(order('o9', 9));
    await driver.giveRight(payment('p7', 7));
    await driver.give(order('o8', 8), order('o6', 6));
    expect(driver.late()).toMatchObject([
      { reason: 'late', byMs: SECOND, series: 'paid', event: { id: 'o6', timeMs: 6 * SECOND } },
    ]);
    expect([driver.counter('taken'), driver.counter('late')]).toEqual([3, 1]);
  });

  it('follows the other side where one is read to its end and quiet', async () => {
    const driver = new FunctionTestDriver(left, { partitions: 2, time: { idleAfterMs: 10 * SECOND } });
    await driver.give({ ...order('o0', 0), key: 'k' });
    await driver.advanceClock(9 * SECOND);
    expect(driver.outputs()).toEqual([]);
    await driver.advanceClock(10 * SECOND);
    expect(driver.outputs()).toEqual([{ pair: 'o0+' }]);
  });

  it('keeps no more than it may, and names what it does not keep; the side that is ahead waits', async () => {
    const driver = new FunctionTestDriver(defineIntervalJoin({ ...outer, maxEvents: 2 }));
    await driver.give(order('o1', 1));
    expect([driver.wants(0), driver.wants(1)]).toEqual([false, true]);
    await driver.give(order('o2', 2), order('o3', 3));
    expect(driver.late()).toMatchObject([{ reason: 'not-kept', event: { id: 'o3' } }]);
    expect(driver.counter('not-kept')).toBe(1);
    await driver.giveRight(payment('p3', 3));
    expect(driver.outputs()).toEqual([{ pair: 'o1+p3' }, { pair: 'o2+p3' }]);
    expect(driver.late()).toHaveLength(2);
    expect([driver.wants(0), driver.wants(1)]).toEqual([true, true]);
  });

  it('may read both sides from one topic', async () => {
    const oneTopic = defineIntervalJoin({
      ...BASE,
      left: { topic: 'shop.enriched', where: (_order: Order, { type }) => type === 'order' },
      right: { topic: 'shop.enriched', where: (_payment: Payment, { type }) => type === 'payment' },
      kind: 'left',
      join: (_order, right) => ({ isPaid: right !== undefined }),
    });
    const driver = new FunctionTestDriver(oneTopic);
    await driver.give(
      { key: 'a', type: 'order', timeMs: 0, data: { order: 'a' } },
      { key: 'b', type: 'order', timeMs: 0, data: { order: 'b' } },
      { key: 'b', type: 'payment', timeMs: SECOND, data: { order: 'b' } },
      { key: 'b', type: 'refund', timeMs: 6 * SECOND, data: { order: 'b' } },
    );
    expect(driver.outputs()).toEqual([{ isPaid: true }, { isPaid: false }]);
    expect(driver.counter('filtered')).toBe(1);
  });

  it('makes dead letters where the code of the user fails, and skips what it skips', async () => {
    const failing = defineIntervalJoin({
      ...BASE,
      left: { ...BASE.left, by: (each: Order) => each.order.trim() },
      kind: 'inner',
      join: (_order, { of }) => {
        if (of === 'skip') throw new SkipEventError('not this one');
        throw new Error('no');
      },
    });
    const driver = new FunctionTestDriver(failing);
    await driver.give(order('o1', 1), order('o2', 1, 'skip'), {
      timeMs: SECOND,
      data: { order: 7 } as unknown as Order,
    });
    await driver.giveRight(payment('p1', 1), payment('p2', 1, 'skip'));
    expect(driver.outputs()).toEqual([]);
    expect(driver.deadLetters().map(({ eventId, code }) => [eventId, code])).toEqual([
      ['paid/given-3', 'FUNCTION_FAILED'],
      ['paid/o1+p1', 'FUNCTION_FAILED'],
    ]);
    expect(driver.counter('dead')).toBe(1);
  });

  it('is refused with every problem at once', () => {
    const problem = (): unknown =>
      defineIntervalJoin({
        ...inner,
        name: 'Paid',
        output: 'shop.late',
        kind: 'cross' as 'inner',
        within: { before: '2', after: '5s' },
      });
    expect(problem).toThrow(/name is 'Paid'.*'shop.late'.*within.before.*kind is 'cross'/);
  });
});

interface Arrival {
  readonly side: 'left' | 'right';
  readonly stream: string;
  readonly key: string;
  readonly timeMs: number;
  readonly id: string;
}

/** Keeps everything: which events were late when they came, and then every pair of the others. */
function recounted(
  arrivals: readonly Arrival[],
  kind: IntervalJoinKind,
  outOfOrderMs: number,
): { readonly pairs: readonly string[]; readonly late: readonly string[] } {
  const late: string[] = [];
  const onTime: Arrival[] = [];
  arrivals.forEach((arrival, place) => {
    const before = arrivals.slice(0, place + 1).filter(({ stream }) => stream === arrival.stream);
    const highest = (side: string): number =>
      Math.max(...before.filter((each) => each.side === side).map(({ timeMs }) => timeMs));
    const watermarkMs = Math.min(highest('left'), highest('right')) - outOfOrderMs;
    if (arrival.timeMs < watermarkMs) late.push(arrival.id);
    else onTime.push(arrival);
  });
  const lefts = onTime.filter(({ side }) => side === 'left');
  const rights = onTime.filter(({ side }) => side === 'right');
  const isPair = (l: Arrival, r: Arrival): boolean =>
    l.stream === r.stream &&
    l.key === r.key &&
    r.timeMs >= l.timeMs - 2 * SECOND &&
    r.timeMs <= l.timeMs + 5 * SECOND;
  const pairs = lefts.flatMap((l) => rights.filter((r) => isPair(l, r)).map((r) => `${l.id}+${r.id}`));
  if (kind !== 'inner') for (const l of lefts) if (!rights.some((r) => isPair(l, r))) pairs.push(`${l.id}+`);
  if (kind === 'outer') for (const r of rights) if (!lefts.some((l) => isPair(l, r))) pairs.push(`+${r.id}`);
  return { pairs: pairs.sort(), late: late.sort() };
}

const anyArrival = fc.record({
  side: fc.constantFrom('left' as const, 'right' as const),
  stream: fc.constantFrom('s', 't'),
  key: fc.constantFrom('a', 'b'),
  timeMs: fc.integer({ min: 0, max: 30 }).map((half) => half * 500),
});
const anyStep = fc.record({
  arrivals: fc.array(anyArrival, { maxLength: 6 }),
  crash: fc.option(fc.constantFrom<CrashPoint>('before-commit', 'after-commit', 'after-delivery')),
  repeats: fc.boolean(),
  restarts: fc.boolean(),
});

describe('the pairs of a join', () => {
  it('are those of a recount that keeps everything, whatever the order, the messages, the crashes and the repeats', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyStep, { maxLength: 8 }),
        fc.constantFrom<IntervalJoinKind>('inner', 'left', 'outer'),
        fc.constantFrom(0, 3 * SECOND, 20 * SECOND),
        async (steps, kind, maxOutOfOrdernessMs) => {
          const driver = new FunctionTestDriver(BY_KIND[kind] as typeof outer, {
            time: { maxOutOfOrdernessMs },
          });
          const given: Arrival[] = [];
          for (const { arrivals, crash, repeats, restarts } of steps) {
            if (crash !== null) driver.crashAt(crash);
            for (const side of ['left', 'right'] as const) {
              const here = arrivals
                .filter((each) => each.side === side)
                .map((each, place) => ({ ...each, id: `${given.length + place}` }));
              given.push(...here);
              const events = here.map(({ id, stream, key, timeMs }) => ({
                ...{ id, stream, timeMs },
                data: { order: key, of: key },
              }));
              await (side === 'left' ? driver.give(...events) : driver.giveRight(...events));
            }
            if (repeats) await driver.giveAllAgain();
            if (restarts) driver.restart();
          }
          for (const stream of ['s', 't']) await driver.advanceEventTime(100 * SECOND, stream);
          const expected = recounted(given, kind, maxOutOfOrdernessMs);
          const found = driver.outputs().map(({ pair }) => pair);
          const late = driver.late().map(({ event }) => event.id);
          expect({ pairs: found.sort(), late: late.sort() }).toEqual(expected);
          expect(driver.keptCells).toBe(0);
          expect(driver.counter('taken') + driver.counter('late')).toBe(given.length);
        },
      ),
    );
  });
});
