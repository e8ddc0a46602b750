import type { Provider } from '@nestjs/common';
import { Clock } from '#libs/kernel';
import { MessageBroker } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import { publicEventProblem } from '#libs/schema';
import { MillraceClient, MillraceServer, SubscriptionHealth } from '#libs/transport';
import { Configuration } from './configuration.js';
import { Pipelines } from './pipelines.js';

/** The transport to and from topics, over what is provided beside it: configuration, broker, clock, telemetry. */
export const TRANSPORT_PROVIDERS: Provider[] = [
  {
    provide: MillraceServer,
    inject: [Configuration, MessageBroker, Clock, Telemetry],
    useFactory: serverOf,
  },
  { provide: MillraceClient, inject: [Configuration, MessageBroker, Clock], useFactory: clientOf },
  SubscriptionHealth,
];

function serverOf(
  configuration: Configuration,
  broker: MessageBroker,
  clock: Clock,
  telemetry: Telemetry,
): MillraceServer {
  const pipeline = onlyPipeline(configuration);
  return new MillraceServer({
    ...{ broker, clock, telemetry, place: placeOf(configuration), check: publicEventProblem },
    ...(pipeline === undefined ? {} : { pipeline }),
  });
}

function clientOf(configuration: Configuration, broker: MessageBroker, clock: Clock): MillraceClient {
  return new MillraceClient({ broker, clock, place: placeOf(configuration) });
}

function placeOf({ values: { tenant, namespace } }: Configuration): {
  readonly tenant: string;
  readonly namespace: string;
} {
  return { tenant, namespace };
}

/** What handlers mean that name none; undefined: there are several, and they have to. */
function onlyPipeline(configuration: Configuration): string | undefined {
  const [only, ...others] = Pipelines.load(configuration).all;
  return others.length === 0 ? only?.name : undefined;
}
