import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { Observable, of } from 'rxjs';
import { SystemClock } from '#libs/kernel';
import { EmbeddedBroker } from '#libs/messaging-embedded';
import { type Delivery, encodeFrame, TopicMismatchError } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import { receiveMany } from '#libs/testing';
import { Calls, publish, SubscriberTrial, THINGS } from './fixture/subscriber-service.js';
import { type EventContext, OnEvent, RefuseMessageError, Subscriber } from './index.js';

const FAST = { retryAfter: '1ms' };

interface Thing {
  readonly n: number;
}

let trial: SubscriberTrial;
let broker: SubscriberTrial['broker'];

beforeEach(async () => {
  const parts = { clock: new SystemClock(), telemetry: new Telemetry({ logLevel: 'silent' }), maxBytes: 1e8 };
  trial = await SubscriberTrial.open((folder) => EmbeddedBroker.open({ folder, ...parts }));
  ({ broker } = trial);
});
afterEach(() => trial.close());

const start: SubscriberTrial['start'] = (...what) => trial.start(...what);

async function deadLetters(count: number, topic = `${THINGS}-s-DLQ`): Promise<readonly Delivery[]> {
  while ((await broker.partitionsOf(topic)) === undefined) await new Promise(setImmediate);
  const reader = await broker.openReader({ topic, partition: 0, from: 'earliest' });
  const found = await receiveMany(reader, count);
  await reader.close();
  return found;
}

describe('a handler that fails', () => {
  function failing(calls: Calls<string>, fail: (n: number, context: EventContext) => unknown): Type {
    @Subscriber('s', { ...FAST, maxAttempts: 3 })
    class Reader {
      @OnEvent('web.things')
      take({ n }: Thing, context: EventContext): unknown {
        calls.add(`${context.id}#${context.attempt}`);
        return fail(n, context);
      }
    }
    return Reader;
  }

  it('is called again, and for the third time in vain makes a dead letter; the others go on', async () => {
    const calls = new Calls<string>();
    const service = await start(
      failing(calls, (n) => {
        if (n === 0) throw new Error('it never works');
        return undefined;
      }),
    );
    await publish(broker, THINGS, [{ key: 'a' }, { key: 'a' }, { key: 'b' }]);
    const [dead] = await deadLetters(1);
    expect(dead).toMatchObject({
      key: 'a',
      eventTimeMs: 1_000,
      properties: {
        ce_id: 'e0',
        'millrace-dead-code': 'HANDLER_FAILED',
        'millrace-dead-reason': 'it never works',
        'millrace-dead-attempts': '3',
        'millrace-dead-handler': 'Reader.take',
        'millrace-dead-topic': THINGS,
        'millrace-dead-subscription': 's',
      },
    });
    expect(JSON.parse(Buffer.from(dead!.payload).toString())).toEqual({ n: 0 });
    const seen = [...(await calls.reach(5))];
    expect(seen.filter((call) => !call.startsWith('e2'))).toEqual(['e0#1', 'e0#2', 'e0#3', 'e1#1']);
    expect(await service.counted('millrace_subscription_failures_total')).toBe(3);
    expect(await service.counted('millrace_subscription_dead_letters_total')).toBe(1);
    await service.close();
    expect(await trial.unacknowledged('s')).toBe(0);
  });

  it('in its stream has failed as well', async () => {
    const calls = new Calls<string>();
    await start(
      failing(calls, (_n, { attempt }) =>
        attempt < 3 ? new Observable((observer) => observer.error(new Error('in the middle'))) : of(1),
      ),
    );
    await publish(broker, THINGS, [{}]);
    expect(await calls.reach(3)).toEqual(['e0#1', 'e0#2', 'e0#3']);
  });

  it('and refuses the message is not called again', async () => {
    const calls = new Calls<string>();
    await start(
      failing(calls, () => {
        throw new RefuseMessageError('there is no such customer');
      }),
    );
    await publish(broker, THINGS, [{}]);
    const [dead] = await deadLetters(1);
    expect(dead!.properties).toMatchObject({
      'millrace-dead-code': 'MESSAGE_REFUSED',
      'millrace-dead-attempts': '1',
    });
    expect(calls.all).toEqual(['e0#1']);
  });

  it('is told when its time is over, and that was an attempt', async () => {
    const calls = new Calls<string>();
    @Subscriber('s', { ...FAST, maxAttempts: 1, timeBudget: '5ms' })
    class Reader {
      @OnEvent('web.things')
      async take(_thing: Thing, { signal }: EventContext): Promise<void> {
        await new Promise((done) => signal.addEventListener('abort', done));
        calls.add('told');
      }
    }
    await start(Reader);
    await publish(broker, THINGS, [{}]);
    await calls.reach(1);
    const [dead] = await deadLetters(1);
    expect(dead!.properties['millrace-dead-code']).toBe('HANDLER_TIMEOUT');
  });

  it('beside another one of the same event is alone called again', async () => {
    const calls = new Calls<string>();
    @Subscriber('s', FAST)
    class Reader {
      @OnEvent('web.things')
      good(_thing: Thing, { attempt }: EventContext): void {
        calls.add(`good#${attempt}`);
      }

      @OnEvent('web.things')
      bad(_thing: Thing, { attempt }: EventContext): void {
        calls.add(`bad#${attempt}`);
        if (attempt < 2) throw new Error('not yet');
      }
    }
    await start(Reader);
    await publish(broker, THINGS, [{}]);
    expect(await calls.reach(3)).toEqual(['good#1', 'bad#1', 'bad#2']);
  });
});

