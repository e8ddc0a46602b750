import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { type CrashPoint, FunctionTestDriver, type GivenEvent } from '#libs/testing';
import { defineTableJoin } from './join-function.js';

interface Order {
  readonly user: string;
}
interface Account {
  readonly plan: string;
}

const SECOND = 1_000;
const HISTORY_MS = 10 * SECOND;

const withPlan = defineTableJoin({
  name: 'with-plan',
  stream: { topic: 'shop.orders', by: (order: Order) => order.user },
  table: { topic: 'shop.accounts', by: (_account: Account, { key }) => key ?? '', history: '10s' },
  kind: 'left',
  output: 'shop.orders-with-plan',
  join: (_order, account, { event, rowSinceMs }) => ({
    id: event.id,
    plan: account?.plan ?? 'none',
    sinceMs: rowSinceMs ?? null,
  }),
});

function order(id: string, second: number, user = 'ann'): GivenEvent<Order> {
  return { id, timeMs: second * SECOND, data: { user } };
}
function account(second: number, plan: string | null, key = 'ann'): GivenEvent<Account> {
  return { key, timeMs: second * SECOND, data: (plan === null ? null : { plan }) as Account };
}

describe('a join of a stream with a table', () => {
  it('finds the row as it was at the time of the event, once no earlier update can come', async () => {
    const driver = new FunctionTestDriver(withPlan);
    await driver.give(order('o5', 5));
    await driver.giveTable(account(1, 'free'), account(6, 'gold'));
    expect(driver.outputs()).toEqual([{ id: 'o5', plan: 'free', sinceMs: SECOND }]);
    await driver.give(order('o0', 0), order('o6', 6), order('bob', 2, 'bob'));
    expect(driver.outputs().slice(1)).toEqual([
      { id: 'o0', plan: 'none', sinceMs: null },
      { id: 'bob', plan: 'none', sinceMs: null },
    ]);
    await driver.giveTable(account(6.5, 'black'));
    expect(driver.outputs().at(-1)).toEqual({ id: 'o6', plan: 'gold', sinceMs: 6 * SECOND });
    expect(
      driver
        .messages()
        .map(({ key, type }) => [key, type])
        .at(-1),
    ).toEqual(['ann', 'shop.orders-with-plan']);
  });

  it('knows rows that are taken away', async () => {
    const driver = new FunctionTestDriver(withPlan);
    await driver.giveTable(account(1, 'gold'), account(3, null), account(5, 'free'));
    await driver.give(order('o2', 2), order('o4', 4));
    expect(driver.outputs().map(({ plan }) => plan)).toEqual(['gold', 'none']);
    await driver.giveTable(account(6, null), account(30, 'x', 'bob'));
    expect(driver.keptCells).toBe(1);
  });

  it('leaves out events without a row where it is inner', async () => {
    const driver = new FunctionTestDriver(
      defineTableJoin({ ...withPlan, kind: 'inner', join: (_order, { plan }) => ({ plan }) }),
    );
    await driver.giveTable(account(1, 'gold'), account(9, 'x', 'z'));
    await driver.give(order('o2', 2), order('bob', 2, 'bob'));
    expect(driver.outputs()).toEqual([{ plan: 'gold' }]);
    expect([driver.counter('unmatched'), driver.counter('results')]).toEqual([1, 1]);
  });

  it('keeps the last version however old it is, and names events from before its history', async () => {
    const driver = new FunctionTestDriver(withPlan);
    await driver.giveTable(account(1, 'free'), account(2, 'gold'), account(100, 'x', 'bob'));
    await driver.give(order('o90', 90), order('o89', 89));
    expect(driver.outputs().map(({ plan }) => plan)).toEqual(['gold']);
    expect(driver.late()).toMatchObject([{ reason: 'late', byMs: SECOND, event: { id: 'o89' } }]);
    expect(driver.keptCells).toBe(2);
  });

  it('takes late updates from their arrival on, and counts them', async () => {
    const driver = new FunctionTestDriver(withPlan);
    await driver.giveTable(account(1, 'free'), account(9, 'x', 'bob'));
    await driver.give(order('before', 5));
    await driver.giveTable(account(4, 'gold'));
    await driver.give(order('after', 5));
    expect(driver.outputs().map(({ id, plan }) => [id, plan])).toEqual([
      ['before', 'free'],
      ['after', 'gold'],
    ]);
    expect([driver.counter('late-updates'), driver.counter('updates')]).toEqual([1, 3]);
  });

  it('goes on while the table is quiet', async () => {
    const driver = new FunctionTestDriver(withPlan, { time: { idleAfterMs: 5 * SECOND } });
    await driver.giveTable(account(1, 'free'));
    await driver.give(order('o5', 5));
    expect(driver.outputs()).toEqual([]);
    await driver.advanceClock(8 * SECOND);
    expect(driver.outputs().map(({ plan }) => plan)).toEqual(['free']);
  });

  it('leaves the stream where it is while too much of it waits', async () => {
    const driver = new FunctionTestDriver(defineTableJoin({ ...withPlan, maxWaiting: 2 }));
    await driver.give(order('o1', 1), order('o2', 2));
    expect([driver.wants(0), driver.wants(1)]).toEqual([false, true]);
    await driver.giveTable(account(9, 'x'));
    expect(driver.wants(0)).toBe(true);
  });

  it('keeps no more than it may, and names what it does not keep', async () => {
    const driver = new FunctionTestDriver(defineTableJoin({ ...withPlan, maxStateBytes: 40 }));
    await driver.giveTable(account(1, 'free'), account(2, 'free', 'bob'), account(3, 'free', 'eve'));
    expect(driver.late()).toMatchObject([{ reason: 'not-kept', series: 'with-plan' }]);
    expect(driver.counter('not-kept')).toBe(1);
  });
});

