import type { StreamEvent } from '#libs/kernel';
import type { Fields } from '../aggregators/aggregator.js';
import type { Partial } from '../partial.js';
import { classifyArrival } from '../time/arrival.js';
import type { TumblingWindow } from '../time/window.js';
import { gridOf, type WindowGrid } from '../time/window-grid.js';
import { KeyedDeltas } from './keyed-deltas.js';
import type { LateArrival, LocalContext, LocalTime, LocalWindows } from './local-windows.js';

/** Windows side by side: a delta a window and key. */
export class LocalTumbling implements LocalWindows {
  readonly #grid: WindowGrid;
  readonly #windows = new Map<number, KeyedDeltas>();
  /** Events come nearly in order: the next is nearly always in the window of the one before. */
  #latest: KeyedDeltas | undefined;
  #isEmpty = true;

  constructor(
    private readonly context: LocalContext,
    definition: TumblingWindow,
  ) {
    this.#grid = gridOf(definition);
  }

  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  add(event: StreamEvent<Fields>, { watermarkMs, closedUntilMs }: LocalTime): LateArrival | undefined {
    const { series } = this.context;
    const deltas = this.#deltasAt(event.timeMs);
    const window = deltas.span;
    const arrival = classifyArrival(window, watermarkMs, closedUntilMs, series.allowedLatenessMs);
    if (arrival.kind === 'late-rejected') return { series: series.name, window, lateByMs: arrival.lateByMs };
    if (deltas !== this.#latest) this.#keep(deltas);
    this.#isEmpty = false;
    deltas.add(event);
    return undefined;
  }

  drain(into: Partial[]): void {
    for (const [startMs, deltas] of this.#windows) {
      // It had no event since the last drain: events have gone on to other windows.
      if (deltas.isEmpty) this.#windows.delete(startMs);
      else deltas.drain(into);
    }
    this.#latest = undefined;
    this.#isEmpty = true;
  }

  #deltasAt(timeMs: number): KeyedDeltas {
    const latest = this.#latest;
    if (latest !== undefined && timeMs >= latest.span.startMs && timeMs < latest.span.endMs) return latest;
    const startMs = this.#grid.startAtOrBefore(timeMs);
    const window = { startMs, endMs: this.#grid.endOf(startMs) };
    return this.#windows.get(startMs) ?? new KeyedDeltas(this.context, window, window);
  }

  #keep(deltas: KeyedDeltas): void {
    this.#windows.set(deltas.span.startMs, deltas);
    this.#latest = deltas;
  }
}
