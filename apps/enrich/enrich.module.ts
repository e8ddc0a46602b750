import { Inject, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { TaskFactory } from '#libs/functions';
import { Clock } from '#libs/kernel';
import { MessageBroker } from '#libs/messaging';
import { FACTS, Telemetry } from '#libs/observability';
import type { PipelineDefinition } from '#libs/pipeline';
import { Configuration, Pipelines, Tasks } from '#libs/platform';
import { DocumentStore, KeyedRecords } from '#libs/storage';
import { EnrichTaskLogic } from './enrich-task.js';
import { storeOpenMarkers } from './open-markers.js';
import { type MadeSteps, makeSteps } from './steps/make-steps.js';
import { visitorSecret } from './visitor-secret.js';

/** Runs one enrich task a partition of `raw`. */
@Module({})
export class EnrichModule implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #made: MadeSteps[] = [];

  // eslint-disable-next-line max-params -- injected one by one; gathering them in an object would hide what is used
  constructor(
    @Inject(Pipelines) private readonly pipelines: Pipelines,
    @Inject(Tasks) private readonly tasks: Tasks,
    @Inject(DocumentStore) private readonly documents: DocumentStore,
    @Inject(Configuration) private readonly configuration: Configuration,
    @Inject(Clock) private readonly clock: Clock,
    @Inject(Telemetry) private readonly telemetry: Telemetry,
    @Inject(MessageBroker) private readonly broker: MessageBroker,
    @Inject(KeyedRecords) private readonly records: KeyedRecords,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const configured = this.configuration.values.visitorSecret;
    const secret = await visitorSecret(configured, this.documents);
    const { clock, telemetry, broker, records } = this;
    for (const pipeline of this.pipelines.all) {
      const resources = { pipeline: pipeline.name, visitorSecret: secret, clock, telemetry, broker, records };
      // Partitions share what is looked up: a cache of each would ask as often as there are partitions.
      const made = await makeSteps(pipeline.enrich, resources);
      this.#made.push(made);
      for (let partition = 0; partition < pipeline.partitions; partition++) {
        this.tasks.run(this.#task(pipeline, partition, made));
      }
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.#made.map((made) => made.close()));
  }

  #task(pipeline: PipelineDefinition, partition: number, { steps, waitingFor }: MadeSteps): TaskFactory {
    const task = { pipeline: pipeline.name, stage: 'enrich', partition };
    const markers = {
      broker: this.broker,
      topic: this.pipelines.topic(pipeline.name, 'raw'),
      partitions: pipeline.partitions,
      producerName: `open/${this.configuration.processId}/${partition}`,
    };
    const make = (): ReturnType<Extract<TaskFactory, { kind: 'covering' }>['make']> => ({
      task,
      input: {
        topic: this.pipelines.topic(pipeline.name, 'raw'),
        partition,
        subscription: 'enrich',
        kind: 'raw',
      },
      outputTopic: this.pipelines.topic(pipeline.name, 'enriched'),
      identity: { operator: 'enrich', version: 1 },
      logic: new EnrichTaskLogic({
        deduplicateForMs: pipeline.ingest.deduplicateForMs,
        steps,
        waitingFor,
        plain: { wanted: pipeline, open: (stream) => storeOpenMarkers(markers, stream) },
        onHorizon: (horizonMs) => {
          const place = { pipeline: pipeline.name, partition };
          if (Number.isFinite(horizonMs))
            this.telemetry.record(FACTS.deduplicationHorizon, place, horizonMs / 1_000);
        },
      }),
    });
    return { task, kind: 'covering', make };
  }
}
