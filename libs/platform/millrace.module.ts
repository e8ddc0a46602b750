import { type DynamicModule, Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { Clock, PlatformError, type RetryAdvice, SystemClock } from '#libs/kernel';
import { MessageBroker } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import { MillraceClient, MillraceServer, SubscriptionHealth } from '#libs/transport';
import { Configuration } from './configuration.js';
import { TRANSPORT_PROVIDERS } from './millrace-transport.js';
import { openBroker } from './open-broker.js';
import { ServerOutages } from './server-outages.js';
import { Subscriptions } from './subscriptions.js';

/** A process beside Millrace can't read its embedded log. */
export class SubscriptionEmbeddedError extends PlatformError {
  readonly code = 'SUBSCRIPTION_EMBEDDED';
  readonly retry: RetryAdvice = 'never';
  constructor() {
    super(
      'MILLRACE_BROKER names no Pulsar, and the embedded log belongs to the process that writes it: name a broker ' +
        '(ws://host:8080), or let that process run the subscriber (MILLRACE_FUNCTIONS)',
    );
  }
}

/** What the module stands on; what is left out is read from the environment. */
export interface MillraceModuleOptions {
  readonly configuration?: Configuration;
  readonly telemetry?: Telemetry;
}

/**
 * For a service of one's own: its `@Subscriber` classes read the topics of the Pulsar that `MILLRACE_BROKER` names, and
 * `MillraceClient` writes them. It begins with the application, and drains before anything else is closed. A broker that is away
 * is waited for in the background; `SubscriptionHealth` says so.
 */
@Global()
@Module({})
export class MillraceModule implements OnApplicationShutdown {
  @Inject(MillraceClient) private readonly client!: MillraceClient;
  @Inject(MessageBroker) private readonly broker!: MessageBroker;

  /** @throws when the application is made: ConfigurationInvalidError, SubscriptionEmbeddedError, PulsarClientMissingError */
  static forRoot({ configuration, telemetry }: MillraceModuleOptions = {}): DynamicModule {
    return {
      module: MillraceModule,
      imports: [TerminusModule.forRoot({ errorLogStyle: 'json', logger: false })],
      providers: [
        { provide: Clock, useClass: SystemClock },
        {
          provide: Configuration,
          useFactory: () => configuration ?? Configuration.load('subscriber', process.env, []),
        },
        {
          provide: Telemetry,
          inject: [Configuration],
          useFactory: (given: Configuration) => telemetry ?? telemetryOf(given),
        },
        { provide: MessageBroker, inject: [Configuration, Clock, Telemetry], useFactory: brokerOf },
        ...TRANSPORT_PROVIDERS,
        Subscriptions,
      ],
      exports: [
        ...[Clock, Configuration, Telemetry, MessageBroker],
        ...[MillraceServer, MillraceClient, SubscriptionHealth, TerminusModule],
      ],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.client.close();
    await this.broker.close();
  }
}

/** The log of a service of its own. */
export function telemetryOf({ values: { logLevel } }: Configuration): Telemetry {
  return new Telemetry({ bindings: { app: 'subscriber' }, logLevel, processMetrics: true });
}

async function brokerOf(
  configuration: Configuration,
  clock: Clock,
  telemetry: Telemetry,
): Promise<MessageBroker> {
  if (configuration.values.broker.kind === 'embedded') throw new SubscriptionEmbeddedError();
  const outages = new ServerOutages(configuration, clock);
  return await openBroker({ configuration, clock, telemetry, outages }, () => 0);
}
