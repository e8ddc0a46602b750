import { type DynamicModule, Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { Clock } from '#libs/kernel';
import { DEFAULT_SETTINGS, type RuntimePorts, TaskHost } from '#libs/functions';
import { MessageBroker } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import { CommitStore, DocumentStore, KeyedRecords, LeaseStore, ResultStore } from '#libs/storage';
import { AlertRuleFiles } from './alert-rule-files.js';
import { ConfigController } from './config.controller.js';
import { Configuration } from './configuration.js';
import { MillraceClient, MillraceServer } from '#libs/transport';
import { Adapters } from './adapters.js';
import { HealthController } from './health.controller.js';
import { KeyGuard } from './keys/key-guard.js';
import { KeyRing } from './keys/key-ring.js';
import { KeysController } from './keys/keys.controller.js';
import { LookupRecords } from './lookup-records.js';
import { LiveFeed } from './live-feed.js';
import { MetricsController } from './metrics.controller.js';
import { TRANSPORT_PROVIDERS } from './millrace-transport.js';
import { Pipelines } from './pipelines.js';
import { ProcessFailpoints } from './process-failpoints.js';
import { ServerOutages } from './server-outages.js';
import { Subscriptions } from './subscriptions.js';
import { Tasks } from './tasks.js';

const PORTS = [
  { provide: MessageBroker, key: 'broker' },
  { provide: CommitStore, key: 'commits' },
  { provide: LeaseStore, key: 'leases' },
  { provide: ResultStore, key: 'results' },
  { provide: DocumentStore, key: 'documents' },
] as const;

/** What is there before any server has answered. */
export interface PlatformParts {
  readonly configuration: Configuration;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly pipelines: Pipelines;
  readonly outages: ServerOutages;
}

/** Everything an app stands on: configuration, ports with their adapters, tasks, health, metrics. */
@Global()
@Module({})
export class PlatformModule implements OnApplicationShutdown {
  constructor(@Inject(Adapters) private readonly adapters: Adapters) {}

  static forRoot(
    { configuration, telemetry, clock, pipelines, outages }: PlatformParts,
    adapters: Adapters,
  ): DynamicModule {
    const failpoints = new ProcessFailpoints(configuration.values.failpoint);
    const provided = [
      { provide: Configuration, useValue: configuration },
      { provide: Telemetry, useValue: telemetry },
      { provide: Clock, useValue: clock },
      { provide: ProcessFailpoints, useValue: failpoints },
      { provide: Pipelines, useValue: pipelines },
      { provide: ServerOutages, useValue: outages },
      { provide: Adapters, useValue: adapters },
      ...PORTS.map(({ provide, key }) => ({ provide, useValue: adapters.ports[key] })),
      {
        provide: TaskHost,
        useFactory: () => taskHost(configuration, { ...adapters.ports, clock, telemetry, failpoints }),
      },
      { provide: KeyedRecords, useFactory: () => new LookupRecords(configuration, clock) },
      AlertRuleFiles,
      LiveFeed,
      ...TRANSPORT_PROVIDERS,
      Subscriptions,
      KeyRing,
      { provide: APP_GUARD, useClass: KeyGuard },
      Tasks,
    ];
    const exported = [
      Adapters,
      AlertRuleFiles,
      Configuration,
      Telemetry,
      Clock,
      KeyedRecords,
      Pipelines,
      ProcessFailpoints,
      LiveFeed,
      MillraceClient,
      MillraceServer,
      Tasks,
      ...PORTS.map(({ provide }) => provide),
    ];
    return {
      module: PlatformModule,
      imports: [TerminusModule.forRoot({ errorLogStyle: 'json', logger: false })],
      controllers: [HealthController, MetricsController, ConfigController, KeysController],
      providers: provided,
      exports: exported,
    };
  }

  /** The last to close: by then every task has delivered and every request has been answered. */
  async onApplicationShutdown(): Promise<void> {
    await this.adapters.close();
  }
}

function taskHost(configuration: Configuration, ports: Omit<RuntimePorts, 'random'>): TaskHost {
  const { commitIntervalMs, commitGapMs, stateFormat, holdTasks, withoutFences } = configuration.values;
  const chosen = { commitIntervalMs, commitGapMs, stateFormat, holdTasks, withoutFences };
  const settings = { ...DEFAULT_SETTINGS, ...chosen };
  return new TaskHost(configuration.processId, { ...ports, random: Math.random }, settings);
}
