import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Module } from '@nestjs/common';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  count,
  defineFunction,
  defineWindowFunction,
  progressOwnerOf,
  quantile,
  sum,
  tumbling,
  type WindowRow,
} from '#libs/functions';
import { anEvent, receiveMany, textOf } from '#libs/testing';
import { BEFORE_FIRST, type Delivery, encodeFrame, MessageBroker } from '#libs/messaging';
import { COLLECTIONS, DocumentStore, ResultStore } from '#libs/storage';
import { FunctionsModule } from './functions.module.js';
import { Pipelines } from './pipelines.js';
import { createApp } from './create-app.js';
import { WindowFunction } from './window-function.js';

interface Checkout {
  readonly shopId: string;
  readonly total: number;
}

@Injectable()
class Currency {
  readonly name = 'EUR';
}

@WindowFunction({
  name: 'revenue-per-minute',
  input: 'web.enriched',
  output: 'web.revenue',
  window: tumbling('1m').withAllowedLateness('30s'),
  by: (c: Checkout) => ({ shop: c.shopId }),
  measures: { orders: count(), revenue: sum((c) => c.total), p95: quantile(0.95, (c) => c.total) },
})
class RevenuePerMinute {
  constructor(@Inject(Currency) private readonly currency: Currency) {}

  complete({ key, measures }: WindowRow<{ revenue: number }>): object {
    return { shop: key['shop'], revenue: `${measures.revenue} ${this.currency.name}` };
  }
}

/** Behind a function, and without Nest: its messages go to `results`. */
const CHECKOUTS = defineFunction<Checkout, Checkout>({
  name: 'checkouts',
  input: 'web.enriched',
  output: 'web.checkouts',
  process: ({ data }) => data,
});
const ORDERS = defineWindowFunction({
  name: 'orders',
  input: 'web.checkouts',
  window: tumbling('1m').withoutLateness(),
  by: (c: Checkout) => ({ shop: c.shopId }),
  measures: { orders: count() },
});

@Module({ imports: [FunctionsModule.of(CHECKOUTS, ORDERS)], providers: [Currency, RevenuePerMinute] })
class ShopModule {}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-windows-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const environment = (): Record<string, string> => ({
  MILLRACE_DATA_DIR: folder,
  MILLRACE_LOG_LEVEL: 'silent',
  MILLRACE_COMMIT_GAP: '5ms',
  MILLRACE_COMMIT_INTERVAL: '20ms',
});

async function start(module: new () => object = ShopModule): ReturnType<typeof createApp> {
  return (await createApp({ app: 'standalone', module, port: 0 }, environment(), [])).init();
}

type App = Awaited<ReturnType<typeof start>>;

/** Writes one frame into a partition of `enriched`, as enrich does. */
async function enrich(
  app: App,
  { partition, entry }: { readonly partition: number; readonly entry: number },
  events: readonly { readonly second: number; readonly shopId: string; readonly total: number }[],
): Promise<void> {
  const topic = app.get(Pipelines).place('web.enriched').name;
  const producer = await app
    .get(MessageBroker)
    .openProducer({ topic, partition, producerName: `web/enrich/${partition}` });
  const after = entry === 0 ? BEFORE_FIRST : ([0, entry - 1, 0, 0] as const);
  const items = events.map(({ second, shopId, total }, index) =>
    anEvent({
      id: `${partition}-${entry}-${index}`,
      timeMs: second * 1_000,
      receivedMs: second * 1_000,
      data: { shopId, total },
    }),
  );
  const header = { v: 1, kind: 'enriched', covers: { after, upTo: [0, entry, 0, 0] } } as const;
  await producer.send(
    encodeFrame(
      header,
      items.map((item) => JSON.stringify(item)),
    ),
  );
  await producer.close();
}

async function messages(app: App, topic: string, count: number): Promise<readonly Delivery[]> {
  const { name, partitions } = app.get(Pipelines).place(topic);
  const readers = await Promise.all(
    Array.from({ length: partitions }, (_, partition) =>
      app.get(MessageBroker).openReader({ topic: name, partition, from: 'earliest' }),
    ),
  );
  const found: Delivery[] = [];
  while (found.length < count)
    for (const reader of readers) found.push(...(await receiveMany(reader, count, 50)));
  await Promise.all(readers.map((reader) => reader.close()));
  return found;
}

const dataOf = (found: readonly Delivery[]): unknown[] =>
  found.map((message) => JSON.parse(textOf(message)) as unknown);

describe('a window function', () => {
  it('gives one row for a key that is spread over all partitions, and goes on after a restart', async () => {
    const first = await start();
    const { partitions } = first.get(Pipelines).place('web.enriched');
    for (let partition = 0; partition < partitions; partition++)
      await enrich(first, { partition, entry: 0 }, [{ second: 10, shopId: 'a', total: 3 }]);
    await first.close();
    const second = await start();
    for (let partition = 0; partition < partitions; partition++)
      await enrich(second, { partition, entry: 1 }, [{ second: 75, shopId: 'b', total: 1 }]);
    const found = await messages(second, 'web.revenue', 1);
    const page = await second
      .get(ResultStore)
      .query({ pipeline: 'web', series: 'revenue-per-minute', limit: 10, order: 'ascending' });
    const owner = progressOwnerOf('web', 'revenue-per-minute');
    const progress = await second.get(DocumentStore).get(COLLECTIONS.progress, `${owner}/0/demo`);
    await second.close();
    expect(dataOf(found)).toEqual([{ shop: 'a', revenue: `${3 * partitions} EUR` }]);
    expect(found[0]).toMatchObject({ key: 'a', eventTimeMs: 59_999 });
    expect(page.rows[0]).toMatchObject({
      key: { shop: 'a' },
      windowStartMs: 0,
      windowEndMs: 60_000,
      measures: { orders: partitions, revenue: 3 * partitions },
      revision: 0,
      provisional: false,
    });
    expect(progress?.body).toMatchObject({ watermarkMs: 65_000 });
  });

  it('is refused where its name is that of a series of the pipeline', async () => {
    const sessions = defineWindowFunction({ ...ORDERS, name: 'sessions' });
    @Module({ imports: [FunctionsModule.of(sessions)] })
    class Twice {}
    await expect(start(Twice)).rejects.toMatchObject({ code: 'FUNCTION_INVALID' });
  });
});
