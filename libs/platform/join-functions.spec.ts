import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Module } from '@nestjs/common';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { count, defineTableJoin, defineWindowFunction, tumbling } from '#libs/functions';
import { type Delivery, MessageBroker, partitionOf } from '#libs/messaging';
import { ResultStore } from '#libs/storage';
import { receiveMany, textOf } from '#libs/testing';
import { FunctionsModule } from './functions.module.js';
import { IntervalJoin } from './join-functions.js';
import { Pipelines } from './pipelines.js';
import { createApp } from './create-app.js';

interface Order {
  readonly id: string;
}
interface Payment {
  readonly of: string;
}
interface Account {
  readonly plan: string;
}

@Injectable()
class Words {
  readonly unpaid = 'unpaid';
}

@IntervalJoin({
  name: 'payments',
  left: { topic: 'shop.orders', by: (order: Order) => order.id },
  right: { topic: 'shop.payments', by: (payment: Payment) => payment.of },
  within: { before: '0s', after: '1s' },
  kind: 'left',
  output: 'shop.paid',
})
class Payments {
  constructor(@Inject(Words) private readonly words: Words) {}

  join(order: Order, payment: Payment | undefined): object {
    return { order: order.id, paid: payment === undefined ? this.words.unpaid : 'paid' };
  }
}

const PLANS = defineTableJoin({
  name: 'plans',
  stream: { topic: 'shop.orders', by: (order: Order) => order.id },
  table: { topic: 'shop.accounts', by: (_account: Account, { key }) => key ?? '', history: '1h' },
  kind: 'inner',
  output: 'shop.plans',
  join: ({ id }, { plan }) => ({ id, plan }),
});
/** Behind single messages, which nobody says to be complete. */
const ORDERS = defineWindowFunction({
  name: 'orders-per-second',
  input: 'shop.orders',
  window: tumbling('1s').withoutLateness(),
  measures: { orders: count() },
});

@Module({ imports: [FunctionsModule.of(PLANS, ORDERS)], providers: [Words, Payments] })
class ShopModule {}

const PIPELINE = `
apiVersion: millrace/v1
kind: Pipeline
metadata: {name: shop}
spec:
  partitions: 2
  event: web-request@1
  time: {maxOutOfOrderness: 0s, maxFutureSkew: 5m, idleAfter: 200ms}
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-joins-'));
  writeFileSync(join(folder, 'shop.yaml'), PIPELINE);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function start(module: new () => object): ReturnType<typeof createApp> {
  const environment = {
    MILLRACE_DATA_DIR: join(folder, 'data'),
    MILLRACE_PIPELINES: join(folder, 'shop.yaml'),
    MILLRACE_LOG_LEVEL: 'silent',
    MILLRACE_COMMIT_GAP: '5ms',
  };
  return (await createApp({ app: 'standalone', module, port: 0 }, environment, [])).init();
}

type App = Awaited<ReturnType<typeof start>>;

/** Another program writes a message. */
async function write(app: App, topic: string, { key, second, data }: Message): Promise<void> {
  const { name, partitions } = app.get(Pipelines).place(topic);
  const partition = partitionOf(key, partitions);
  const producer = await app
    .get(MessageBroker)
    .openProducer({ topic: name, partition, producerName: 'other' });
  await producer.send({ payload: Buffer.from(JSON.stringify(data)), key, eventTimeMs: second * 1_000 });
  await producer.close();
}

interface Message {
  readonly key: string;
  readonly second: number;
  readonly data: object;
}

async function messages(app: App, topic: string, wanted: number): Promise<readonly unknown[]> {
  const { name, partitions } = app.get(Pipelines).place(topic);
  const readers = await Promise.all(
    Array.from({ length: partitions }, (_, partition) =>
      app.get(MessageBroker).openReader({ topic: name, partition, from: 'earliest' }),
    ),
  );
  const found: Delivery[] = [];
  while (found.length < wanted)
    for (const reader of readers) found.push(...(await receiveMany(reader, wanted, 50)));
  await Promise.all(readers.map((reader) => reader.close()));
  return found.map((message) => JSON.parse(textOf(message)) as unknown);
}

describe('joins of an app', () => {
  it('are found, injected and run; what is quiet holds nothing back, and a restart loses nothing', async () => {
    const first = await start(ShopModule);
    await write(first, 'shop.accounts', { key: 'a', second: 1, data: { plan: 'gold' } });
    await write(first, 'shop.orders', { key: 'a', second: 2, data: { id: 'a' } });
    await write(first, 'shop.payments', { key: 'a', second: 3, data: { of: 'a' } });
    await messages(first, 'shop.paid', 1);
    await first.close();
    const second = await start(ShopModule);
    await write(second, 'shop.orders', { key: 'b', second: 100, data: { id: 'b' } });
    const paid = await messages(second, 'shop.paid', 2);
    const plans = await messages(second, 'shop.plans', 1);
    await messages(second, 'shop.results', 2);
    const { rows } = await second
      .get(ResultStore)
      .query({ pipeline: 'shop', series: 'orders-per-second', limit: 10 });
    await second.close();
    expect(paid).toEqual(
      expect.arrayContaining([
        { order: 'a', paid: 'paid' },
        { order: 'b', paid: 'unpaid' },
      ]),
    );
    expect(plans).toEqual([{ id: 'a', plan: 'gold' }]);
    expect(rows).toMatchObject([
      { windowStartMs: 2_000, measures: { orders: 1 } },
      { windowStartMs: 100_000, measures: { orders: 1 } },
    ]);
  }, 300_000);

  it('whose inputs have other partitions stop the start', async () => {
    const late = defineTableJoin({ ...PLANS, table: { ...PLANS.table, topic: 'shop.late' } });
    @Module({ imports: [FunctionsModule.of(late)] })
    class Uneven {}
    await expect(start(Uneven)).rejects.toMatchObject({
      code: 'FUNCTION_INVALID',
      message: expect.stringContaining('shop.late has 1'),
    });
  });
});
