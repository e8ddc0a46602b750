import 'reflect-metadata';
import type { RequestListener } from 'node:http';
import { type DynamicModule, type INestApplicationContext, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Clock, SystemClock } from '#libs/kernel';
import { Telemetry } from '#libs/observability';
import { MillraceServer } from '#libs/transport';
import type { Adapters } from './adapters.js';
import { type AppName, Configuration } from './configuration.js';
import { admitOrigins } from './cors.js';
import type { FrontDoor } from './front-door.js';
import { NestLogger } from './nest-logger.js';
import { openAdapters } from './open-adapters.js';
import { Pipelines } from './pipelines.js';
import { PlatformModule } from './platform.module.js';
import { ProblemFilter } from './problem.filter.js';
import { ServerOutages } from './server-outages.js';
import { answerUnread } from './unread-request.js';
import { loadUserFunctions } from './user-functions.js';

export interface AppDescription {
  readonly app: AppName;
  readonly module: Type | DynamicModule;
  /** Where it listens unless MILLRACE_PORT says otherwise. */
  readonly port: number;
  /** Called when the app can be used. */
  readonly onListening?: (url: string, app: INestApplicationContext) => void | Promise<void>;
}

/** What an app is made of that needs no server: settings and pipelines are read and checked. */
export interface PreparedApp {
  readonly configuration: Configuration;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly pipelines: Pipelines;
  readonly outages: ServerOutages;
  /** Its own module, and those of the user's functions. */
  readonly modules: readonly (Type | DynamicModule)[];
}

@Module({})
class RootModule {}

/** Everything that can be wrong without a server is found here. @throws ConfigurationInvalidError, PipelineInvalidError, FunctionsFileError */
export async function prepareApp(
  { app, module }: AppDescription,
  environment: Readonly<Record<string, string | undefined>>,
  args: readonly string[],
): Promise<PreparedApp> {
  const configuration = Configuration.load(app, environment, args);
  const { logLevel, functions } = configuration.values;
  const telemetry = new Telemetry({ bindings: { app }, logLevel, processMetrics: true });
  const added = functions === undefined ? [] : await loadUserFunctions(functions);
  const clock = new SystemClock();
  const pipelines = Pipelines.load(configuration);
  const outages = new ServerOutages(configuration, clock);
  return { configuration, telemetry, clock, pipelines, outages, modules: [module, ...added] };
}

/** The app, wired but not listening; it does not wait for a server that is away. */
export async function createApp(
  description: AppDescription,
  environment: Readonly<Record<string, string | undefined>>,
  args: readonly string[],
): Promise<NestFastifyApplication> {
  const prepared = await prepareApp(description, environment, args);
  return assembleApp(prepared, await openAdapters(prepared.pipelines, prepared));
}

/**
 * The app over opened adapters, which it closes when it ends, and also when it can't be made.
 *
 * @param door the socket that the process listens on; without one, the app has its own
 */
export async function assembleApp(
  prepared: PreparedApp,
  adapters: Adapters,
  door?: FrontDoor,
): Promise<NestFastifyApplication> {
  const root = {
    module: RootModule,
    imports: [PlatformModule.forRoot(prepared, adapters), ...prepared.modules],
  };
  try {
    const app = await NestFactory.create<NestFastifyApplication>(
      root,
      httpAdapter(prepared.configuration, door),
      {
        bodyParser: false,
        logger: new NestLogger(prepared.telemetry),
        abortOnError: false,
        // The front door lets requests end before it closes.
        forceCloseConnections: door === undefined,
      },
    );
    app.useGlobalFilters(new ProblemFilter(prepared.telemetry));
    // Without the app's filters and guards: they are for requests.
    app.connectMicroservice({ strategy: app.get(MillraceServer) });
    return app;
  } catch (error) {
    await adapters.close();
    throw error;
  }
}

/** Bodies of every content type are handed on as streams: who takes them knows how much is too much. */
function httpAdapter({ values }: Configuration, door: FrontDoor | undefined): FastifyAdapter {
  const options = { routerOptions: { maxParamLength: 500 }, frameworkErrors: answerUnread };
  const adapter =
    door === undefined
      ? new FastifyAdapter({ ...options, requestTimeout: 0 })
      : new FastifyAdapter({
          ...options,
          serverFactory: (handler: RequestListener) => door.serverFor(handler),
        });
  const fastify = adapter.getInstance();
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  admitOrigins(fastify, values.corsOrigins);
  if (door !== undefined) fastify.addHook('preClose', () => door.close());
  return adapter;
}
