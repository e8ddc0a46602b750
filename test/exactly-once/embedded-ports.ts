import { join } from 'node:path';
import type { RuntimePorts } from '#libs/functions';
import { SystemClock } from '#libs/kernel';
import type { TopicSpec } from '#libs/messaging';
import { EmbeddedBroker } from '#libs/messaging-embedded';
import { Telemetry } from '#libs/observability';
import { EmbeddedStore } from '#libs/storage-embedded';

/** The real embedded log and store of one folder. */
export interface EmbeddedPorts extends RuntimePorts {
  close(): Promise<void>;
}

/** Opens them as a process would that comes up; the topics are there then. */
export async function openEmbedded(folder: string, topics: readonly TopicSpec[]): Promise<EmbeddedPorts> {
  const clock = new SystemClock();
  const telemetry = new Telemetry({ logLevel: 'silent' });
  const broker = await EmbeddedBroker.open({
    folder: join(folder, 'log'),
    clock,
    telemetry,
    maxBytes: 2 ** 30,
  });
  const store = await EmbeddedStore.open({ folder: join(folder, 'store'), clock });
  for (const topic of topics) await broker.ensureTopic(topic);
  const { commits, leases, results } = store;
  const close = async (): Promise<void> => {
    await broker.close();
    await store.close();
  };
  return { broker, commits, leases, results, clock, telemetry, random: () => 0, close };
}
