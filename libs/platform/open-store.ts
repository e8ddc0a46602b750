import { join, resolve } from 'node:path';
import type { AdapterTools, OpenedStore } from './open-adapters.js';
import { mongodbOptions, openMongodb } from './open-mongodb.js';
import type { Pipelines } from './pipelines.js';

/** The store that `MILLRACE_STORE` names. */
export async function openStore(pipelines: Pipelines, tools: AdapterTools): Promise<OpenedStore> {
  const { store } = tools.configuration.values;
  switch (store.kind) {
    case 'embedded':
      return openEmbedded(tools);
    case 'mongodb':
      return openMongodb(mongodbOptions(store, pipelines, tools));
    default:
      return store satisfies never;
  }
}

async function openEmbedded({ configuration, clock }: AdapterTools): Promise<OpenedStore> {
  const { EmbeddedStore } = await import('#libs/storage-embedded');
  return EmbeddedStore.open({ folder: join(resolve(configuration.values.dataDir), 'store'), clock });
}
