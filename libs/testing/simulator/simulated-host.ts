import { type RuntimePorts, type RuntimeSettings, TaskHost } from '#libs/functions';
import type { Telemetry } from '#libs/observability';
import { CountingLogic } from './counting-logic.js';
import { DeduplicatingLogic } from './deduplicating-logic.js';
import { MergingLogic } from './merging-logic.js';
import { ModelBroker } from './model-broker.js';
import { ModelCommitStore, ModelLeaseStore, type ModelTasks } from './model-commits.js';
import type { ModelLog } from './model-log.js';
import { type ModelResults, ModelResultStore } from './model-results.js';
import type { SimulatedProcess } from './simulated-process.js';
import { ENRICHED, PARTIALS, PIPELINE, RAW } from './simulated-topics.js';

/** What the processes of one simulation share. */
export interface Models {
  readonly log: ModelLog;
  readonly tasks: ModelTasks;
  readonly results: ModelResults;
  /** Whether a commit delivers its rows and documents itself. */
  readonly deliversResults: boolean;
}

/** The runtime as one process runs it: every task of the pipeline, as far as it gets the leases. */
export function startHost(
  process: SimulatedProcess,
  models: Models,
  { partitions, settings, telemetry }: HostOptions,
): TaskHost {
  const ports: RuntimePorts = {
    broker: new ModelBroker(models.log, process),
    commits: new ModelCommitStore(models.tasks, process, models.deliversResults ? models.results : undefined),
    leases: new ModelLeaseStore(models.tasks, process),
    results: new ModelResultStore(models.results, process),
    clock: process.clock,
    telemetry,
    random: () => process.world.random.next(),
  };
  const host = new TaskHost(process.name, ports, settings);
  for (let partition = 0; partition < partitions; partition++) addTasks(host, partition, partitions);
  return host;
}

export interface HostOptions {
  readonly partitions: number;
  readonly settings: RuntimeSettings;
  readonly telemetry: Telemetry;
}

function addTasks(host: TaskHost, partition: number, partitions: number): void {
  const enrich = { pipeline: PIPELINE, stage: 'enrich', partition };
  const local = { pipeline: PIPELINE, stage: 'local', partition };
  const global = { pipeline: PIPELINE, stage: 'global', partition };
  host.add({
    task: enrich,
    kind: 'covering',
    make: () => ({
      task: enrich,
      input: { topic: RAW, partition, subscription: 'enrich', kind: 'raw' },
      outputTopic: ENRICHED,
      identity: { operator: 'deduplicate', version: 1 },
      logic: new DeduplicatingLogic(),
    }),
  });
  host.add({
    task: local,
    kind: 'committed',
    make: () => ({
      task: local,
      inputs: [{ topic: ENRICHED, partition, subscription: 'local', kind: 'enriched' }],
      identity: { operator: 'count', version: 1 },
      logic: new CountingLogic(partitions),
    }),
  });
  host.add({
    task: global,
    kind: 'committed',
    make: () => ({
      task: global,
      inputs: [{ topic: PARTIALS, partition, subscription: 'global', kind: 'partials' }],
      identity: { operator: 'merge', version: 1 },
      logic: new MergingLogic(partition, partitions),
    }),
  });
}
