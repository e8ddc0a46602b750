import type { JsonObject, JsonScalar, StreamEvent } from '#libs/kernel';
import { Accumulator } from '../accumulator.js';
import type { Fields } from '../aggregators/aggregator.js';
import { keyOf, otherKey } from '../key.js';
import { KeyTree } from '../local/key-tree.js';
import type { LocalContext, LocalWindows } from '../local/local-windows.js';
import type { Partial } from '../partial.js';
import type { TimeWindow } from '../time/window.js';

/** One event as it travels: its time and arrival, and the states that the measures come to by it alone. */
export type CountedEvent = {
  readonly timeMs: number;
  readonly receivedMs: number;
  readonly measures: JsonObject;
};

/** Events in one delta: a message holds 700 KB, and the state of a measure may be some KB. */
const MOST_EVENTS = 100;

/** All of time, as far as a Date can say: keys are counted over it. */
const ALWAYS: TimeWindow = { startMs: -8_640_000_000_000_000, endMs: 8_640_000_000_000_000 };

/**
 * A window over all of time with a result every so many events: the events themselves travel, since which of them
 * share a result is decided by the order in which the global task merges them. No event is ever late: no window of
 * time ends.
 */
export class LocalCounted implements LocalWindows {
  #single: CountedEvent[] = [];
  #other: CountedEvent[] = [];
  #keys: KeyTree<CountedEvent[]>;
  #isEmpty = true;

  constructor(private readonly context: LocalContext) {
    this.#keys = this.#noKeys();
  }

  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  add(event: StreamEvent<Fields>): undefined {
    const { by, measures } = this.context.series;
    const alone = new Accumulator(measures);
    alone.add(event);
    const events = by.length === 0 ? this.#single : this.#keys.of(event.data);
    events.push({ timeMs: event.timeMs, receivedMs: event.receivedMs, measures: alone.encode() });
    this.#isEmpty = false;
  }

  drain(into: Partial[]): void {
    const { series, admission } = this.context;
    this.#drainKey([], this.#single, into);
    this.#keys.visit((key, events) => {
      if (events !== this.#other) this.#drainKey(key, events, into);
    });
    if (this.#other.length > 0) {
      this.#drainKey(otherKey(series), this.#other, into);
      admission.countOther(this.#other.length);
    }
    this.#single = [];
    this.#other = [];
    this.#keys = this.#noKeys();
    this.#isEmpty = true;
  }

  #noKeys(): KeyTree<CountedEvent[]> {
    const { series, admission } = this.context;
    return new KeyTree(series.by, (key) => (admission.admits(ALWAYS, key) ? [] : this.#other));
  }

  #drainKey(key: readonly JsonScalar[], events: readonly CountedEvent[], into: Partial[]): void {
    for (let from = 0; from < events.length; from += MOST_EVENTS)
      into.push(this.#partial(key, events.slice(from, from + MOST_EVENTS)));
  }

  #partial(key: readonly JsonScalar[], events: readonly CountedEvent[]): Partial {
    const { series, stream } = this.context;
    return {
      series: series.name,
      stream,
      key: keyOf(series, key),
      startMs: Math.min(...events.map(({ timeMs }) => timeMs)),
      endMs: Math.max(...events.map(({ timeMs }) => timeMs)) + 1,
      measures: {},
      oldestReceivedMs: Math.min(...events.map(({ receivedMs }) => receivedMs)),
      events: events.length,
      part: { kind: 'events', events },
    };
  }
}
