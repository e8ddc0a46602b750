import type { AlertPolicy, AlertRule } from '#libs/alerting';
import type { AcceptedFormat } from '#libs/ingestion';
import type { JsonObject } from '#libs/kernel';
import type { EventSchema } from '#libs/schema';
import type { SeriesDefinition, TimeDefinition } from '#libs/windowing';
import type { EnrichStep } from './enrich-step.js';

/** The most partitions that the topics between the two aggregate stages have. */
const MAX_GLOBAL_PARTITIONS = 8;

/** How many tasks the global stage has: as many as the pipeline has partitions, at most 8. */
export function globalPartitionsOf(partitions: number): number {
  return Math.min(MAX_GLOBAL_PARTITIONS, partitions);
}

export interface IngestSettings {
  /** What a log line may be of; declared ones are tried first, in their order. Default: every one that is known by name. */
  readonly logFormats: readonly AcceptedFormat[];
  /** How long an event's id is remembered, ≥ 0, default 10 min. */
  readonly deduplicateForMs: number;
}

/** One pipeline, checked: what its file says, with every default filled in and every expression compiled. */
export interface PipelineDefinition {
  readonly name: string;
  /** Of the topics `raw` and `enriched`, 1 to 256. */
  readonly partitions: number;
  /** Of what is keyed by series and key, see {@link globalPartitionsOf}. */
  readonly globalPartitions: number;
  /** The schema of its events as the file names it, e.g. `web-request@1`. */
  readonly eventType: string;
  readonly schema: EventSchema;
  readonly time: TimeDefinition;
  readonly ingest: IngestSettings;
  readonly enrich: readonly EnrichStep[];
  readonly series: readonly SeriesDefinition[];
  readonly alerts: readonly AlertRule[];
  /** What is done with what the rules say. */
  readonly alertPolicy: AlertPolicy;
  /** The file as plain JSON, what it includes in its place. */
  readonly source: JsonObject;
}
