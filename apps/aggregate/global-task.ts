import type { Outputs, TaskInput, TaskLogic, Urgency } from '#libs/functions';
import type { JsonValue } from '#libs/kernel';
import type { Frame, StreamProgress, TopicNoun } from '#libs/messaging';
import { FACTS } from '#libs/observability';
import type { PipelineDefinition } from '#libs/pipeline';
import type { ResultRow } from '#libs/storage';
import { GlobalAggregation, type Partial, type WindowResult } from '#libs/windowing';
import { LiveView, type LiveViewOptions } from './live-view.js';
import { ResultsPublisher } from './results.publisher.js';
import { UpstreamTimes } from './upstream-times.js';

export interface GlobalTaskOptions extends Omit<LiveViewOptions, 'pipeline'> {
  readonly pipeline: Pick<PipelineDefinition, 'name' | 'partitions' | 'series' | 'alerts'>;
  /** The full name of the pipeline's topic. */
  readonly topic: (noun: TopicNoun) => string;
  readonly partitionsOf: (noun: TopicNoun) => number;
}

/** Rows between two looks at the budget. */
const ROWS_AT_ONCE = 256;

/**
 * The global stage for one partition of `partials`: merges the deltas of all local tasks and puts out each window's
 * row when the last of them has passed its end.
 */
export class GlobalTaskLogic implements TaskLogic {
  readonly #aggregation: GlobalAggregation;
  readonly #live: LiveView;
  readonly #upstream: UpstreamTimes;
  readonly #judgedSeries: ReadonlySet<string>;

  constructor(private readonly options: GlobalTaskOptions) {
    const { name, partitions, series, alerts } = options.pipeline;
    this.#upstream = new UpstreamTimes(options.clock);
    this.#judgedSeries = new Set(alerts.map((rule) => rule.series));
    this.#aggregation = new GlobalAggregation(series, partitions);
    this.#live = new LiveView({ ...options, pipeline: name }, (newest) => {
      const { rows, gone, ...shown } = this.#aggregation.changedOpen(newest);
      // What is gone is known by its identity alone.
      const goneRows = gone.map((row) => this.#rowOf({ ...row, measures: {}, revision: 0 }));
      return { ...shown, rows: rows.map((row) => this.#rowOf(row)), gone: goneRows };
    });
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    this.#aggregation.restore(cells);
    for (const stream of this.#aggregation.streams) this.#noteUpstream(stream);
  }

  apply(input: TaskInput): void {
    const { header, items } = input.frame as Frame<Partial>;
    for (const partial of items) this.#merge(partial);
    const upstream = upstreamOf(input, this.options.pipeline.name);
    for (const [stream, progress] of Object.entries(header.progress ?? {})) {
      this.#aggregation.advance(upstream, stream, progress);
      this.#noteUpstream(stream);
    }
    if (items.length > 0) this.#live.changed();
  }

  flush(outputs: Outputs, budgetBytes: number): 'done' | 'more' {
    const publisher = new ResultsPublisher(
      { ...this.options, pipeline: this.options.pipeline.name, judgedSeries: this.#judgedSeries },
      outputs,
    );
    let more = true;
    while (more && outputs.bytes < budgetBytes) more = this.#emit(publisher, outputs);
    const progress = more ? undefined : this.#aggregation.takeProgress();
    publisher.end(progress);
    if (progress !== undefined) {
      this.#writeDocuments(progress, publisher);
      this.#tellProgress(progress, outputs);
    }
    return more ? 'more' : 'done';
  }

  changes(): Iterable<readonly [string, JsonValue | undefined]> {
    return this.#aggregation.changes();
  }

  cells(): Iterable<readonly [string, JsonValue]> {
    return this.#aggregation.cells();
  }

  urgency(): Urgency {
    return this.#aggregation.isUrgent ? 'soon' : 'pace';
  }

  #merge(partial: Partial): void {
    const outcome = this.#aggregation.merge(partial);
    if (outcome.kind === 'merged') return;
    const { telemetry, pipeline, partition } = this.options;
    const fields = { pipeline: pipeline.name, partition, series: partial.series, reason: outcome.kind };
    telemetry.record(FACTS.deltasRefused, fields, partial.events);
  }

  /** One step of an emission; true: there is more. */
  #emit(publisher: ResultsPublisher, outputs: Outputs): boolean {
    const { rows, more, ...shown } = this.#aggregation.emit(ROWS_AT_ONCE);
    const made = rows.map((row) => this.#rowOf(row));
    for (const row of made) publisher.row(row);
    if (made.length > 0) outputs.afterDelivery(() => this.#live.delivered({ ...shown, rows: made }));
    return more;
  }

  #noteUpstream(stream: string): void {
    this.#upstream.said(stream, this.#aggregation.upstreamWatermarks(stream));
  }

  /** All of the progress is told: a document says no more than the frames before it. */
  #writeDocuments(told: Readonly<Record<string, StreamProgress>>, publisher: ResultsPublisher): void {
    for (const stream of new Set([...Object.keys(told), ...this.#upstream.due()])) {
      const progress = told[stream] ?? this.#aggregation.progressOf(stream);
      publisher.document({ stream, progress, upstream: this.#upstream.take(stream) });
    }
  }

  #tellProgress(progress: Readonly<Record<string, StreamProgress>>, outputs: Outputs): void {
    const watermarks = Object.entries(progress).flatMap(([stream, { watermarkMs }]) =>
      watermarkMs === undefined ? [] : [[stream, watermarkMs] as const],
    );
    if (watermarks.length === 0) return;
    const { telemetry, pipeline } = this.options;
    outputs.afterDelivery(() => {
      for (const [stream, watermarkMs] of watermarks) {
        telemetry.record(FACTS.watermark, { pipeline: pipeline.name, stream }, watermarkMs / 1_000);
      }
      this.#live.advanced(Object.fromEntries(watermarks));
    });
  }

  #rowOf(row: WindowResult): ResultRow {
    return { pipeline: this.options.pipeline.name, ...row, task: this.options.partition };
  }
}

/** The partition of the local task that sent it. @throws RangeError: only local tasks write to `partials` */
function upstreamOf({ producer }: TaskInput, pipeline: string): number {
  const prefix = `${pipeline}/local/`;
  const partition = producer?.startsWith(prefix) === true ? Number(producer.slice(prefix.length)) : NaN;
  if (!Number.isInteger(partition))
    throw new RangeError(`${producer ?? 'nobody'} is no local task of ${pipeline}`);
  return partition;
}
