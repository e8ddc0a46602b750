import 'reflect-metadata';
import { type DynamicModule, type INestApplicationContext, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { PlatformError, type RetryAdvice } from '#libs/kernel';
import { FACTS, Telemetry } from '#libs/observability';
import { type AppName, Configuration } from './configuration.js';
import { KeyRing } from './keys/key-ring.js';
import { admitOrigins } from './cors.js';
import { NestLogger } from './nest-logger.js';
import { PlatformModule } from './platform.module.js';
import { ProblemFilter } from './problem.filter.js';
import { loadUserFunctions } from './user-functions.js';

export interface AppDescription {
  readonly app: AppName;
  readonly module: Type | DynamicModule;
  /** Where it listens unless MILLRACE_PORT says otherwise. */
  readonly port: number;
  /** Called when the app can be used. */
  readonly onListening?: (url: string, app: INestApplicationContext) => void | Promise<void>;
}

/** A process that cannot start ends with this code: the configuration or the data has to change first. */
const EXIT_REFUSED = 78;

/** Somebody else listens where the app was told to. */
export class PortBusyError extends PlatformError {
  readonly code = 'PORT_BUSY';
  readonly retry: RetryAdvice = 'never';
  constructor(host: string, port: number) {
    super(
      `port ${port} of ${host} is in use; stop what listens there, or choose another port (MILLRACE_PORT)`,
      {
        context: { host, port },
      },
    );
  }
}

@Module({})
class RootModule {}

/**
 * Starts an app as a process: reads its configuration, opens what it stands on, listens, and ends on SIGTERM or
 * SIGINT after intake has stopped and everything is committed and delivered.
 */
export async function startApp(description: AppDescription): Promise<void> {
  try {
    const app = await createApp(description, process.env, process.argv.slice(2));
    await listen(app, description);
  } catch (error) {
    refuse(error);
  }
}

/** The app, wired but not listening. */
export async function createApp(
  description: AppDescription,
  environment: Readonly<Record<string, string | undefined>>,
  args: readonly string[],
): Promise<NestFastifyApplication> {
  const configuration = Configuration.load(description.app, environment, args);
  const { logLevel } = configuration.values;
  const telemetry = new Telemetry({ bindings: { app: description.app }, logLevel, processMetrics: true });
  const { functions } = configuration.values;
  const added = functions === undefined ? [] : await loadUserFunctions(functions);
  const root = {
    module: RootModule,
    imports: [PlatformModule.forRoot(configuration, telemetry), description.module, ...added],
  };
  const app = await NestFactory.create<NestFastifyApplication>(root, httpAdapter(configuration), {
    bodyParser: false,
    logger: new NestLogger(telemetry),
    abortOnError: false,
    forceCloseConnections: true,
  });
  app.useGlobalFilters(new ProblemFilter(telemetry));
  return app;
}

/** Bodies of every content type are handed on as streams: who takes them knows how much is too much. */
function httpAdapter({ values }: Configuration): FastifyAdapter {
  const adapter = new FastifyAdapter({ routerOptions: { maxParamLength: 500 }, requestTimeout: 0 });
  const fastify = adapter.getInstance();
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  admitOrigins(fastify, values.corsOrigins);
  return adapter;
}

async function listen(app: NestFastifyApplication, description: AppDescription): Promise<void> {
  const { host, port } = app.get(Configuration).values;
  stopOnSignals(app);
  await refuseStrangers(app);
  await openPort(app, port ?? description.port, host);
  const url = (await app.getUrl()).replace('[::1]', 'localhost').replace('127.0.0.1', 'localhost');
  if (description.onListening !== undefined) await description.onListening(url, app);
  else app.get(Telemetry).record(FACTS.appListening, { url });
}

/** Before the port is open: nobody comes in meanwhile. @throws KeysNeededError */
async function refuseStrangers(app: NestFastifyApplication): Promise<void> {
  try {
    await app.get(KeyRing).assertSafe();
  } catch (error) {
    await app.close();
    throw error;
  }
}

async function openPort(app: NestFastifyApplication, port: number, host: string): Promise<void> {
  try {
    await app.listen(port, host);
  } catch (error) {
    await app.close();
    throw error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
      ? new PortBusyError(host, port)
      : error;
  }
}

function stopOnSignals(app: NestFastifyApplication): void {
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    app.close().then(
      () => process.exit(0),
      (error: unknown) => {
        app.get(Telemetry).logger.error({ error }, 'the end was not clean');
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

function refuse(error: unknown): never {
  const text =
    error instanceof PlatformError
      ? `${error.code}: ${error.message}`
      : String((error as Error).stack ?? error);
  process.stderr.write(`millrace cannot start.\n${text}\n`);
  process.exit(EXIT_REFUSED);
}
