import { Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import type { TaskFactory } from '#libs/functions';
import type { PipelineDefinition } from '#libs/pipeline';
import { Configuration, Pipelines, Tasks } from '#libs/platform';
import { DocumentStore } from '#libs/storage';
import { EnrichTaskLogic } from './enrich-task.js';
import { makeSteps, type StepResources } from './steps/make-steps.js';
import { visitorSecret } from './visitor-secret.js';

/** Runs one enrich task a partition of `raw`. */
@Module({})
export class EnrichModule implements OnApplicationBootstrap {
  constructor(
    @Inject(Pipelines) private readonly pipelines: Pipelines,
    @Inject(Tasks) private readonly tasks: Tasks,
    @Inject(DocumentStore) private readonly documents: DocumentStore,
    @Inject(Configuration) private readonly configuration: Configuration,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const configured = this.configuration.values.visitorSecret;
    const resources = { visitorSecret: await visitorSecret(configured, this.documents) };
    for (const pipeline of this.pipelines.all) {
      for (let partition = 0; partition < pipeline.partitions; partition++) {
        this.tasks.run(this.#task(pipeline, partition, resources));
      }
    }
  }

  #task(pipeline: PipelineDefinition, partition: number, resources: StepResources): TaskFactory {
    const task = { pipeline: pipeline.name, stage: 'enrich', partition };
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
        steps: makeSteps(pipeline.enrich, resources),
      }),
    });
    return { task, kind: 'covering', make };
  }
}
