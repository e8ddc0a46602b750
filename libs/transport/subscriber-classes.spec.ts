import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Module, Scope } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern } from '@nestjs/microservices';
import { SystemClock } from '#libs/kernel';
import { EmbeddedBroker } from '#libs/messaging-embedded';
import { Telemetry } from '#libs/observability';
import { Calls, publish, SubscriberTrial, THINGS, topicOf } from './fixture/subscriber-service.js';
import {
  type AlertEvent,
  type EventContext,
  MillraceServer,
  OnAlert,
  OnEvent,
  Subscriber,
  type SubscriptionOptions,
} from './index.js';

// Classes as services write them.

const SILENT = new Telemetry({ logLevel: 'silent' });

let trial: SubscriberTrial;
let broker: SubscriberTrial['broker'];

beforeEach(async () => {
  const parts = { clock: new SystemClock(), telemetry: SILENT, maxBytes: 1e8 };
  trial = await SubscriberTrial.open((folder) => EmbeddedBroker.open({ folder, ...parts }));
  ({ broker } = trial);
  for (const noun of ['more', 'alerts']) await broker.ensureTopic({ name: topicOf(noun), partitions: 1 });
});
afterEach(() => trial.close());

const start: SubscriberTrial['start'] = (...what) => trial.start(...what);

describe('a method with several decorators', () => {
  it('takes what each of them names', async () => {
    const calls = new Calls<string>();
    @Subscriber('s')
    class Reader {
      @OnEvent('web.things')
      @OnEvent('web.more')
      take(_data: unknown, { id }: EventContext): void {
        calls.add(id);
      }
    }
    await start(Reader);
    await publish(broker, THINGS, [{ id: 'thing' }]);
    await publish(broker, topicOf('more'), [{ id: 'more' }]);
    expect([...(await calls.reach(2))].sort()).toEqual(['more', 'thing']);
  });

  it('takes what each of them chooses of one topic', async () => {
    const calls = new Calls<string>();
    @Subscriber('s')
    class Pager {
      @OnAlert('errors', { status: 'firing' })
      @OnAlert('slow', { status: 'resolved' })
      ring({ rule, status }: AlertEvent): void {
        calls.add(`${rule} ${status}`);
      }
    }
    await start(Pager);
    const told = ['errors', 'slow'].flatMap((rule) =>
      ['firing', 'resolved'].map((status) => ({ rule, status })),
    );
    await publish(
      broker,
      topicOf('alerts'),
      told.map((data) => ({ type: 'com.millrace.alert.v1', data })),
    );
    await publish(broker, topicOf('alerts'), [
      { type: 'com.millrace.alert.v1', data: { rule: 'slow', status: 'resolved' } },
    ]);
    expect(await calls.reach(3)).toEqual(['errors firing', 'slow resolved', 'slow resolved']);
  });
});

describe('handlers that two subscribers inherit', () => {
  it('read under the name of each', async () => {
    const calls = new Calls<string>();
    abstract class Audit {
      abstract readonly name: string;
      @OnEvent('web.things')
      take(_data: unknown, { id, subscription }: EventContext): void {
        calls.add(`${this.name} as ${subscription}: ${id}`);
      }
    }
    @Subscriber('one')
    class One extends Audit {
      readonly name = 'One';
    }
    @Subscriber('two')
    class Two extends Audit {
      readonly name = 'Two';
    }
    await start([One, Two]);
    await publish(broker, THINGS, [{ id: 'a' }]);
    expect([...(await calls.reach(2))].sort()).toEqual(['One as one: a', 'Two as two: a']);
  });
});

describe('a subscriber with something of its own for each event', () => {
  it('gets it anew for each attempt, and failures count as failures', async () => {
    const calls = new Calls<string>();
    let made = 0;
    @Injectable({ scope: Scope.REQUEST })
    class Work {
      readonly number = ++made;
    }
    @Subscriber('s', { retryAfter: '1ms', maxAttempts: 2 })
    class Reader {
      constructor(@Inject(Work) private readonly work: Work) {}
      @OnEvent('web.things')
      take(_data: unknown, { id, attempt }: EventContext): void {
        calls.add(`${id}, attempt ${attempt}, work ${this.work.number}`);
        if (id === 'a') throw new Error('not today');
      }
    }
    class Service {}
    Module({ controllers: [Reader], providers: [Work] })(Service);
    const strategy = new MillraceServer({ broker, telemetry: SILENT });
    const app = await NestFactory.createMicroservice(Service, { strategy, logger: false });
    await app.listen();
    await publish(broker, THINGS, [{ id: 'a' }, { id: 'b' }]);
    expect(await calls.reach(3)).toEqual([
      'a, attempt 1, work 1',
      'a, attempt 2, work 2',
      'b, attempt 1, work 3',
    ]);
    await app.close();
    expect(await broker.partitionsOf(`${THINGS}-s-DLQ`)).toBe(1);
  });
});

describe('a subscription is refused', () => {
  const cases: readonly (readonly [string, object, string])[] = [
    ['dead letters in the topic itself', { deadLetterTopic: 'web.things' }, 'go where they come from'],
    ['dead letters among frames', { deadLetterTopic: 'web.raw' }, "'web.raw' is no topic for dead letters"],
    ['no time at all', { timeBudget: '0s' }, 'timeBudget is 0s, wanted 1ms to 24h'],
    ['a pause that nobody waits for', { retryAfter: '90d' }, 'retryAfter is 90d, wanted 0ms to 24h'],
    ['a place that is none', { from: 'oldest' }, "from is 'oldest', wanted one of earliest, latest"],
    [
      'an end that is none',
      { unhandled: 'ignore' },
      "unhandled is 'ignore', wanted one of dead-letter, skip",
    ],
    ['an option that is none', { maxAttempt: 5 }, 'there is no option maxAttempt; there are from, '],
  ];
  it.each(cases)('with %s', async (_name, options, problem) => {
    @Subscriber('s', options as SubscriptionOptions)
    class Reader {
      @OnEvent('web.things')
      take(): void {}
    }
    await expect(start(Reader)).rejects.toMatchObject({
      code: 'SUBSCRIPTION_INVALID',
      problems: [expect.stringContaining(problem)],
    });
  });

  it.each([
    ['web.*', "'web.*' is no topic"],
    [{ topic: 'web.things' }, '{"topic":"web.things"}'],
  ])('with the pattern %j', async (pattern, problem) => {
    @Subscriber('s')
    class Reader {
      @EventPattern(pattern)
      take(): void {}
    }
    await expect(start(Reader)).rejects.toThrow(problem);
  });
});
