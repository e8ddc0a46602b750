import { join, resolve } from 'node:path';
import type { MessageBroker } from '#libs/messaging';
import type { AdapterTools } from './open-adapters.js';

/**
 * The broker that `MILLRACE_BROKER` names.
 *
 * @param otherBytes what else counts towards the cap of the data folder (embedded only)
 */
export async function openBroker(tools: AdapterTools, otherBytes: () => number): Promise<MessageBroker> {
  const { broker } = tools.configuration.values;
  switch (broker.kind) {
    case 'embedded':
      return openEmbedded(tools, otherBytes);
    default:
      return broker.kind satisfies never;
  }
}

async function openEmbedded(tools: AdapterTools, otherBytes: () => number): Promise<MessageBroker> {
  const { EmbeddedBroker } = await import('#libs/messaging-embedded');
  const { configuration, clock, telemetry } = tools;
  const { dataDir, dataMaxBytes: maxBytes } = configuration.values;
  const folder = join(resolve(dataDir), 'log');
  return EmbeddedBroker.open({ folder, clock, telemetry, maxBytes, otherBytes });
}
