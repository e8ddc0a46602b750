import type { StreamEvent } from '#libs/kernel';
import type { Fields } from '../aggregators/aggregator.js';
import { KeyedDeltas } from '../local/keyed-deltas.js';
import type { LateArrival, LocalContext, LocalTime, LocalWindows } from '../local/local-windows.js';
import type { Partial } from '../partial.js';
import type { SlidingWindow } from '../time/window.js';
import { classifySliding } from './sliding-window.js';

interface Slice {
  readonly deltas: KeyedDeltas;
  /** Only windows that start at or after it take them; undefined: all that hold them. */
  readonly fromMs: number | undefined;
}

/**
 * Sliding windows: a delta a moment that has events. Which windows there are follows from the moments of all local
 * tasks, so they are put together by the global task alone.
 *
 * The cap on keys does not hold here: a key would be itself in one window and another in the next, which overlap.
 */
export class LocalSliding implements LocalWindows {
  /** By moment, and by the windows that still take it. */
  readonly #slices = new Map<number | string, Slice>();
  readonly #context: LocalContext;

  constructor(
    context: LocalContext,
    private readonly definition: SlidingWindow,
  ) {
    this.#context = { ...context, admission: { admits: () => true, countOther: () => undefined } };
  }

  get isEmpty(): boolean {
    return this.#slices.size === 0;
  }

  add(event: StreamEvent<Fields>, { watermarkMs, closedUntilMs }: LocalTime): LateArrival | undefined {
    const { name, allowedLatenessMs } = this.#context.series;
    const limits = { watermarkMs, closedUntilMs, allowedLatenessMs };
    const arrival = classifySliding(event.timeMs, this.definition.sizeMs, limits);
    if (arrival.kind === 'refused')
      return { series: name, window: arrival.window, lateByMs: arrival.lateByMs };
    this.#sliceOf(event.timeMs, arrival.fromMs).deltas.add(event);
    return undefined;
  }

  drain(into: Partial[]): void {
    for (const { deltas, fromMs } of this.#slices.values())
      deltas.drain(into, fromMs === undefined ? undefined : { kind: 'pane', fromWindowStartMs: fromMs });
    this.#slices.clear();
  }

  #sliceOf(timeMs: number, fromMs: number | undefined): Slice {
    const name = fromMs === undefined ? timeMs : `${timeMs}/${fromMs}`;
    let slice = this.#slices.get(name);
    if (slice === undefined) {
      const moment = { startMs: timeMs, endMs: timeMs + 1 };
      slice = { deltas: new KeyedDeltas(this.#context, moment, moment), fromMs };
      this.#slices.set(name, slice);
    }
    return slice;
  }
}
