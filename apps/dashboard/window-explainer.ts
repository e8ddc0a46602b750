import { Injectable } from '@nestjs/common';
import { Clock } from '#libs/kernel';
import type { PipelineDefinition } from '#libs/pipeline';
import {
  explainWindow,
  gridOf,
  oldestOpenWindow,
  type SeriesDefinition,
  settlingMs,
  type TimeWindow,
  type UpstreamWatermark,
  upstreamOf,
} from '#libs/windowing';
import { seriesOfPipeline } from './function-series.js';
import { ParameterInvalidError } from './dashboard.errors.js';
import { LiveHubs } from './live-hubs.js';
import type { Progress } from './progress-reader.js';
import { isoTime } from './request-query.js';
import { StoreReaders } from './store-readers.js';
import type { TaskView } from './task-board.js';
import { textOf } from './window-text.js';
import type { HoldingTask, WindowView } from './window-view.js';

export interface WindowPlace {
  readonly pipeline: PipelineDefinition;
  readonly series: SeriesDefinition;
  readonly stream: string;
  /** Where the window begins. Absent: the oldest that is open. */
  readonly startMs?: number;
}

/** Further back than this no open row of windows without a place in time is looked for. */
const LOOKED_BACK_MS = 24 * 3_600_000;

/** Finds the window, what the tasks have said of its stream, and what holds it. */
@Injectable()
export class WindowExplainer {
  constructor(
    private readonly clock: Clock,
    private readonly readers: StoreReaders,
    private readonly hubs: LiveHubs,
  ) {}

  /** @throws ParameterInvalidError where no window of the series begins there */
  async explain(place: WindowPlace): Promise<WindowView> {
    const { pipeline, series, stream } = place;
    const bodies = await this.readers.progress.bodies(pipeline, stream);
    const progress = await this.readers.progress.read(pipeline, stream);
    const upstream = upstreamOf(bodies, pipeline.partitions);
    const closedUntilMs = progress.closedUntilMs(stream);
    const window = await this.#windowOf(place, progress);
    if (window === undefined) return this.#none(place, upstream);
    const explained = explainWindow({
      ...{ definition: series.window, window, upstream, time: pipeline.time },
      allowedLatenessMs: settlingMs(series),
      nowMs: this.clock.nowMs(),
      ...(closedUntilMs === undefined ? {} : { closedUntilMs }),
    });
    return this.#view(place, {
      ...explained,
      window: { start: isoTime(window.startMs), end: isoTime(window.endMs) },
      needsWatermark: isoOrNull(explained.needsWatermarkMs),
      closesAtLatest: isoOrNull(explained.closesAtLatestMs),
    });
  }

  #none(place: WindowPlace, upstream: readonly UpstreamWatermark[]): WindowView {
    const silent = upstream.filter(({ watermarkMs }) => watermarkMs === -Infinity);
    const reason = reasonOfNone(silent.length, upstream.length);
    const nothing = { window: null, state: 'none', needsWatermark: null, closesAtLatest: null } as const;
    return this.#view(place, { ...nothing, reason, heldBy: silent });
  }

  #view(
    { pipeline, series, stream }: WindowPlace,
    found: Pick<WindowView, 'window' | 'state' | 'reason' | 'needsWatermark' | 'closesAtLatest'> & {
      readonly heldBy: readonly UpstreamWatermark[];
    },
  ): WindowView {
    const stages = this.hubs.of(pipeline).tasks.stages();
    const tasks = stages.find(({ stage }) => stage === 'local')?.tasks ?? [];
    const { window, state, reason, needsWatermark, closesAtLatest } = found;
    const heldBy = found.heldBy.map((each) =>
      holdingTask(
        each,
        tasks.find(({ partition }) => partition === each.task),
      ),
    );
    const told = { window, state, reason, heldBy, needsWatermark, closesAtLatest };
    const view = { pipeline: pipeline.name, series: series.name, stream, ...told };
    return { ...view, text: textOf(view, this.clock.nowMs()) };
  }

  /** Undefined: none is open. */
  async #windowOf(place: WindowPlace, progress: Progress): Promise<TimeWindow | undefined> {
    const { series, stream, startMs } = place;
    const { window: definition } = series;
    if (startMs === undefined) {
      const watermarkMs = progress.watermarkMs(stream) ?? -Infinity;
      const oldest = oldestOpenWindow(definition, watermarkMs, progress.closedUntilMs(stream));
      const fromMs = watermarkMs - LOOKED_BACK_MS;
      return oldest ?? this.#rowWindow(place, Number.isFinite(fromMs) ? { fromMs } : {}, true);
    }
    if (definition.kind !== 'tumbling' && definition.kind !== 'hopping') {
      const found = await this.#rowWindow(place, { fromMs: startMs, toMs: startMs + 1 }, false);
      if (found !== undefined) return found;
      throw new ParameterInvalidError(
        'windowStart',
        isoTime(startMs),
        'the windowStart of a row of the series',
      );
    }
    const grid = gridOf(definition);
    const atOrBeforeMs = grid.startAtOrBefore(startMs);
    if (atOrBeforeMs === startMs) return { startMs, endMs: grid.endOf(startMs) };
    const near = `${isoTime(atOrBeforeMs)} or ${isoTime(grid.startAfter(startMs))}`;
    throw new ParameterInvalidError('windowStart', isoTime(startMs), `where a window begins: ${near}`);
  }

  async #rowWindow(
    { pipeline, series, stream }: WindowPlace,
    span: { readonly fromMs?: number; readonly toMs?: number },
    isOpen: boolean,
  ): Promise<TimeWindow | undefined> {
    const phases = isOpen ? { phases: new Set(['provisional'] as const) } : {};
    const { rows } = await this.readers.series.read(seriesOfPipeline(pipeline, series), {
      ...span,
      ...phases,
      stream,
      limit: 1,
    });
    const [row] = rows;
    return row && { startMs: Date.parse(row.windowStart), endMs: Date.parse(row.windowEnd) };
  }
}

function reasonOfNone(silent: number, tasks: number): string {
  if (silent === 0) return 'no window of it is open';
  if (silent === tasks) return 'no task has seen this stream: is its name right?';
  return 'no window of it is known to be open; some tasks have not reported the stream';
}

function holdingTask(
  { task, watermarkMs, sinceMs }: UpstreamWatermark,
  status: TaskView | undefined,
): HoldingTask {
  return {
    task,
    watermark: watermarkMs === -Infinity ? null : isoTime(watermarkMs),
    since: watermarkMs === -Infinity ? null : isoTime(sinceMs),
    state: status?.state ?? null,
    ...(status?.problem === undefined ? {} : { problem: `${status.problem.code}: ${status.problem.detail}` }),
  };
}

function isoOrNull(timeMs: number | undefined): string | null {
  return timeMs === undefined ? null : isoTime(timeMs);
}
