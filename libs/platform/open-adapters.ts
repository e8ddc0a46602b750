import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Clock, lockFolder, PlatformError } from '#libs/kernel';
import type { MessageBroker } from '#libs/messaging';
import type { Telemetry } from '#libs/observability';
import type { CommitStore, DocumentStore, LeaseStore, ResultStore } from '#libs/storage';
import { Adapters } from './adapters.js';
import type { Configuration } from './configuration.js';
import { exitAtOnce } from './exit-at-once.js';
import { openBroker } from './open-broker.js';
import { openStore } from './open-store.js';
import type { Pipelines } from './pipelines.js';
import type { ServerName, ServerOutages } from './server-outages.js';
import { topicEnsurer } from './topic-ensurer.js';
import { topicsOf } from './topics.js';

/** What every adapter is opened with. */
export interface AdapterTools {
  readonly configuration: Configuration;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Where it is told which of them is away. */
  readonly outages: ServerOutages;
}

/** The ports of storage over one store, whichever it is. */
export interface OpenedStore {
  readonly commits: CommitStore;
  readonly leases: LeaseStore;
  readonly results: ResultStore;
  readonly documents: DocumentStore;
  /** Bytes it takes of the data folder; 0 where it is elsewhere. */
  usedBytes(): number;
  close(): Promise<void>;
}

/**
 * The adapters that the configuration names: the broker by `MILLRACE_BROKER`, the store by `MILLRACE_STORE`.
 * Drivers are loaded only here, and only the ones that are used.
 *
 * It tries once: the process does so again where {@link isAwaited}; that says what is worth trying again. All that is away is noted, not only the first.
 *
 * @throws TopologyMismatchError where Pulsar's topics are not as wanted and may not be put right
 * @throws DataFolderBusyError while another process has the data folder and one of them is embedded
 */
export async function openAdapters(pipelines: Pipelines, tools: AdapterTools): Promise<Adapters> {
  // In the order they were opened; closed in the opposite one.
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    while (closers.length > 0) await closers.pop()?.();
  };
  try {
    if (usesFolder(tools.configuration)) closers.push(await lockDataFolder(tools.configuration));
    const store = await noting('store', tools, async () => {
      const opened = await openStore(pipelines, tools);
      closers.push(() => opened.close());
      return opened;
    });
    const log = await noting('log', tools, async () => {
      // The cap is of the folder: what results take, the log gives up.
      const broker = await openBroker(tools, () => store.value?.usedBytes() ?? 0);
      closers.push(() => broker.close());
      const ensureTopics = topicEnsurer(broker, tools);
      await ensureTopics(topicsOf(pipelines));
      return { broker, ensureTopics };
    });
    if (store.value === undefined) throw store.error;
    if (log.value === undefined) throw log.error;
    return new Adapters(portsOf(log.value.broker, store.value), log.value.ensureTopics, close);
  } catch (error) {
    await close();
    throw error;
  }
}

/** Notes an outage and goes on, so that the other server is looked at too. What is not one is thrown. */
async function noting<T>(
  server: ServerName,
  { configuration, outages }: AdapterTools,
  open: () => Promise<T>,
): Promise<{ readonly value?: T; readonly error?: unknown }> {
  try {
    const value = await open();
    outages.clear(server);
    return { value };
  } catch (error) {
    if (!isAwaited(error, configuration)) throw error;
    outages.note(server, error);
    return { error };
  }
}

/** Does it pass by itself: a server is away, or refuses for now. A wrong password does not: the process ends with it. */
export function isAwaited(error: unknown, { values }: Configuration): boolean {
  const isFromServer = values.broker.kind !== 'embedded' || values.store.kind !== 'embedded';
  return (
    isFromServer &&
    error instanceof PlatformError &&
    error.retry === 'backoff' &&
    error.code !== 'STORE_UNAUTHORIZED'
  );
}

function usesFolder({ values }: Configuration): boolean {
  return values.broker.kind === 'embedded' || values.store.kind === 'embedded';
}

async function lockDataFolder({ values }: Configuration): Promise<() => Promise<void>> {
  const folder = resolve(values.dataDir);
  mkdirSync(folder, { recursive: true });
  const lock = await lockFolder(folder);
  const takeBack = exitAtOnce();
  return () => {
    takeBack();
    return lock.release();
  };
}

function portsOf(broker: MessageBroker, store: OpenedStore): Adapters['ports'] {
  const { commits, leases, results, documents } = store;
  return { broker, commits, leases, results, documents };
}
