import { Controller, Get, Header, Headers, Param, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Pipelines } from '#libs/platform';
import { ResultStore } from '#libs/storage';
import { FunctionSeries, seriesOfPipeline, type ShownSeries } from './function-series.js';
import { chooseSeries } from './pipeline-choice.js';
import { isoTime, type RawQuery, RequestQuery } from './request-query.js';
import { csvOf } from './series-csv.js';
import { PHASES, type RowView, type SeriesPage, type SeriesQuery, SeriesReader } from './series-reader.js';

const DEFAULT_LIMIT = 1_000;
const MAX_LIMIT = 10_000;
const PARAMETERS = ['pipeline', 'from', 'to', 'stream', 'key.*', 'phase', 'order', 'limit', 'cursor'];

/** One line of `GET /v1/series`. */
export interface SeriesView {
  readonly pipeline: string;
  readonly series: string;
  /** `null`: the code of a window function decides. */
  readonly by: readonly string[] | null;
  readonly measures: readonly string[];
  readonly allowedLatenessMs: number;
  readonly window: unknown;
  readonly streams: readonly string[];
}

interface SeriesAnswer {
  readonly pipeline: string;
  readonly series: string;
  readonly watermarks: Readonly<Record<string, string | null>>;
  readonly rows: readonly RowView[];
  readonly nextCursor: string | null;
}

/** What was measured: the series there are, and the rows of each. */
@Controller('v1/series')
export class SeriesController {
  constructor(
    private readonly pipelines: Pipelines,
    private readonly results: ResultStore,
    private readonly reader: SeriesReader,
    private readonly functions: FunctionSeries,
  ) {}

  @Get()
  async list(@Query() raw: RawQuery): Promise<{ readonly series: readonly SeriesView[] }> {
    new RequestQuery(raw, []);
    const lists = await Promise.all(this.pipelines.all.map((pipeline) => this.#seriesOf(pipeline)));
    return { series: [...lists.flat(), ...(await this.#ofFunctions())] };
  }

  @Get(':name')
  @Header('vary', 'accept')
  async rows(
    @Param('name') name: string,
    @Query() raw: RawQuery,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SeriesAnswer | string> {
    const query = new RequestQuery(raw, PARAMETERS);
    const series = await this.#choose(name, query.text('pipeline'));
    const stream = query.stream();
    const page = await this.reader.read(series, seriesQuery(query, stream));
    if (prefersCsv(accept)) return asCsv(page, name, raw, reply);
    return {
      pipeline: series.pipeline,
      series: series.definition.name,
      watermarks: watermarksOf(page, stream),
      rows: page.rows,
      nextCursor: page.nextCursor ?? null,
    };
  }

  /** @throws PipelineUnknownError, SeriesUnknownError, ParameterInvalidError */
  async #choose(name: string, pipelineName: string | undefined): Promise<ShownSeries> {
    const ofFunctions = await this.functions.all();
    const found = ofFunctions.find(
      ({ definition, pipeline }) =>
        definition.name === name && (pipelineName === undefined || pipelineName === pipeline),
    );
    if (found !== undefined) return found;
    const { pipeline, series } = chooseSeries(this.pipelines, name, pipelineName);
    return seriesOfPipeline(pipeline, series);
  }

  async #ofFunctions(): Promise<readonly SeriesView[]> {
    const ofFunctions = await this.functions.all();
    const rows = await Promise.all(ofFunctions.map(({ pipeline }) => this.results.series(pipeline)));
    return ofFunctions.map(({ pipeline, definition, measures }, place) => ({
      pipeline,
      series: definition.name,
      by: null,
      measures,
      allowedLatenessMs: definition.allowedLatenessMs,
      window: definition.window,
      streams: rows[place]?.find(({ series }) => series === definition.name)?.streams ?? [],
    }));
  }

  async #seriesOf(pipeline: Pipelines['all'][number]): Promise<readonly SeriesView[]> {
    const found = await this.results.series(pipeline.name);
    return pipeline.series.map((series) => ({
      pipeline: pipeline.name,
      series: series.name,
      by: series.by,
      measures: series.measures.map((measure) => measure.name),
      allowedLatenessMs: series.allowedLatenessMs,
      window: series.window,
      streams: found.find((one) => one.series === series.name)?.streams ?? [],
    }));
  }
}

function seriesQuery(query: RequestQuery, stream: string | undefined): SeriesQuery {
  const cursor = query.text('cursor');
  const fromMs = query.time('from');
  const toMs = query.time('to');
  const phases = query.choices('phase', PHASES);
  const key = query.withPrefix('key.');
  return {
    order: query.choice('order', ['ascending', 'descending']) ?? 'ascending',
    limit: query.integer('limit', { min: 1, max: MAX_LIMIT, fallback: DEFAULT_LIMIT }),
    ...(stream === undefined ? {} : { stream }),
    ...(fromMs === undefined ? {} : { fromMs }),
    ...(toMs === undefined ? {} : { toMs }),
    ...(Object.keys(key).length === 0 ? {} : { key }),
    ...(cursor === undefined ? {} : { cursor }),
    ...(phases === undefined ? {} : { phases }),
  };
}

/** A stream whose tasks have not all reported has no watermark yet: null, so that nobody takes it for complete. */
function watermarksOf({ progress }: SeriesPage, stream: string | undefined): Record<string, string | null> {
  const streams = stream === undefined ? progress.streams : [stream];
  const watermarks = streams.map((name) => [name, progress.watermarkMs(name)] as const);
  return Object.fromEntries(
    watermarks.map(([name, timeMs]) => [name, timeMs === undefined ? null : isoTime(timeMs)]),
  );
}

function prefersCsv(accept: string | undefined): boolean {
  const types = (accept ?? '').split(',').map((part) => part.split(';')[0]?.trim());
  const csv = types.indexOf('text/csv');
  const json = types.indexOf('application/json');
  return csv >= 0 && (json < 0 || csv < json);
}

/** CSV has no place for a cursor; the next page is in the `Link` header (RFC 8288). */
function asCsv(page: SeriesPage, name: string, raw: RawQuery, reply: FastifyReply): string {
  void reply.header('content-type', 'text/csv; charset=utf-8');
  if (page.nextCursor !== undefined) {
    const next = new URLSearchParams();
    for (const [key, value] of Object.entries(raw)) next.set(key, String(value));
    next.set('cursor', page.nextCursor);
    void reply.header('link', `</v1/series/${encodeURIComponent(name)}?${next.toString()}>; rel="next"`);
  }
  return csvOf(page.rows);
}
