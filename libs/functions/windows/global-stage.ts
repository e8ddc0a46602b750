import type { JsonScalar, JsonValue } from '#libs/kernel';
import type { Frame, StreamProgress } from '#libs/messaging';
import { FACTS } from '#libs/observability';
import type { ResultRow } from '#libs/storage';
import { GlobalAggregation, type Partial, type SeriesDefinition, type WindowResult } from '#libs/windowing';
import type { Outputs, TaskInput, TaskLogic, Urgency } from '../task-logic.js';
import { LiveView, type LiveViewOptions } from './live-view.js';
import { UpstreamTimes } from './upstream-times.js';

/** Where the rows of one slice of an emission go, and what is told behind them. */
export interface RowPublisher {
  row(row: ResultRow): void;
  /** @param progress what may be told behind the rows; undefined: not all of them are out */
  end(progress: Readonly<Record<string, StreamProgress>> | undefined): void;
  /** Only what is told. */
  document(document: ProgressDocument): void;
}

/** What the document of a stream says beside progress. */
export interface ProgressDocument {
  readonly stream: string;
  readonly progress: StreamProgress;
  /** As `libs/windowing/explain.ts` describes it. */
  readonly upstream: JsonValue;
}

export interface GlobalStageOptions extends LiveViewOptions {
  readonly series: readonly SeriesDefinition[];
  /** The local tasks whose deltas come in. */
  readonly upstream: { readonly stage: string; readonly tasks: number };
  /** Whether its watermarks are those of the pipeline's streams: measured, and shown on the page. */
  readonly tellsWatermarks: boolean;
  /** For one slice of an emission. */
  readonly publisherOf: (outputs: Outputs) => RowPublisher;
  /** The key as rows show it. Default: as deltas carry it. */
  readonly rowKey?: (key: Readonly<Record<string, JsonScalar>>) => Readonly<Record<string, JsonScalar>>;
}

/** Rows between two looks at the budget. */
const ROWS_AT_ONCE = 256;

/**
 * The global stage for one partition of deltas: merges those of all local tasks and puts out each window's row when the
 * last of them has passed its end.
 */
export class GlobalStage implements TaskLogic {
  readonly #aggregation: GlobalAggregation;
  readonly #live: LiveView;
  readonly #upstream: UpstreamTimes;

  constructor(private readonly options: GlobalStageOptions) {
    this.#upstream = new UpstreamTimes(options.clock);
    this.#aggregation = new GlobalAggregation(options.series, options.upstream.tasks);
    this.#live = new LiveView(options, (newest) => {
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
    const upstream = upstreamOf(input, `${this.options.pipeline}/${this.options.upstream.stage}`);
    for (const [stream, progress] of Object.entries(header.progress ?? {})) {
      this.#aggregation.advance(upstream, stream, progress);
      this.#noteUpstream(stream);
    }
    if (items.length > 0) this.#live.changed();
  }

  flush(outputs: Outputs, budgetBytes: number): 'done' | 'more' {
    const publisher = this.options.publisherOf(outputs);
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
    const fields = { pipeline, partition, series: partial.series, reason: outcome.kind };
    telemetry.record(FACTS.deltasRefused, fields, partial.events);
  }

  /** One step of an emission; true: there is more. */
  #emit(publisher: RowPublisher, outputs: Outputs): boolean {
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
  #writeDocuments(told: Readonly<Record<string, StreamProgress>>, publisher: RowPublisher): void {
    for (const stream of new Set([...Object.keys(told), ...this.#upstream.due()])) {
      const progress = told[stream] ?? this.#aggregation.progressOf(stream);
      publisher.document({ stream, progress, upstream: this.#upstream.take(stream) });
    }
  }

  #tellProgress(progress: Readonly<Record<string, StreamProgress>>, outputs: Outputs): void {
    const watermarks = Object.entries(progress).flatMap(([stream, { watermarkMs }]) =>
      watermarkMs === undefined ? [] : [[stream, watermarkMs] as const],
    );
    const { telemetry, pipeline, tellsWatermarks } = this.options;
    if (watermarks.length === 0 || !tellsWatermarks) return;
    outputs.afterDelivery(() => {
      for (const [stream, watermarkMs] of watermarks) {
        telemetry.record(FACTS.watermark, { pipeline, stream }, watermarkMs / 1_000);
      }
      this.#live.advanced(Object.fromEntries(watermarks));
    });
  }

  #rowOf(row: WindowResult): ResultRow {
    const { pipeline, partition, rowKey } = this.options;
    const key = rowKey === undefined ? row.key : rowKey(row.key);
    return { pipeline, ...row, key, task: partition };
  }
}

/** The partition of the local task that sent it. @throws RangeError: only local tasks write deltas */
function upstreamOf({ producer }: TaskInput, stage: string): number {
  const prefix = `${stage}/`;
  const partition = producer?.startsWith(prefix) === true ? Number(producer.slice(prefix.length)) : NaN;
  if (!Number.isInteger(partition)) throw new RangeError(`${producer ?? 'nobody'} is no task of ${stage}`);
  return partition;
}
