import { MessageBroker, type TopicNoun } from '#libs/messaging';
import type { PipelineDefinition } from '#libs/pipeline';
import { Pipelines } from './pipelines.js';

interface TopicPlan {
  readonly noun: TopicNoun;
  readonly subscriptions?: readonly string[];
  /** Internal topics are empty once read; what people may want to read again stays until room is needed. */
  readonly retentionMs?: number;
}

const PLAN: readonly TopicPlan[] = [
  { noun: 'raw', subscriptions: ['enrich'] },
  { noun: 'enriched', subscriptions: ['aggregate'], retentionMs: 0 },
  { noun: 'partials', subscriptions: ['aggregate'], retentionMs: 0 },
  { noun: 'judged', subscriptions: ['alert'], retentionMs: 0 },
  { noun: 'results' },
  { noun: 'late' },
  { noun: 'dead' },
  { noun: 'alerts' },
  { noun: 'live' },
];

/** Makes the topics of every pipeline, or checks that they are as wanted, before anything uses them. */

export class Topics {
  constructor(
    private readonly broker: MessageBroker,
    private readonly pipelines: Pipelines,
  ) {}

  /** @throws TopicMismatchError */
  async ensure(): Promise<void> {
    for (const pipeline of this.pipelines.all) {
      await Promise.all(PLAN.map((plan) => this.#ensure(pipeline, plan)));
    }
  }

  async #ensure(pipeline: PipelineDefinition, { noun, ...settings }: TopicPlan): Promise<void> {
    const name = this.pipelines.topic(pipeline.name, noun);
    const partitions = this.pipelines.partitionsOf(pipeline, noun);
    await this.broker.ensureTopic({ name, partitions, ...settings });
  }
}
