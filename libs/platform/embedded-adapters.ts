import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Clock, type FolderLock, lockFolder } from '#libs/kernel';
import type { Telemetry } from '#libs/observability';
import { Adapters } from './adapters.js';
import type { Configuration } from './configuration.js';
import type { Pipelines } from './pipelines.js';
import { Topics } from './topics.js';

/**
 * Log and store in one folder, for one process. Drivers are loaded only here.
 *
 * @throws DataFolderBusyError while another process has the folder
 */
export async function openEmbeddedAdapters(
  configuration: Configuration,
  pipelines: Pipelines,
  tools: { readonly clock: Clock; readonly telemetry: Telemetry },
): Promise<Adapters> {
  const folder = resolve(configuration.values.dataDir);
  mkdirSync(folder, { recursive: true });
  const lock = await lockFolder(folder);
  try {
    return await openFolder(folder, { configuration, pipelines, lock, ...tools });
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function openFolder(
  folder: string,
  tools: {
    readonly configuration: Configuration;
    readonly pipelines: Pipelines;
    readonly lock: FolderLock;
    readonly clock: Clock;
    readonly telemetry: Telemetry;
  },
): Promise<Adapters> {
  const { EmbeddedBroker } = await import('#libs/messaging-embedded');
  const { EmbeddedStore } = await import('#libs/storage-embedded');
  const { clock, telemetry, lock } = tools;
  const maxBytes = tools.configuration.values.dataMaxBytes;
  const store = await EmbeddedStore.open({ folder: join(folder, 'store'), clock });
  // The cap is of the folder: what results take, the log gives up.
  const otherBytes = (): number => store.usedBytes();
  const broker = await EmbeddedBroker.open({
    folder: join(folder, 'log'),
    clock,
    telemetry,
    maxBytes,
    otherBytes,
  });
  await new Topics(broker, tools.pipelines).ensure();
  return new Adapters(
    {
      broker,
      commits: store.commits,
      leases: store.leases,
      results: store.results,
      documents: store.documents,
    },
    async () => {
      await broker.close();
      await store.close();
      await lock.release();
    },
  );
}
