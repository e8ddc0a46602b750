import { Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import type { TaskDefinition, TaskFactory } from '#libs/functions';
import { Clock } from '#libs/kernel';
import type { TopicNoun } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import type { PipelineDefinition } from '#libs/pipeline';
import { Pipelines, Tasks } from '#libs/platform';
import { AlertTaskLogic } from './alert-task.js';

/** Raised with every change of what the cells of an alert task mean. */
const STATE_VERSION = 1;

/** Runs one alert task a pipeline, over all of `judged`. */
@Module({})
export class AlertModule implements OnApplicationBootstrap {
  constructor(
    @Inject(Pipelines) private readonly pipelines: Pipelines,
    @Inject(Tasks) private readonly tasks: Tasks,
    @Inject(Clock) private readonly clock: Clock,
    @Inject(Telemetry) private readonly telemetry: Telemetry,
  ) {}

  onApplicationBootstrap(): void {
    for (const pipeline of this.pipelines.all) this.tasks.run(this.#task(pipeline));
  }

  #task(pipeline: PipelineDefinition): TaskFactory {
    const task = { pipeline: pipeline.name, stage: 'alert', partition: 0 };
    const topic = (noun: TopicNoun): string => this.pipelines.topic(pipeline.name, noun);
    const partitionsOf = (noun: TopicNoun): number => this.pipelines.partitionsOf(pipeline, noun);
    const inputs = Array.from({ length: partitionsOf('judged') }, (_, partition) => ({
      topic: topic('judged'),
      partition,
      subscription: 'alert',
      kind: 'judged' as const,
    }));
    const { clock, telemetry } = this;
    const make = (): TaskDefinition => ({
      task,
      inputs,
      identity: { operator: 'alert', version: STATE_VERSION },
      logic: new AlertTaskLogic({ pipeline, topic, partitionsOf, clock, telemetry }),
    });
    return { task, kind: 'committed', make };
  }
}
