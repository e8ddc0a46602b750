import { Injectable } from '@nestjs/common';
import type { JsonObject, JsonScalar } from '#libs/kernel';
import type { PipelineDefinition } from '#libs/pipeline';
import { CursorInvalidError, type FoundRow, type RowPage, type RowQuery, ResultStore } from '#libs/storage';
import { classifyArrival, type Phase, phaseOf, settlingMs } from '#libs/windowing';
import { ParameterInvalidError } from './dashboard.errors.js';
import type { ShownSeries } from './function-series.js';
import { type Progress, ProgressReader } from './progress-reader.js';
import { isoTime } from './request-query.js';

/** What stands behind a row: still filling, judged by alerts, unchangeable, or merged into another. */
export const PHASES = ['provisional', 'complete', 'final', 'retracted'] as const satisfies readonly Phase[];

/** A row as the HTTP answers and the live stream give it. */
export interface RowView {
  readonly windowStart: string;
  readonly windowEnd: string;
  readonly stream: string;
  readonly key: Readonly<Record<string, JsonScalar>>;
  readonly measures: JsonObject;
  readonly revision: number;
  readonly phase: Phase;
}

export interface SeriesPage {
  readonly rows: readonly RowView[];
  readonly progress: Progress;
  readonly nextCursor?: string;
}

export interface SeriesQuery extends Omit<RowQuery, 'pipeline' | 'series'> {
  /** Only rows of these phases; absent: all but the retracted ones. */
  readonly phases?: ReadonlySet<Phase>;
}

/** Rows looked at for one page; a page may come out short where few of them are wanted, its cursor then leads on. */
const MAX_SCANNED_ROWS = 50_000;
/** Rows that one look takes in while scanning: enough to make it cheap, small beside the answer. */
const SCAN_STEP_ROWS = 1_000;

interface Scan {
  readonly isWanted: (row: FoundRow) => boolean;
  readonly view: (row: FoundRow) => RowView;
  /** Rows that the first look takes in, > 0. */
  readonly firstLook: number;
}

/** Reads rows of one series, with their phases. */
@Injectable()
export class SeriesReader {
  constructor(
    private readonly results: ResultStore,
    private readonly progressReader: ProgressReader,
  ) {}

  /** @throws ParameterInvalidError if the cursor is of no such query */
  async read({ pipeline, definition, timedBy }: ShownSeries, query: SeriesQuery): Promise<SeriesPage> {
    const progress = await this.progressReader.read(timedBy, query.stream);
    const { phases, ...rest } = query;
    const view = (row: FoundRow): RowView => rowView(row, progress, settlingMs(definition));
    const wanted: RowQuery = { ...rest, pipeline, series: definition.name };
    // A row that was taken back counts in nothing: only who asks for such rows sees them.
    const isWanted = (row: FoundRow): boolean =>
      !isLeftOver(row, progress, settlingMs(definition)) &&
      (phases === undefined ? row.retracted !== true : phases.has(view(row).phase));
    // Nearly every row is wanted where no phase is asked for: then the first look takes no more than the page holds.
    const firstLook = phases === undefined ? query.limit : SCAN_STEP_ROWS;
    return { ...(await this.#scan(wanted, { isWanted, view, firstLook })), progress };
  }

  /** Names of the streams that have rows in any series. */
  async streams(pipeline: PipelineDefinition): Promise<ReadonlySet<string>> {
    const found = await this.results.series(pipeline.name);
    return new Set(found.flatMap(({ streams }) => streams));
  }

  /** Fills a page with the rows that are wanted, at most {@link MAX_SCANNED_ROWS} looked at. */
  async #scan(query: RowQuery, { isWanted, view, firstLook }: Scan): Promise<Omit<SeriesPage, 'progress'>> {
    const found: RowView[] = [];
    let { cursor } = query;
    let scanned = 0;
    do {
      const missing = query.limit - found.length;
      const limit = Math.max(scanned === 0 ? firstLook : SCAN_STEP_ROWS, missing);
      const from = { ...query, limit, ...(cursor === undefined ? {} : { cursor }) };
      const page = await this.#step(from, isWanted, missing);
      found.push(...page.rows.filter(isWanted).map(view));
      scanned += page.rows.length;
      cursor = page.nextCursor;
    } while (cursor !== undefined && found.length < query.limit && scanned < MAX_SCANNED_ROWS);
    return { rows: found, ...withCursor(cursor) };
  }

  /** One look that ends where the page is full, so that its cursor is exact. */
  async #step(query: RowQuery, isWanted: (row: FoundRow) => boolean, missing: number): Promise<RowPage> {
    const page = await this.#query(query);
    const end = indexAfter(page.rows, isWanted, missing);
    return end < page.rows.length ? this.#query({ ...query, limit: end }) : page;
  }

  async #query(query: RowQuery): Promise<RowPage> {
    try {
      return await this.results.query(query);
    } catch (error) {
      if (!(error instanceof CursorInvalidError)) throw error;
      throw new ParameterInvalidError(
        'cursor',
        query.cursor ?? '',
        'the nextCursor of a former page of the same query',
      );
    }
  }
}

/** How many rows it takes to have `count` wanted ones; all of them if there are fewer. */
function indexAfter(rows: readonly FoundRow[], isWanted: (row: FoundRow) => boolean, count: number): number {
  let found = 0;
  for (const [index, row] of rows.entries()) {
    if (isWanted(row)) found++;
    if (found === count) return index + 1;
  }
  return rows.length;
}

function withCursor(nextCursor: string | undefined): { nextCursor?: string } {
  return nextCursor === undefined ? {} : { nextCursor };
}

/**
 * The view of open windows is best effort: a process that was killed leaves there what it had shown, such as a session that went
 * on to another end. Where the window is over, its row was delivered before the watermark that says so; what is still shown as
 * its beginning is of nobody. (A correction that fills is of the next revision.)
 */
function isLeftOver(row: FoundRow, progress: Progress, settlesInMs: number): boolean {
  if (!row.provisional || row.revision > 0 || settlesInMs === -Infinity) return false;
  const { watermarkMs = -Infinity, closedUntilMs } = progress.of(row.stream, row.task);
  const window = { startMs: row.windowStartMs, endMs: row.windowEndMs };
  return classifyArrival(window, watermarkMs, closedUntilMs, 0).kind !== 'on-time';
}

/** The row with its phase, times in ISO 8601. */
export function rowView(row: FoundRow, progress: Progress, settlesInMs: number): RowView {
  return {
    windowStart: isoTime(row.windowStartMs),
    windowEnd: isoTime(row.windowEndMs),
    stream: row.stream,
    key: row.key,
    measures: row.measures,
    revision: row.revision,
    phase: phaseOf(row, progress.of(row.stream, row.task), settlesInMs),
  };
}
