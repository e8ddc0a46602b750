import TinyQueue from 'tinyqueue';
import type { KeyId } from '../key.js';
import { classifyArrival } from '../time/arrival.js';
import type { SeriesDefinition } from '../series.js';
import type { TimeWindow } from '../time/window.js';
import type { StreamLimits } from './global-windows.js';

/** A window with the cells of all its keys. */
export interface KeyedWindow<C> {
  readonly window: TimeWindow;
  readonly cells: Map<KeyId, C>;
  isComplete: boolean;
}

const byEnd = <C>({ window: a }: KeyedWindow<C>, { window: b }: KeyedWindow<C>): number =>
  a.endMs - b.endMs || a.startMs - b.startMs;

/**
 * The windows of one series and stream, in two queues: `open → complete → forgotten`.
 *
 * The order of the windows' ends is that of their starts; what completes by watermark and what completes by a close
 * are both at the head, and nothing else is looked at.
 */
export class WindowQueue<C> {
  readonly #series: SeriesDefinition;
  readonly #windows = new Map<number, KeyedWindow<C>>();
  readonly #open = new TinyQueue<KeyedWindow<C>>([], byEnd<C>);
  readonly #complete = new TinyQueue<KeyedWindow<C>>([], byEnd<C>);
  /** Deltas come window by window. */
  #latest: KeyedWindow<C> | undefined;

  constructor(series: SeriesDefinition) {
    this.#series = series;
  }

  /** The window, made if need be; undefined if it is final. */
  take(window: TimeWindow, limits: StreamLimits): KeyedWindow<C> | undefined {
    const kind = this.#arrival(window, limits);
    // Also where it is still there, waiting to be forgotten.
    if (kind === 'late-rejected') return undefined;
    const latest = this.#latest;
    if (latest !== undefined && latest.window.startMs === window.startMs) return latest;
    return (this.#latest = this.#windows.get(window.startMs) ?? this.#create(window, kind !== 'on-time'));
  }

  /** As {@link take}, for what was stored: a final window with rows to emit is made, too. */
  restore(window: TimeWindow, limits: StreamLimits): KeyedWindow<C> {
    return (
      this.#windows.get(window.startMs) ?? this.#create(window, this.#arrival(window, limits) !== 'on-time')
    );
  }

  /** The windows that have become complete, oldest end first. */
  *completed(limits: StreamLimits): Iterable<KeyedWindow<C>> {
    for (let head = this.#open.peek(); head !== undefined; head = this.#open.peek()) {
      if (this.#arrival(head.window, limits) === 'on-time') return;
      this.#open.pop();
      head.isComplete = true;
      this.#complete.push(head);
      yield head;
    }
  }

  /**
   * Takes out cells that nothing can change any more.
   *
   * @param most at most so many; the rest another time
   */
  *finished(limits: StreamLimits, most: number): Iterable<C> {
    let left = most;
    for (let head = this.#complete.peek(); head !== undefined && left > 0; head = this.#complete.peek()) {
      if (this.#arrival(head.window, limits) !== 'late-rejected') return;
      for (const [key, cell] of head.cells) {
        if (left-- === 0) return;
        head.cells.delete(key);
        yield cell;
      }
      this.#complete.pop();
      this.#windows.delete(head.window.startMs);
      if (this.#latest === head) this.#latest = undefined;
    }
  }

  windows(): Iterable<KeyedWindow<C>> {
    return this.#windows.values();
  }

  #arrival(
    window: TimeWindow,
    { watermarkMs, closedUntilMs }: StreamLimits,
  ): ReturnType<typeof classifyArrival>['kind'] {
    return classifyArrival(window, watermarkMs, closedUntilMs, this.#series.allowedLatenessMs).kind;
  }

  #create({ startMs, endMs }: TimeWindow, isComplete: boolean): KeyedWindow<C> {
    // A copy: what is given may be a whole delta.
    const window = { startMs, endMs };
    const created: KeyedWindow<C> = { window, cells: new Map(), isComplete };
    this.#windows.set(startMs, created);
    (isComplete ? this.#complete : this.#open).push(created);
    return created;
  }
}
