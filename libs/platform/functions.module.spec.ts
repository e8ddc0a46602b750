import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Module } from '@nestjs/common';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineFunction, type EventFunction, type FunctionContext } from '#libs/functions';
import type { StreamEvent } from '#libs/kernel';
import {
  BEFORE_FIRST,
  type Delivery,
  encodeFrame,
  MessageBroker,
  partitionOf,
  SEQUENCE_PROPERTY,
} from '#libs/messaging';
import { anEvent, textOf } from '#libs/testing';
import { FunctionsModule } from './functions.module.js';
import { createApp } from './create-app.js';
import { StreamFunction } from './stream-function.js';
import { Pipelines } from './pipelines.js';

interface Request {
  readonly path: string;
}
interface Checkout {
  readonly path: string;
  readonly price: number;
}

@Injectable()
class PriceList {
  priceOf(path: string): number {
    return path.length;
  }
}

@StreamFunction<Request>({
  name: 'flag-checkout',
  input: 'web.enriched',
  output: 'web.checkouts',
  where: ({ data }) => data.path.startsWith('/checkout'),
})
class FlagCheckout implements EventFunction<Request, Checkout> {
  constructor(@Inject(PriceList) private readonly prices: PriceList) {}

  process({ data }: StreamEvent<Request>, { counters }: FunctionContext): Checkout {
    counters.add('checkouts');
    return { path: data.path, price: this.prices.priceOf(data.path) };
  }
}

/** Reads the messages of the other: sums by path. */
const SUMS = defineFunction<Checkout, { path: string; sum: number }>({
  name: 'sums',
  input: 'web.checkouts',
  output: 'web.sums',
  async process({ data }, { state }) {
    await Promise.resolve();
    const sum = state.value<number>('sum');
    sum.set((sum.get() ?? 0) + data.price);
    return { path: data.path, sum: sum.get() ?? 0 };
  },
});

@Module({ imports: [FunctionsModule.of(SUMS)], providers: [PriceList, FlagCheckout] })
class ShopModule {}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-functions-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function start(module: new () => object = ShopModule): ReturnType<typeof createApp> {
  const environment = { MILLRACE_DATA_DIR: folder, MILLRACE_LOG_LEVEL: 'silent', MILLRACE_COMMIT_GAP: '5ms' };
  const app = await createApp({ app: 'standalone', module, port: 0 }, environment, []);
  return app.init();
}

type App = Awaited<ReturnType<typeof start>>;

/** Writes a frame of `enriched`, as enrich does. */
async function enrich(app: App, entry: number, paths: readonly string[]): Promise<void> {
  const place = app.get(Pipelines).place('web.enriched');
  const options = { topic: place.name, partition: 0, producerName: 'web/enrich/0' };
  const producer = await app.get(MessageBroker).openProducer(options);
  const covers = {
    after: entry === 0 ? BEFORE_FIRST : ([0, entry - 1, 0, 0] as const),
    upTo: [0, entry, 0, 0] as const,
  };
  const items = paths.map((path, index) => anEvent({ id: `${entry}-${index}`, key: 'k', data: { path } }));
  await producer.send(
    encodeFrame(
      { v: 1, kind: 'enriched', covers },
      items.map((item) => JSON.stringify(item)),
    ),
  );
  await producer.close();
}

/** The first messages of a topic, in the partition of the key. */
async function messages(app: App, topic: string, count: number): Promise<readonly Delivery[]> {
  const place = app.get(Pipelines).place(topic);
  const partition = partitionOf('k', place.partitions);
  const reader = await app.get(MessageBroker).openReader({ topic: place.name, partition, from: 'earliest' });
  const found: Delivery[] = [];
  while (found.length < count)
    found.push(...(await reader.receive({ maxMessages: 100, maxBytes: 1e6, waitMs: 10_000 })));
  await reader.close();
  return found;
}

describe('functions of an app', () => {
  it('are found, injected and run, one behind the other, and go on after a restart', async () => {
    const first = await start();
    await enrich(first, 0, ['/checkout/a', '/home', '/checkout/a']);
    await messages(first, 'web.sums', 2);
    await first.close();
    const second = await start();
    await enrich(second, 1, ['/checkout/a']);
    const sums = await messages(second, 'web.sums', 3);
    const checkouts = await messages(second, 'web.checkouts', 3);
    await second.close();
    expect(sums.map((message) => JSON.parse(textOf(message)) as unknown)).toEqual([
      { path: '/checkout/a', sum: 11 },
      { path: '/checkout/a', sum: 22 },
      { path: '/checkout/a', sum: 33 },
    ]);
    expect(checkouts.map(({ properties }) => properties['ce_id'])).toEqual([
      'flag-checkout/demo/0-0/0',
      'flag-checkout/demo/0-2/0',
      'flag-checkout/demo/1-0/0',
    ]);
    expect(checkouts.map(({ properties }) => properties[SEQUENCE_PROPERTY])).toEqual(['0', '1', '2']);
    expect(checkouts[0]).toMatchObject({ key: 'k', eventTimeMs: 0, producerName: 'web/flag-checkout/0' });
  });

  it('with one name stop the start', async () => {
    @Module({ imports: [FunctionsModule.of(SUMS, SUMS)] })
    class Twice {}
    await expect(start(Twice)).rejects.toMatchObject({ code: 'FUNCTION_INVALID' });
  });
});
