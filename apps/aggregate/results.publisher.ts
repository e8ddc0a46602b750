import {
  FrameLines,
  type Outputs,
  placementKey,
  type ProgressDocument,
  progressDocument,
  resultMessage,
  type RowPublisher,
} from '#libs/functions';
import { FRAME_VERSION, partitionOf, type StreamProgress, type TopicNoun } from '#libs/messaging';
import type { ResultRow } from '#libs/storage';

export interface ResultsPublisherOptions {
  readonly pipeline: string;
  /** Of the global task; also the partition of `judged` that it writes to. */
  readonly partition: number;
  /** The full name of the pipeline's topic. */
  readonly topic: (noun: TopicNoun) => string;
  readonly partitionsOf: (noun: TopicNoun) => number;
  /** The series that an alert rule looks at: their rows go to `judged`. Progress always does. */
  readonly judgedSeries: ReadonlySet<string>;
}

/** Puts out one slice of an emission: rows, a public message for each, frames for the alert stage. */
export class ResultsPublisher implements RowPublisher {
  readonly #judged: FrameLines;

  constructor(
    private readonly options: ResultsPublisherOptions,
    private readonly outputs: Outputs,
  ) {
    this.#judged = new FrameLines({ v: FRAME_VERSION, kind: 'judged' }, (message) =>
      outputs.message(options.topic('judged'), options.partition, message),
    );
  }

  row(row: ResultRow): void {
    const { topic, partitionsOf } = this.options;
    this.outputs.row(row);
    const partition = partitionOf(placementKey(row), partitionsOf('results'));
    this.outputs.message(topic('results'), partition, resultMessage(row));
    if (this.options.judgedSeries.has(row.series)) this.#judged.add(JSON.stringify(row));
  }

  end(progress: Readonly<Record<string, StreamProgress>> | undefined): void {
    const isChanged = progress !== undefined && Object.keys(progress).length > 0;
    this.#judged.end(isChanged ? progress : undefined);
  }

  document(document: ProgressDocument): void {
    const { pipeline, partition } = this.options;
    this.outputs.document(progressDocument({ owner: pipeline, pipeline, partition }, document));
  }
}
