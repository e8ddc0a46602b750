import { join, resolve } from 'node:path';
import type { MessageBroker } from '#libs/messaging';
import { FileTokenSource } from '#libs/pulsar-admin';
import { defaultAdminAddress } from './adapter-address.js';
import type { AdapterTools } from './open-adapters.js';
import { trustAlso } from './trusted-certificates.js';

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
    case 'websocket':
      return openWebSocket(tools, broker.address);
    case 'pulsar':
      return openPulsar(tools, broker.address);
    default:
      return broker satisfies never;
  }
}

async function openEmbedded(tools: AdapterTools, otherBytes: () => number): Promise<MessageBroker> {
  const { EmbeddedBroker } = await import('#libs/messaging-embedded');
  const { configuration, clock, telemetry } = tools;
  const { dataDir, dataMaxBytes: maxBytes } = configuration.values;
  const folder = join(resolve(dataDir), 'log');
  return EmbeddedBroker.open({ folder, clock, telemetry, maxBytes, otherBytes });
}

async function openWebSocket(tools: AdapterTools, address: string): Promise<MessageBroker> {
  const { WebSocketBroker } = await import('#libs/messaging-websocket');
  const { configuration, clock, telemetry } = tools;
  const { brokerAdmin, brokerTokenFile, brokerCaFile } = configuration.values;
  if (brokerCaFile !== undefined) trustAlso(brokerCaFile);
  return new WebSocketBroker({
    address,
    clock,
    telemetry,
    ...(brokerAdmin === undefined ? {} : { adminAddress: brokerAdmin }),
    ...(brokerTokenFile === undefined ? {} : { token: new FileTokenSource(brokerTokenFile) }),
  });
}

async function openPulsar(tools: AdapterTools, serviceUrl: string): Promise<MessageBroker> {
  const { PulsarBroker } = await import('#libs/messaging-pulsar');
  const { configuration, clock, telemetry } = tools;
  const { brokerAdmin, brokerTokenFile, brokerCaFile, brokerRetentionMs: retentionMs } = configuration.values;
  if (brokerCaFile !== undefined) trustAlso(brokerCaFile);
  return PulsarBroker.open({
    serviceUrl,
    adminUrl: brokerAdmin ?? defaultAdminAddress({ kind: 'pulsar', address: serviceUrl }),
    clock,
    telemetry,
    retentionMs,
    ...(brokerTokenFile === undefined ? {} : { token: new FileTokenSource(brokerTokenFile) }),
    ...(brokerCaFile === undefined ? {} : { caFile: brokerCaFile }),
  });
}
