import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { EventPattern, MessagePattern } from '@nestjs/microservices';
import { Observable, of } from 'rxjs';
import { SystemClock } from '#libs/kernel';
import { EmbeddedBroker } from '#libs/messaging-embedded';
import { Telemetry } from '#libs/observability';
import {
  Calls,
  publish,
  startService,
  SubscriberTrial,
  THINGS,
  topicOf,
} from './fixture/subscriber-service.js';
import {
  type AlertEvent,
  type EventContext,
  OnAlert,
  OnEvent,
  OnResult,
  type ResultEvent,
  Subscriber,
} from './index.js';

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

describe('a handler', () => {
  it('gets the data, and where they come from', async () => {
    const calls = new Calls<readonly [Thing, EventContext]>();
    @Subscriber('s')
    class Reader {
      @OnEvent<Thing>('web.things')
      take(thing: Thing, context: EventContext): void {
        calls.add([thing, context]);
      }
    }
    await start(Reader);
    await publish(broker, THINGS, [{ id: 'a', key: 'k1', data: { n: 7 } }]);
    const [[data, context] = []] = await calls.reach(1);
    expect(data).toEqual({ n: 7 });
    expect(context).toMatchObject({
      id: 'a',
      type: 'thing',
      source: '/pipelines/web/streams/demo',
      timeMs: 1_000,
      key: 'k1',
      topic: THINGS,
      subscription: 's',
      attempt: 1,
      properties: { ce_id: 'a', 'content-type': 'application/json' },
    });
    expect(context!.position).toHaveLength(4);
    expect(context!.signal.aborted).toBe(false);
  });

  it('gets what was stored before it came, and under a name of its own everything again', async () => {
    await publish(broker, THINGS, [{ id: 'early' }]);
    const calls = new Calls<string>();
    const reader = (name: string): Type => {
      @Subscriber(name)
      class Reader {
        @OnEvent<Thing>('web.things')
        take(_thing: Thing, { id }: EventContext): void {
          calls.add(`${name} ${id}`);
        }
      }
      return Reader;
    };
    await start([reader('one'), reader('two')]);
    expect([...(await calls.reach(2))].sort()).toEqual(['one early', 'two early']);
  });

  it('gets only what comes from now on, where it says so', async () => {
    await publish(broker, THINGS, [{ id: 'early' }]);
    const calls = new Calls<string>();
    @Subscriber('s', { from: 'latest' })
    class Reader {
      @OnEvent('web.things')
      take(_thing: Thing, { id }: EventContext): void {
        calls.add(id);
      }
    }
    const { server } = await start(Reader);
    while (server.problems.length > 0) await new Promise(setImmediate);
    await publish(broker, THINGS, [{ id: 'late' }]);
    expect(await calls.reach(1)).toEqual(['late']);
  });

  it('may be written with Nest’s own decorator, in a service that has a name', async () => {
    const calls = new Calls<unknown>();
    @Subscriber('s')
    class Reader {
      @EventPattern('web.things')
      take(thing: unknown): void {
        calls.add(thing);
      }
    }
    await start(Reader, { subscription: 'service' });
    await publish(broker, THINGS, [{}]);
    expect(await calls.reach(1)).toEqual([{ n: 0 }]);
  });
});

describe('alerts and results', () => {
  const alert = (rule: string, status: string, n: number): object => ({
    ...{ id: `${rule}-${n}`, key: rule, type: 'com.millrace.alert.v1' },
    data: { rule, status, severity: 'critical', summary: 'x' },
  });

  it('are chosen by rule, status, severity and series; the rest is acknowledged, and no dead letter', async () => {
    const calls = new Calls<string>();
    @Subscriber('s')
    class Pager {
      @OnAlert('errors', { status: 'firing' })
      ring(event: AlertEvent): void {
        calls.add(`ring ${event.rule} ${event.status}`);
      }

      @OnAlert()
      note(event: AlertEvent): void {
        calls.add(`note ${event.rule} ${event.status}`);
      }

      @OnResult<{ readonly requests: number }>('requests')
      row({ measures }: ResultEvent<{ readonly requests: number }>): void {
        calls.add(`row ${measures.requests}`);
      }
    }
    await broker.ensureTopic({ name: topicOf('alerts'), partitions: 1 });
    await broker.ensureTopic({ name: topicOf('results'), partitions: 1 });
    const { counted } = await start(Pager);
    await publish(broker, topicOf('alerts'), [
      alert('errors', 'pending', 0),
      alert('errors', 'firing', 1),
      alert('slow', 'firing', 2),
    ]);
    const result = (series: string): object => ({
      ...{ type: 'com.millrace.result.v1', data: { series, measures: { requests: 5 } } },
    });
    await publish(broker, topicOf('results'), [result('other'), result('requests')]);
    expect([...(await calls.reach(5))].sort()).toEqual([
      'note errors firing',
      'note errors pending',
      'note slow firing',
      'ring errors firing',
      'row 5',
    ]);
    while ((await counted('millrace_subscription_messages_total')) < 5) await new Promise(setImmediate);
    expect(await counted('millrace_subscription_dead_letters_total')).toBe(0);
  });
});