describe('what is under way', () => {
  it('and fails while the service drains is no failure: it comes again', async () => {
    const calls = new Calls<string>();
    @Subscriber('s', { ...FAST, maxAttempts: 1 })
    class Reader {
      @OnEvent('web.things')
      async take(_thing: Thing, { id, signal }: EventContext): Promise<void> {
        calls.add(id);
        await new Promise((_, reject) => signal.addEventListener('abort', reject));
      }
    }
    const service = await start(Reader);
    await publish(broker, THINGS, [{ id: 'a' }]);
    await calls.reach(1);
    await service.close();
    expect(await broker.partitionsOf(`${THINGS}-s-DLQ`)).toBeUndefined();
    await start(Reader);
    expect(await calls.reach(2)).toEqual(['a', 'a']);
  });

  it('is not run again where only its acknowledgement was lost', async () => {
    const calls = new Calls<string>();
    let losses = 1;
    const openConsumer = broker.openConsumer.bind(broker);
    broker.openConsumer = async (options) => {
      const consumer = await openConsumer(options);
      const acknowledge = consumer.acknowledgeUpTo.bind(consumer);
      consumer.acknowledgeUpTo = async (position) => {
        if (losses-- > 0) throw new Error('the connection is gone');
        await acknowledge(position);
      };
      return consumer;
    };
    @Subscriber('s')
    class Reader {
      @OnEvent('web.things')
      take(_thing: Thing, { id }: EventContext): void {
        calls.add(id);
      }
    }
    const service = await start(Reader);
    await publish(broker, THINGS, [{ id: 'a' }, { id: 'b' }]);
    await calls.reach(2);
    while (losses > -1) await new Promise(setImmediate);
    await publish(broker, THINGS, [{ id: 'c' }]);
    await calls.reach(3);
    await service.close();
    expect(calls.all).toEqual(['a', 'b', 'c']);
  });

  it('gets its data anew for each attempt', async () => {
    const seen = new Calls<number>();
    @Subscriber('s', FAST)
    class Reader {
      @OnEvent('web.things')
      take(thing: { n: number }, { attempt }: EventContext): void {
        seen.add(thing.n);
        thing.n = 99;
        if (attempt === 1) throw new Error('after it has changed them');
      }
    }
    await start(Reader);
    await publish(broker, THINGS, [{ data: { n: 7 } }]);
    expect(await seen.reach(2)).toEqual([7, 7]);
  });
});

it('a dead letter that can not be stored is waited for, and readiness says why; the message is not lost', async () => {
  const ensureTopic = broker.ensureTopic.bind(broker);
  broker.ensureTopic = async ({ name }) => {
    throw new TopicMismatchError(name, 'rights', 'none', 'to make topics');
  };
  @Subscriber('s')
  class Reader {
    @OnEvent('web.things')
    take(): void {
      throw new RefuseMessageError('never');
    }
  }
  const { server } = await start(Reader);
  await publish(broker, THINGS, [{ id: 'a' }]);
  while (server.problems[0]?.code !== 'TOPIC_MISMATCH') await new Promise(setImmediate);
  broker.ensureTopic = ensureTopic;
  const [dead] = await deadLetters(1);
  expect(dead?.properties['ce_id']).toBe('a');
  while (server.problems.length > 0) await new Promise(setImmediate);
}, 300_000);

describe('a message that nobody handles', () => {
  @Subscriber('s')
  class Reader {
    @OnEvent('web.things', { type: 'thing' })
    take(): void {}
  }

  it('is a dead letter: its type has no handler, or it can not be read', async () => {
    await start(Reader);
    await publish(broker, THINGS, [{ type: 'other' }]);
    const producer = await broker.openProducer({ topic: THINGS, partition: 0, producerName: 'raw' });
    await producer.send({ payload: Buffer.from('no json') });
    await producer.send(encodeFrame({ v: 1, kind: 'raw' }, ['{}']));
    const codes = (await deadLetters(3)).map(({ properties }) => properties['millrace-dead-code']);
    expect([...codes].sort()).toEqual(['HANDLER_MISSING', 'PAYLOAD_INVALID', 'PAYLOAD_INVALID']);
  });

  it('is one too where its data are not what the type says', async () => {
    const check = (type: string, data: unknown): string | undefined =>
      type === 'thing' && typeof (data as Thing).n !== 'number' ? 'n: wanted a number' : undefined;
    await start(Reader, { check });
    await publish(broker, THINGS, [{ data: { n: 'x' } }]);
    const [dead] = await deadLetters(1);
    expect(dead!.properties['millrace-dead-reason']).toContain('n: wanted a number');
  });

  it('is passed over where the subscription says so', async () => {
    @Subscriber('s', { unhandled: 'skip' })
    class Skipping {
      @OnEvent('web.things', { type: 'thing' })
      take(): void {}
    }
    const { counted } = await start(Skipping);
    await publish(broker, THINGS, [{ type: 'other' }]);
    while ((await counted('millrace_subscription_messages_total')) < 1) await new Promise(setImmediate);
    expect(await broker.partitionsOf(`${THINGS}-s-DLQ`)).toBeUndefined();
  });
});
