import type { Outputs } from '#libs/functions';
import type { JsonObject, JsonValue } from '#libs/kernel';
import {
  FRAME_VERSION,
  partitionOf,
  publicMessage,
  type StreamProgress,
  type TopicNoun,
} from '#libs/messaging';
import { COLLECTIONS, type ResultRow, rowId } from '#libs/storage';
import { NOTHING_TO_CLOSE_MS } from '#libs/windowing';
import { FrameLines } from './frame-lines.js';
import { placementKey } from './placement.js';

/** The type of the messages on `<pipeline>.results`, in CloudEvents' words. */
export const RESULT_EVENT_TYPE = 'com.millrace.result.v1';

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

/** What the documents of streams say beside progress. */
export interface UpstreamDocument {
  readonly stream: string;
  readonly progress: StreamProgress;
  /** As `libs/windowing/explain.ts` describes it. */
  readonly upstream: JsonValue;
}

/** Puts out one slice of an emission: rows, a public message for each, frames for the alert stage. */
export class ResultsPublisher {
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
    const { pipeline, topic, partitionsOf } = this.options;
    const key = placementKey(row);
    const message = publicMessage({
      id: `${rowId(row)}/${row.revision}`,
      source: `/pipelines/${pipeline}/streams/${row.stream}`,
      type: RESULT_EVENT_TYPE,
      subject: row.series,
      timeMs: row.windowEndMs,
      key,
      data: row,
    });
    this.outputs.row(row);
    this.outputs.message(topic('results'), partitionOf(key, partitionsOf('results')), message);
    if (this.options.judgedSeries.has(row.series)) this.#judged.add(JSON.stringify(row));
  }

  /** @param progress what may be told behind the rows; undefined: not all of them are out */
  end(progress: Readonly<Record<string, StreamProgress>> | undefined): void {
    const isChanged = progress !== undefined && Object.keys(progress).length > 0;
    this.#judged.end(isChanged ? progress : undefined);
  }

  /** Only what is told. */
  document({ stream, progress, upstream }: UpstreamDocument): void {
    const { pipeline, partition } = this.options;
    this.outputs.document({
      collection: COLLECTIONS.progress,
      id: `${pipeline}/${partition}/${stream}`,
      timeMs: 0,
      fields: { pipeline, stream, partition },
      body: { ...progressBody(progress), upstream },
    });
  }
}

function progressBody({ watermarkMs, closed }: StreamProgress): JsonObject {
  if (closed === undefined) return { watermarkMs };
  const { closeId, untilMs } = closed;
  // A close of a stream without events is done, too, but has no time.
  return { watermarkMs, closed: untilMs === NOTHING_TO_CLOSE_MS ? { closeId } : { closeId, untilMs } };
}
