import { Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import type { TaskDefinition, TaskFactory } from '#libs/functions';
import { Clock } from '#libs/kernel';
import type { TopicNoun } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import type { PipelineDefinition } from '#libs/pipeline';
import { LiveFeed, Pipelines, Tasks } from '#libs/platform';
import { ResultStore } from '#libs/storage';
import { GLOBAL_STATE, GlobalTaskLogic } from './global-task.js';
import { LOCAL_STATE, LocalTaskLogic } from './local-task.js';

/** Runs, for each pipeline, a local task a partition of `enriched` and a global task a partition of `partials`. */
@Module({})
export class AggregateModule implements OnApplicationBootstrap {
  // As properties: they are more than a constructor should have.
  @Inject(Pipelines) private readonly pipelines!: Pipelines;
  @Inject(Tasks) private readonly tasks!: Tasks;
  @Inject(LiveFeed) private readonly live!: LiveFeed;
  @Inject(ResultStore) private readonly results!: ResultStore;
  @Inject(Clock) private readonly clock!: Clock;
  @Inject(Telemetry) private readonly telemetry!: Telemetry;

  onApplicationBootstrap(): void {
    for (const pipeline of this.pipelines.all) {
      const count = (noun: TopicNoun): number => this.pipelines.partitionsOf(pipeline, noun);
      for (let partition = 0; partition < count('enriched'); partition++)
        this.tasks.run(this.#localTask(pipeline, partition));
      for (let partition = 0; partition < count('partials'); partition++)
        this.tasks.run(this.#globalTask(pipeline, partition));
    }
  }

  #localTask(pipeline: PipelineDefinition, partition: number): TaskFactory {
    const task = { pipeline: pipeline.name, stage: 'local', partition };
    const { telemetry } = this;
    const make = (): TaskDefinition => ({
      task,
      inputs: [this.#input(pipeline, 'enriched', partition)],
      identity: LOCAL_STATE,
      logic: new LocalTaskLogic({ pipeline, partition, telemetry, ...this.#topics(pipeline) }),
    });
    return { task, kind: 'committed', make };
  }

  #globalTask(pipeline: PipelineDefinition, partition: number): TaskFactory {
    const task = { pipeline: pipeline.name, stage: 'global', partition };
    const { telemetry, results, clock, live } = this;
    const publisher = { publish: live.publish.bind(live, pipeline.name) };
    const make = (): TaskDefinition => ({
      task,
      inputs: [this.#input(pipeline, 'partials', partition)],
      identity: GLOBAL_STATE,
      logic: new GlobalTaskLogic({
        pipeline,
        alerts: () => this.pipelines.byName(pipeline.name).alerts,
        partition,
        telemetry,
        results,
        clock,
        publisher,
        ...this.#topics(pipeline),
      }),
    });
    return { task, kind: 'committed', make };
  }

  #input(
    pipeline: PipelineDefinition,
    noun: 'enriched' | 'partials',
    partition: number,
  ): TaskDefinition['inputs'][number] {
    return {
      topic: this.pipelines.topic(pipeline.name, noun),
      partition,
      subscription: 'aggregate',
      kind: noun,
    };
  }

  #topics(
    pipeline: PipelineDefinition,
  ): Pick<ConstructorParameters<typeof LocalTaskLogic>[0], 'topic' | 'partitionsOf'> {
    return {
      topic: (noun) => this.pipelines.topic(pipeline.name, noun),
      partitionsOf: (noun) => this.pipelines.partitionsOf(pipeline, noun),
    };
  }
}
