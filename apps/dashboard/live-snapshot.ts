import type { Clock } from '#libs/kernel';
import type { PipelineDefinition } from '#libs/pipeline';
import type { Pipelines } from '#libs/platform';
import type { SeriesDefinition } from '#libs/windowing';
import { seriesOfPipeline } from './function-series.js';
import { eventText } from './live-ring.js';
import type { LiveHub } from './live-hub.js';
import { isoTime } from './request-query.js';
import type { StoreReaders } from './store-readers.js';
import { summarizeStream } from './stream-summary.js';
import { visibleAlerts } from './visible-alerts.js';

/** Two hours of minutes. What is older comes from `GET /v1/series`. */
const MAX_ROWS = 120;
/** Of a series by more than the stream: enough for a list. */
const MAX_KEYED_ROWS = 20;

/** Composes what a listener has to know before it can understand the events that follow. */
export class LiveSnapshots {
  constructor(
    private readonly clock: Clock,
    private readonly pipelines: Pipelines,
    private readonly readers: StoreReaders,
  ) {}

  /** The snapshot event that stands for everything up to `id`; `stream` may be empty while there is none. */
  async compose(hub: LiveHub, stream: string, id: number): Promise<string> {
    const { pipeline } = hub;
    const progress = await this.readers.progress.read(pipeline, stream);
    const [alerts, ...rows] = await Promise.all([
      this.readers.alerts.list({ pipeline: pipeline.name }),
      ...pipeline.series.map((series) => this.#newest(pipeline, series, stream)),
    ]);
    return eventText(id, 'snapshot', {
      now: isoTime(this.clock.nowMs()),
      pipeline: pipeline.name,
      pipelines: this.pipelines.all.map((one) => one.name),
      streams: hub.streams.list(),
      series: pipeline.series.map(({ name, by, window, measures }) => ({
        series: name,
        by,
        window,
        measures: measures.map((measure) => measure.name),
      })),
      rows: rows.flat(),
      alerts: visibleAlerts(alerts),
      ...summarizeStream(hub, stream, progress),
      ...hub.state(),
    });
  }

  async #newest(
    pipeline: PipelineDefinition,
    series: SeriesDefinition,
    stream: string,
  ): Promise<readonly object[]> {
    if (stream === '') return [];
    const isKeyed = series.by.some((field) => field !== 'stream');
    const page = await this.readers.series.read(seriesOfPipeline(pipeline, series), {
      stream,
      order: 'descending',
      limit: isKeyed ? MAX_KEYED_ROWS : MAX_ROWS,
    });
    return page.rows.map((row) => ({ series: series.name, ...row })).reverse();
  }
}