describe('the end of a handler', () => {
  const kinds: Record<string, (gate: Promise<void>) => unknown> = {
    'a promise': (gate) => gate,
    'an Observable': (gate) =>
      new Observable((observer) => {
        observer.next('first');
        void gate.then(() => observer.complete());
      }),
    'a promise of an Observable': async (gate) =>
      new Observable((observer) => void gate.then(() => observer.complete())),
    'an async iterable': async function* (gate) {
      yield 1;
      await gate;
    },
  };

  it.each(Object.entries(kinds))('is that of %s; until then nothing is acknowledged', async (_name, end) => {
    let open: () => void = () => undefined;
    const gate = new Promise<void>((done) => (open = done));
    const calls = new Calls<string>();
    @Subscriber('s')
    class Reader {
      @OnEvent('web.things')
      take(_thing: Thing, { id }: EventContext): unknown {
        calls.add(id);
        return id === 'slow' ? end(gate) : of();
      }
    }
    const service = await start(Reader);
    await publish(broker, THINGS, [{ id: 'slow' }, { id: 'next of its key' }]);
    await calls.reach(1);
    let isClosed = false;
    const closing = service.close().then(() => (isClosed = true));
    await new Promise(setImmediate);
    // The drain waits for it, and begins nothing further.
    expect([isClosed, calls.all]).toEqual([false, ['slow']]);
    open();
    await closing;
    expect(await trial.unacknowledged('s')).toBe(1);
  });
});

describe('a service', () => {
  it('starts without its topic, says what it waits for, and reads when it is there', async () => {
    const calls = new Calls<string>();
    @Subscriber('s')
    class Reader {
      @OnEvent('web.later')
      take(_thing: Thing, { id }: EventContext): void {
        calls.add(id);
      }
    }
    const { server } = await start(Reader);
    while (server.problems[0]?.code !== 'TOPIC_MISSING') await new Promise(setImmediate);
    await expect(server.checkHealth()).rejects.toMatchObject({ code: 'SUBSCRIPTION_WAITING' });
    await broker.ensureTopic({ name: topicOf('later'), partitions: 1 });
    await publish(broker, topicOf('later'), [{ id: 'first' }]);
    expect(await calls.reach(1)).toEqual(['first']);
    await expect(server.checkHealth()).resolves.toBeUndefined();
  });

  it('is read by one replica at a time: the other takes over when it ends, and nothing comes twice', async () => {
    const calls = new Calls<string>();
    const replica = (name: string): Type => {
      @Subscriber('s')
      class Reader {
        @OnEvent('web.things')
        take(_thing: Thing, { id }: EventContext): void {
          calls.add(`${name} ${id}`);
        }
      }
      return Reader;
    };
    const first = await startService(broker, [replica('one')]);
    await publish(broker, THINGS, [{ id: 'a' }]);
    expect(await calls.reach(1)).toEqual(['one a']);
    await start(replica('two'));
    await publish(broker, THINGS, [{ id: 'b' }]);
    await calls.reach(2);
    await first.close();
    await publish(broker, THINGS, [{ id: 'c' }]);
    expect(await calls.reach(3)).toEqual(['one a', 'one b', 'two c']);
  });

  it('is refused with all that is wrong with its handlers', async () => {
    @Subscriber('s')
    class Wrong {
      @OnEvent('things')
      short(): void {}
      @OnEvent('web.enriched')
      inner(): void {}
      @MessagePattern('web.things')
      asks(): void {}
    }
    @Subscriber('bad name', { maxInFlight: 0, timeBudget: 'soon' })
    class Named {
      @OnEvent('web.things')
      take(): void {}
    }
    await expect(start([Wrong, Named])).rejects.toMatchObject({
      code: 'SUBSCRIPTION_INVALID',
      problems: [
        expect.stringContaining("'things' is no topic"),
        expect.stringContaining("web.enriched is Millrace's own"),
        expect.stringContaining('answers requests'),
        expect.stringContaining("'bad name' is no name of a subscription"),
      ],
    });
  });
});
