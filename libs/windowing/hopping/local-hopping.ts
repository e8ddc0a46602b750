import type { StreamEvent } from '#libs/kernel';
import type { Fields } from '../aggregators/aggregator.js';
import { KeyedDeltas } from '../local/keyed-deltas.js';
import type { LateArrival, LocalContext, LocalTime, LocalWindows } from '../local/local-windows.js';
import type { Partial } from '../partial.js';
import { classifyArrival } from '../time/arrival.js';
import type { HoppingWindow, TimeWindow } from '../time/window.js';
import { gridOf, type Pane, paneAt, type WindowGrid } from '../time/window-grid.js';

/** What was gathered for one pane, by the oldest window that took it. */
interface PaneDeltas {
  readonly pane: Pane;
  readonly byFirstStart: Map<number, KeyedDeltas>;
}

/**
 * Overlapping windows: a delta a pane and key, however many windows the pane is in.
 *
 * H1. The windows of an event that are final here are the oldest ones, so the delta says from which window on it
 *     counts: {@link PanePart}. Without that, a window that is final here and, behind a slower task, not yet final at
 *     the global stage, would count an event there that was told to be late.
 */
export class LocalHopping implements LocalWindows {
  readonly #grid: WindowGrid;
  readonly #panes = new Map<number, PaneDeltas>();
  #latest: PaneDeltas | undefined;

  constructor(
    private readonly context: LocalContext,
    private readonly definition: HoppingWindow,
  ) {
    this.#grid = gridOf(definition);
  }

  get isEmpty(): boolean {
    return this.#panes.size === 0;
  }

  add(event: StreamEvent<Fields>, time: LocalTime): LateArrival | undefined {
    const deltas = this.#deltasAt(event.timeMs);
    const { windows } = deltas.pane;
    const first = windows.find((window) => this.#lateBy(window, time) === undefined);
    if (first === undefined) {
      const window = windows.at(-1)!;
      return { series: this.context.series.name, window, lateByMs: this.#lateBy(window, time)! };
    }
    this.#keep(deltas);
    this.#deltasFrom(deltas, first.startMs).add(event);
    return undefined;
  }

  drain(into: Partial[]): void {
    for (const { pane, byFirstStart } of this.#panes.values()) {
      for (const [fromWindowStartMs, deltas] of byFirstStart) {
        const isInAll = fromWindowStartMs === pane.windows[0]!.startMs;
        deltas.drain(into, isInAll ? undefined : { kind: 'pane', fromWindowStartMs });
      }
    }
    this.#panes.clear();
    this.#latest = undefined;
  }

  /** Undefined: the window takes the event. */
  #lateBy(window: TimeWindow, { watermarkMs, closedUntilMs }: LocalTime): number | undefined {
    const { allowedLatenessMs } = this.context.series;
    const arrival = classifyArrival(window, watermarkMs, closedUntilMs, allowedLatenessMs);
    return arrival.kind === 'late-rejected' ? arrival.lateByMs : undefined;
  }

  #deltasAt(timeMs: number): PaneDeltas {
    const latest = this.#latest;
    if (latest !== undefined && timeMs >= latest.pane.startMs && timeMs < latest.pane.endMs) return latest;
    const pane = paneAt(this.#grid, timeMs);
    return this.#panes.get(pane.startMs) ?? { pane, byFirstStart: new Map() };
  }

  #keep(deltas: PaneDeltas): void {
    if (deltas === this.#latest) return;
    this.#panes.set(deltas.pane.startMs, deltas);
    this.#latest = deltas;
  }

  #deltasFrom({ pane, byFirstStart }: PaneDeltas, fromWindowStartMs: number): KeyedDeltas {
    let deltas = byFirstStart.get(fromWindowStartMs);
    if (deltas === undefined) {
      deltas = new KeyedDeltas(
        this.context,
        { startMs: pane.startMs, endMs: pane.endMs },
        this.#capped(pane),
      );
      byFirstStart.set(fromWindowStartMs, deltas);
    }
    return deltas;
  }

  /**
   * Keys are counted by blocks of a window's length: a window reaches over two of them. A block is done with when the
   * last window with an event of it is.
   */
  #capped({ startMs }: Pane): TimeWindow {
    const { sizeMs } = this.definition;
    const blockMs = Math.floor(startMs / sizeMs) * sizeMs;
    return { startMs: blockMs, endMs: blockMs + 2 * sizeMs };
  }
}
