import 'reflect-metadata';
import { once } from 'node:events';
import { Controller, type DynamicModule, Get, Inject, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { HealthCheck, type HealthCheckResult, HealthCheckService } from '@nestjs/terminus';
import { FACTS, type Telemetry } from '#libs/observability';
import { MillraceServer, SubscriptionHealth, SubscriptionInvalidError } from '#libs/transport';
import { Configuration } from './configuration.js';
import { listenFailure } from './front-door.js';
import { MetricsController } from './metrics.controller.js';
import { MillraceModule, telemetryOf } from './millrace.module.js';
import { NestLogger } from './nest-logger.js';
import { refuseToStart } from './start-app.js';

export interface SubscriberDescription {
  /** Classes under `@Subscriber`. */
  readonly subscribers?: readonly Type[];
  /** Modules with others among their controllers, and with what they need. */
  readonly modules?: readonly (Type | DynamicModule)[];
  /** Of its probes and metrics, unless MILLRACE_PORT says otherwise. Default 3006. */
  readonly port?: number;
}

const DEFAULT_PORT = 3006;
const EXIT_UNCLEAN = 1;

@Controller('health')
class SubscriberHealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(SubscriptionHealth) private readonly subscriptions: SubscriptionHealth,
  ) {}

  @Get('live')
  live(): { readonly status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('startup')
  startup(): { readonly status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('ready')
  @HealthCheck()
  async ready(): Promise<HealthCheckResult> {
    return await this.health.check([() => this.subscriptions.check()]);
  }
}

@Module({ controllers: [SubscriberHealthController, MetricsController] })
class SubscriberRootModule {}

/**
 * Runs subscribers as a process: reads its configuration, listens for probes, reads its topics as soon as the broker is there,
 * and ends on SIGTERM or SIGINT when what runs has ended and is acknowledged.
 */
export async function startSubscriber(description: SubscriberDescription): Promise<void> {
  try {
    const configuration = Configuration.load('subscriber', process.env, process.argv.slice(2));
    const telemetry = telemetryOf(configuration);
    const stopped = stopSignal();
    const app = await openSubscriber(description, configuration, telemetry);
    await stopped;
    await end(app, telemetry, configuration.values.drainTimeoutMs);
  } catch (error) {
    refuseToStart(error);
  }
}

async function openSubscriber(
  { subscribers = [], modules = [], port = DEFAULT_PORT }: SubscriberDescription,
  configuration: Configuration,
  telemetry: Telemetry,
): Promise<NestFastifyApplication> {
  const root = {
    module: SubscriberRootModule,
    imports: [MillraceModule.forRoot({ configuration, telemetry }), ...modules],
    controllers: [...subscribers],
  };
  const app = await NestFactory.create<NestFastifyApplication>(root, new FastifyAdapter(), {
    logger: new NestLogger(telemetry),
    abortOnError: false,
    forceCloseConnections: true,
  });
  const server = app.get(MillraceServer);
  app.connectMicroservice({ strategy: server });
  if (!server.hasHandlers)
    throw new SubscriptionInvalidError([
      'there is no handler: a @Subscriber class with @OnAlert, @OnResult or @OnEvent',
    ]);
  const { host, port: wanted = port } = configuration.values;
  // By itself: what fails in it is no error of the socket.
  await app.init();
  await app.listen(wanted, host).catch((error: unknown) => {
    throw listenFailure(error, host, wanted);
  });
  const url = (await app.getUrl()).replace('127.0.0.1', 'localhost');
  telemetry.record(FACTS.appReady, { url });
  return app;
}

function stopSignal(): Promise<unknown> {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => stop.abort());
  // Forked with a channel: whoever started it is gone, and nobody else would stop it.
  process.once('disconnect', () => stop.abort());
  return once(stop.signal, 'abort');
}

async function end(
  app: NestFastifyApplication,
  telemetry: Telemetry,
  drainTimeoutMs: number,
): Promise<never> {
  const tooLong = setTimeout(() => {
    telemetry.record(FACTS.drainTimedOut, { drainTimeoutMs, tasks: ['subscriptions'] });
    process.exit(EXIT_UNCLEAN);
  }, drainTimeoutMs);
  try {
    // Before the hooks of anybody, so that handlers have what they need until they have ended.
    await app.get(MillraceServer).close();
    await app.close();
    clearTimeout(tooLong);
    telemetry.record(FACTS.appStopped, {});
    process.exit(0);
  } catch (error) {
    telemetry.logger.error({ error }, 'the end was not clean');
    process.exit(EXIT_UNCLEAN);
  }
}
