import { afterEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Controller, Get, Inject, type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type HealthCheckResult, HealthCheckService } from '@nestjs/terminus';
import { lastValueFrom } from 'rxjs';
import type { AlertEvent as PublishedAlert } from '#libs/alerting';
import { MessageBroker } from '#libs/messaging';
import { describeWithPulsar } from '#libs/testing';
import {
  type AlertEvent,
  type EventContext,
  MillraceClient,
  MillraceServer,
  OnAlert,
  OnEvent,
  Subscriber,
  SubscriptionHealth,
} from '#libs/transport';
import { Configuration } from './configuration.js';
import { MillraceModule } from './millrace.module.js';

/** What the alert app publishes is what handlers are promised; this does not compile where it is not. */
const asRead = (alert: PublishedAlert): AlertEvent => alert;

@Controller()
class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(SubscriptionHealth) private readonly subscriptions: SubscriptionHealth,
  ) {}

  @Get('health')
  async show(): Promise<HealthCheckResult> {
    return await this.health.check([() => this.subscriptions.check()]);
  }
}

let app: INestApplication | undefined;
afterEach(async () => {
  await app?.close();
  app = undefined;
});

/** As docs/subscribing.md says it. */
async function start(
  environment: Readonly<Record<string, string>>,
  controllers: readonly (new () => object)[],
): Promise<INestApplication> {
  const configuration = Configuration.load(
    'subscriber',
    { MILLRACE_LOG_LEVEL: 'silent', ...environment },
    [],
  );
  @Module({
    imports: [MillraceModule.forRoot({ configuration })],
    controllers: [HealthController, ...controllers],
  })
  class AppModule {}
  const made = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), {
    ...{ logger: false, abortOnError: false, forceCloseConnections: true },
  });
  app = made;
  made.connectMicroservice({ strategy: made.get(MillraceServer) });
  await made.listen(0, '127.0.0.1');
  return made;
}

async function health(of: INestApplication): Promise<{ status: number; text: string }> {
  const response = await fetch(`${await of.getUrl()}/health`);
  return { status: response.status, text: await response.text() };
}

@Subscriber('pager')
class Pager {
  @OnAlert('errors')
  ring(_alert: AlertEvent): void {}
}

describe('a Nest application with the module', () => {
  it('starts while the broker is away, and its health says so', async () => {
    const started = await start({ MILLRACE_BROKER: 'ws://127.0.0.1:9' }, [Pager]);
    const { status, text } = await health(started);
    expect(status).toBe(503);
    expect(text).toContain('"subscription":"pager"');
    await started.get(MillraceServer).close();
    expect((await health(started)).text).toContain('draining');
  });

  it('is refused without a Pulsar, and with handlers that can not be', async () => {
    await expect(start({}, [Pager])).rejects.toMatchObject({ code: 'SUBSCRIPTION_EMBEDDED' });
    @Subscriber('wrong')
    class Wrong {
      @OnEvent('web.raw')
      take(): void {}
    }
    await expect(start({ MILLRACE_BROKER: 'ws://127.0.0.1:9' }, [Wrong])).rejects.toMatchObject({
      code: 'SUBSCRIPTION_INVALID',
    });
  });

  it('publishes alerts of the type that handlers are promised', () => {
    expect(asRead).toBeInstanceOf(Function);
  });
});

describeWithPulsar('a Nest application over Pulsar', ({ webSocket }) => {
  it('reads what it has published itself, is healthy, and ends in order', async () => {
    const name = `web.${randomUUID()}`;
    let told: (id: string) => void = () => undefined;
    const first = new Promise<string>((resolve) => (told = resolve));
    @Subscriber('self')
    class Self {
      @OnEvent(name)
      take(data: { readonly n: number }, { id }: EventContext): void {
        told(`${id} ${data.n}`);
      }
    }
    const started = await start({ MILLRACE_BROKER: webSocket }, [Self]);
    await started
      .get(MessageBroker)
      .ensureTopic({ name: `persistent://public/default/${name}`, partitions: 2 });
    await lastValueFrom(started.get(MillraceClient).emit({ topic: name, id: 'a' }, { n: 1 }), {
      defaultValue: undefined,
    });
    expect(await first).toBe('a 1');
    // Its other partition is taken a moment later.
    while ((await health(started)).status !== 200) await new Promise(setImmediate);
  }, 300_000);
});
