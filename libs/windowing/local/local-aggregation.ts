import type { JsonValue, StreamEvent } from '#libs/kernel';
import type { Fields } from '../aggregators/aggregator.js';
import type { Partial } from '../partial.js';
import type { SeriesDefinition, TimeDefinition } from '../series.js';
import type { StreamTime } from '../time/stream-time.js';
import { StreamTimes } from '../time/stream-times.js';
import { KeyCaps } from './key-caps.js';
import type { LateArrival, LocalWindows } from './local-windows.js';
import { localWindowsOf } from './local-windows-of.js';

/** What became of an event. */
export type AddOutcome =
  /** Its time is `byMs` further ahead of its arrival than is allowed. It moved and counted nothing. */
  | { readonly kind: 'future'; readonly byMs: number }
  /** `counted`: in so many series; `late`: refused by these. Both empty: no series wants such an event. */
  | { readonly kind: 'assigned'; readonly late: readonly LateArrival[]; readonly counted: number };

const NOT_LATE: readonly LateArrival[] = [];

/** What is kept of a stream between events, so that the way of an event holds one lookup. */
interface StreamContext {
  readonly name: string;
  readonly time: StreamTime;
  /** In the order of the series. */
  readonly windows: readonly LocalWindows[];
}

/**
 * The local stage: decides time and lateness of the events of one partition, and gathers mergeable deltas.
 *
 * L1. Nothing that matters is kept of a window but the delta since the last {@link drain}, and which keys it admits.
 *     Room for deltas is kept where there were some, so that it need not be made anew for every drain.
 * L2. The progress taken after a drain is never ahead of a delta that is not in it.
 */
export class LocalAggregation {
  readonly times: StreamTimes;
  readonly #series: readonly SeriesDefinition[];
  readonly #skewMs: number;
  readonly #caps: KeyCaps;
  readonly #streams = new Map<string, StreamContext>();
  #latest: StreamContext | undefined;
  /** One outcome for each count: the way of an event that is on time makes no object. */
  readonly #assigned: readonly AddOutcome[];

  /** @param tasks how many local tasks the pipeline has */
  constructor(series: readonly SeriesDefinition[], time: TimeDefinition, tasks: number) {
    this.times = new StreamTimes(time, tasks);
    this.#series = series;
    this.#caps = new KeyCaps(series);
    this.#skewMs = time.maxFutureSkewMs;
    this.#assigned = Array.from({ length: series.length + 1 }, (_, counted) => ({
      kind: 'assigned',
      late: NOT_LATE,
      counted,
    }));
  }

  add(event: StreamEvent<Fields>): AddOutcome {
    const context = this.#latest?.name === event.stream ? this.#latest : this.#contextOf(event.stream);
    const byMs = event.timeMs - event.receivedMs - this.#skewMs;
    if (byMs > 0) {
      context.time.touch();
      return { kind: 'future', byMs };
    }
    // The event's own move of the watermark never reaches the end of a window it is in, so the order does not matter.
    context.time.observe(event.timeMs);
    return this.#assign(context, event);
  }

  /** Is anything waiting to be drained. */
  get hasDeltas(): boolean {
    return [...this.#streams.values()].some(({ windows }) => windows.some((of) => !of.isEmpty));
  }

  /** Gives the deltas gathered since the last call, and forgets them. */
  drain(): Partial[] {
    const partials: Partial[] = [];
    for (const [name, { windows }] of this.#streams) {
      const isQuiet = windows.every(({ isEmpty }) => isEmpty);
      for (const of of windows) of.drain(partials);
      // Streams come and go; a context is cheap to make again.
      if (isQuiet) this.#streams.delete(name);
    }
    this.#latest = undefined;
    this.#caps.forgetFinal((stream) => this.times.of(stream));
    return partials;
  }

  /** Events that the cap on keys put under the other key, in what was drained since the last call, by series. */
  takeOtherKeyEvents(): ReadonlyMap<string, number> {
    return this.#caps.takeOther();
  }

  /** Called once, first. */
  restore(cells: ReadonlyMap<string, JsonValue>): void {
    this.times.restore(cells);
    this.#caps.restore(cells);
  }

  /** The cells that changed since the last call; undefined: removed. After a {@link drain}. */
  *changes(): Iterable<readonly [string, JsonValue | undefined]> {
    yield* this.times.changes();
    yield* this.#caps.changes();
  }

  *cells(): Iterable<readonly [string, JsonValue]> {
    yield* this.times.cells();
    yield* this.#caps.cells();
  }

  #assign(context: StreamContext, event: StreamEvent<Fields>): AddOutcome {
    let late: LateArrival[] | undefined;
    let counted = 0;
    for (let i = 0; i < this.#series.length; i++) {
      const series = this.#series[i]!;
      if (series.where !== undefined && !series.where(event.data)) continue;
      const refused = context.windows[i]!.add(event, context.time);
      if (refused === undefined) counted += 1;
      else (late ??= []).push(refused);
    }
    return late === undefined ? this.#assigned[counted]! : { kind: 'assigned', late, counted };
  }

  #contextOf(stream: string): StreamContext {
    let context = this.#streams.get(stream);
    if (context === undefined) {
      context = {
        name: stream,
        time: this.times.of(stream),
        windows: this.#series.map((series) =>
          localWindowsOf({ series, stream, admission: this.#caps.of(series, stream) }),
        ),
      };
      this.#streams.set(stream, context);
    }
    this.#latest = context;
    return context;
  }
}