interface Arrival {
  readonly kind: 'event' | 'update';
  readonly key: string;
  readonly timeMs: number;
  readonly id: string;
  readonly isDeleted: boolean;
}

/** Keeps every update, and looks at all of them for each event, at the moment at which its answer is due. */
function recounted(
  arrivals: readonly Arrival[],
  outOfOrderMs: number,
): { readonly rows: readonly string[]; readonly late: readonly string[] } {
  const watermarkMs = (place: number): number => {
    const updates = arrivals.slice(0, place + 1).filter(({ kind }) => kind === 'update');
    return Math.max(...updates.map(({ timeMs }) => timeMs)) - outOfOrderMs;
  };
  const isLate = ({ timeMs }: Arrival, place: number): boolean => timeMs < watermarkMs(place) - HISTORY_MS;
  const updatesUntil = (place: number): readonly Arrival[] =>
    arrivals.filter((each, at) => at <= place && each.kind === 'update' && !isLate(each, at));
  const late: string[] = [];
  const rows: string[] = [];
  arrivals.forEach((arrival, place) => {
    const { kind, key, timeMs, id } = arrival;
    if (isLate(arrival, place)) return late.push(id);
    if (kind === 'update') return;
    let due = place;
    while (due < arrivals.length && !(watermarkMs(due) > timeMs)) due++;
    const valid = updatesUntil(due).filter((update) => update.key === key && update.timeMs <= timeMs);
    const newest = valid.reduce<Arrival | undefined>(
      (best, update) => (best === undefined || update.timeMs >= best.timeMs ? update : best),
      undefined,
    );
    return rows.push(`${id}:${newest === undefined || newest.isDeleted ? 'none' : newest.id}`);
  });
  return { rows: rows.sort(), late: late.sort() };
}

const anyArrival = fc.record({
  kind: fc.constantFrom('event' as const, 'update' as const),
  key: fc.constantFrom('a', 'b'),
  timeMs: fc.integer({ min: 0, max: 30 }).map((second) => second * SECOND),
  isDeleted: fc.boolean(),
});
const anyStep = fc.record({
  arrivals: fc.array(anyArrival, { maxLength: 6 }),
  crash: fc.option(fc.constantFrom<CrashPoint>('before-commit', 'after-commit', 'after-delivery')),
  repeats: fc.boolean(),
  restarts: fc.boolean(),
});

/** Events go in one message as long as they are for the same side. */
function messagesOf(arrivals: readonly Arrival[]): readonly (readonly Arrival[])[] {
  const messages: Arrival[][] = [];
  for (const arrival of arrivals) {
    const last = messages.at(-1);
    if (last?.[0]?.kind === arrival.kind) last.push(arrival);
    else messages.push([arrival]);
  }
  return messages;
}

describe('the rows that events find', () => {
  it('are those of a recount that keeps everything, whatever the order, the messages, the crashes and the repeats', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyStep, { maxLength: 8 }),
        fc.constantFrom(0, 5 * SECOND, 20 * SECOND),
        async (steps, maxOutOfOrdernessMs) => {
          const driver = new FunctionTestDriver(withPlan, { time: { maxOutOfOrdernessMs } });
          const given: Arrival[] = [];
          for (const { arrivals, crash, repeats, restarts } of steps) {
            const here = arrivals.map((each, place) => ({ ...each, id: `${given.length + place}` }));
            given.push(...here);
            if (crash !== null) driver.crashAt(crash);
            for (const message of messagesOf(here)) {
              if (message[0]!.kind === 'event')
                await driver.give(
                  ...message.map(({ id, timeMs, key }) => ({ id, timeMs, data: { user: key } })),
                );
              else
                await driver.giveTable(
                  ...message.map(({ id, timeMs, key, isDeleted }) => ({
                    ...{ id, timeMs, key },
                    data: (isDeleted ? null : { plan: id }) as Account,
                  })),
                );
            }
            if (repeats) await driver.giveAllAgain();
            if (restarts) driver.restart();
          }
          await driver.advanceEventTime(100 * SECOND);
          const found = driver.outputs().map(({ id, plan }) => `${id}:${plan}`);
          const late = driver.late().map(({ event }) => event.id);
          expect({ rows: found.sort(), late: late.sort() }).toEqual(recounted(given, maxOutOfOrdernessMs));
          // Of each key at most the last row is left.
          expect(driver.keptCells).toBeLessThanOrEqual(2);
        },
      ),
    );
  });
});
