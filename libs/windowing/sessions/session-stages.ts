import TinyQueue from 'tinyqueue';
import type { StreamLimits } from '../global/global-windows.js';
import type { SeriesDefinition } from '../series.js';
import { classifyArrival } from '../time/arrival.js';
import type { SessionWindow, TimeWindow } from '../time/window.js';
import type { SessionCell } from './session-cell.js';
import { reachOf } from './session-span.js';

interface Look {
  readonly atMs: number;
  readonly cell: SessionCell;
}

/**
 * When sessions become complete, and final. A queue by the watermark at which something happens to the session next,
 * so that an advance looks at nothing else. A session that grows keeps its place and is looked at too early, then
 * put back; a close, which is rare, looks at all.
 */
export class SessionStages {
  readonly #looks = new TinyQueue<Look>([], (a, b) => a.atMs - b.atMs);
  #closedUntilMs = -Infinity;

  constructor(
    private readonly series: SeriesDefinition,
    private readonly definition: SessionWindow,
    private readonly limits: StreamLimits,
  ) {}

  isComplete(window: TimeWindow): boolean {
    return this.#arrival(window) !== 'on-time';
  }

  /** A local task would refuse it, too. */
  isRefused(window: TimeWindow): boolean {
    return this.#arrival(window) === 'late-rejected';
  }

  isFinal(window: TimeWindow): boolean {
    return this.isRefused(reachOf(this.definition, window));
  }

  /** The session's window or stage is another than when it was put here last. */
  put(cell: SessionCell): void {
    const { window, stage } = cell;
    const atMs =
      stage === 'open'
        ? window.endMs
        : reachOf(this.definition, window).endMs + this.series.allowedLatenessMs;
    if (cell.lookAtMs !== undefined && cell.lookAtMs <= atMs) return;
    cell.lookAtMs = atMs;
    this.#looks.push({ atMs, cell });
  }

  /** Sessions to which something may have happened. Each is to be put again, unless it is final. */
  *moved(all: () => Iterable<SessionCell>): Iterable<SessionCell> {
    const { watermarkMs, closedUntilMs = -Infinity } = this.limits;
    if (closedUntilMs > this.#closedUntilMs) {
      this.#closedUntilMs = closedUntilMs;
      for (const cell of all()) if (isAlive(cell) && cell.window.startMs <= closedUntilMs) yield cell;
    }
    for (let head = this.#looks.peek(); head !== undefined; head = this.#looks.peek()) {
      if (head.atMs > watermarkMs) return;
      this.#looks.pop();
      // Else it has been put at an earlier time since.
      if (head.cell.lookAtMs !== head.atMs) continue;
      head.cell.lookAtMs = undefined;
      if (isAlive(head.cell)) yield head.cell;
    }
  }

  #arrival(window: TimeWindow): ReturnType<typeof classifyArrival>['kind'] {
    const { watermarkMs, closedUntilMs } = this.limits;
    return classifyArrival(window, watermarkMs, closedUntilMs, this.series.allowedLatenessMs).kind;
  }
}

function isAlive({ stage }: SessionCell): boolean {
  return stage === 'open' || stage === 'complete';
}
