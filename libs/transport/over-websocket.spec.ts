import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { Type } from '@nestjs/common';
import { SystemClock } from '#libs/kernel';
import { WebSocketBroker } from '#libs/messaging-websocket';
import { Telemetry } from '#libs/observability';
import { describeWithPulsar, receiveMany } from '#libs/testing';
import { Calls, publish, startService } from './fixture/subscriber-service.js';
import { type EventContext, OnEvent, Subscriber } from './index.js';

const KEYS = 20;

interface Call {
  readonly who: string;
  readonly id: string;
  readonly key: string | undefined;
  readonly partition: number;
}

describeWithPulsar('subscribers over WebSocket', ({ webSocket }) => {
  let topic: string;
  let broker: WebSocketBroker;
  let closers: (() => Promise<unknown>)[];

  beforeEach(() => {
    topic = `persistent://public/default/transport-${randomUUID()}.things`;
    closers = [];
    broker = connected(webSocket);
  });
  afterEach(async () => {
    for (const close of closers.reverse()) await close();
  }, 300_000);

  function connected(address: string): WebSocketBroker {
    const telemetry = new Telemetry({ logLevel: 'silent' });
    const opened = new WebSocketBroker({
      address,
      adminAddress: address.replace('ws', 'http'),
      clock: new SystemClock(),
      telemetry,
    });
    closers.push(() => opened.close());
    return opened;
  }

  /** Tells of every partition that somebody has got for himself. */
  function telling(from: WebSocketBroker, opened: Calls<number>): WebSocketBroker {
    const openConsumer = from.openConsumer.bind(from);
    from.openConsumer = async (options) => {
      const consumer = await openConsumer(options);
      opened.add(options.partition);
      return consumer;
    };
    return from;
  }

  function reader(
    who: string,
    calls: Calls<Call>,
    fails: (context: EventContext) => boolean = () => false,
  ): Type {
    @Subscriber('s', { retryAfter: '1ms' })
    class Reader {
      @OnEvent(topic, { type: 'thing' })
      take(_data: unknown, context: EventContext): void {
        if (fails(context)) throw new Error(`attempt ${context.attempt}`);
        const { id, key, partition } = context;
        calls.add({ who, id, key, partition });
      }
    }
    return Reader;
  }

  const things = (from: number, count: number): { id: string; key: string }[] =>
    Array.from({ length: count }, (_, n) => ({ id: `e${from + n}`, key: `k${(from + n) % KEYS}` }));

  it('get dead letters with their attempts, and for types without a handler; the rest goes on, also after a drain', async () => {
    await broker.ensureTopic({ name: topic, partitions: 1 });
    const calls = new Calls<Call>();
    const first = await startService(broker, [reader('one', calls, ({ id }) => id === 'e1')]);
    await publish(broker, topic, [...things(0, 3), { id: 'other', type: 'unknown' }]);
    const dead = `${topic}-s-DLQ`;
    while ((await first.counted('millrace_subscription_dead_letters_total')) < 2)
      await new Promise(setImmediate);
    await calls.reach(2);
    await first.close();
    const found = await receiveMany(
      await broker.openReader({ topic: dead, partition: 0, from: 'earliest' }),
      2,
    );
    const said = found.map(({ properties }) =>
      ['ce_id', 'millrace-dead-code', 'millrace-dead-attempts'].map((name) => properties[name]),
    );
    expect(said.sort()).toEqual([
      ['e1', 'HANDLER_FAILED', '3'],
      ['other', 'HANDLER_MISSING', '0'],
    ]);
    await publish(broker, topic, things(3, 2));
    const second = await startService(broker, [reader('two', calls)]);
    expect((await calls.reach(4)).map(({ who, id }) => `${who} ${id}`)).toEqual([
      'one e0',
      'one e2',
      'two e3',
      'two e4',
    ]);
    await second.close();
  }, 300_000);

  it('share the partitions of a topic, and take over from one that ends; each event once, in the order of its key', async () => {
    await broker.ensureTopic({ name: topic, partitions: 4 });
    const calls = new Calls<Call>();
    const opened = new Calls<number>();
    const [one, two] = await Promise.all(
      ['one', 'two'].map((who, place) =>
        startService(telling(connected(webSocket), opened), [reader(who, calls)], {
          random: () => place / 2,
        }),
      ),
    );
    await opened.reach(4);
    await publish(broker, topic, things(0, 40));
    await calls.reach(40);
    await one!.close();
    await publish(broker, topic, things(40, 20));
    await calls.reach(60);
    await two!.close();
    const ids = calls.all.map(({ id }) => id);
    expect([...ids].sort()).toEqual(
      things(0, 60)
        .map(({ id }) => id)
        .sort(),
    );
    for (let n = 0; n < KEYS; n++) {
      const ofKey = calls.all.filter(({ key }) => key === `k${n}`).map(({ id }) => Number(id.slice(1)));
      expect(ofKey).toEqual([...ofKey].sort((a, b) => a - b));
    }
    expect(new Set(calls.all.slice(0, 40).map(({ who }) => who))).toEqual(new Set(['one', 'two']));
  }, 300_000);

  it('start while the broker is away, and go on when a connection was cut; nothing runs twice', async () => {
    await broker.ensureTopic({ name: topic, partitions: 1 });
    const line = await makeLine(Number(new URL(webSocket).port));
    closers.push(() => line.cut());
    const calls = new Calls<Call>();
    await publish(broker, topic, things(0, 5));
    const { server, waits, close } = await startService(connected(`ws://127.0.0.1:${line.port}`), [
      reader('one', calls),
    ]);
    closers.push(close);
    expect(await waits.reach(1)).toEqual(['BROKER_UNAVAILABLE']);
    await line.open();
    await calls.reach(5);
    await line.cut();
    await publish(broker, topic, things(5, 5));
    await expect(server.checkHealth()).rejects.toMatchObject({ retry: 'backoff' });
    await line.open();
    expect((await calls.reach(10)).map(({ id }) => id)).toEqual(things(0, 10).map(({ id }) => id));
    await close();
  }, 300_000);
});

/** A line to a server that is opened, cut, and opened again at the same port. */
async function makeLine(
  to: number,
): Promise<{ port: number; open: () => Promise<void>; cut: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => (socket === near ? far : near).destroy());
    }
    near.pipe(far).pipe(near);
  });
  const listen = (port: number): Promise<void> =>
    new Promise((done) => server.listen(port, '127.0.0.1', () => done()));
  const cut = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    if (server.listening) await new Promise((done) => server.close(done));
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  await cut();
  return { port, open: () => listen(port), cut };
}
