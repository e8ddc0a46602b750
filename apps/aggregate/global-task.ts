import { GlobalStage, type LiveViewOptions, type StateIdentity } from '#libs/functions';
import type { TopicNoun } from '#libs/messaging';
import type { PipelineDefinition } from '#libs/pipeline';
import { ResultsPublisher } from './results.publisher.js';

/** Whose state it is; what it reads of former versions: test/fixtures/state. */
export const GLOBAL_STATE: StateIdentity = { operator: 'global', version: 1 };

export interface GlobalTaskOptions extends Omit<LiveViewOptions, 'pipeline'> {
  readonly pipeline: Pick<PipelineDefinition, 'name' | 'partitions' | 'series' | 'alerts'>;
  /** The alert rules at present. Default: those of `pipeline`, for ever. */
  readonly alerts?: () => PipelineDefinition['alerts'];
  /** The full name of the pipeline's topic. */
  readonly topic: (noun: TopicNoun) => string;
  readonly partitionsOf: (noun: TopicNoun) => number;
}

/** The global stage of a pipeline for one partition of `partials`: its rows go to `results`, and those with a rule to `judged`. */
export class GlobalTaskLogic extends GlobalStage {
  constructor(options: GlobalTaskOptions) {
    const { name, partitions, series, alerts } = options.pipeline;
    // Never fewer: the alert stage may go on with the rules before, since it has refused these.
    const judgedSeries = new Set<string>();
    const target = { ...options, pipeline: name, judgedSeries };
    super({
      ...options,
      pipeline: name,
      series,
      upstream: { stage: 'local', tasks: partitions },
      tellsWatermarks: true,
      publisherOf: (outputs) => {
        for (const { series: judged } of options.alerts?.() ?? alerts) judgedSeries.add(judged);
        return new ResultsPublisher(target, outputs);
      },
    });
  }
}
