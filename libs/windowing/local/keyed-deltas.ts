import type { JsonScalar, StreamEvent } from '#libs/kernel';
import { Accumulator } from '../accumulator.js';
import type { Fields } from '../aggregators/aggregator.js';
import { type Key, keyOf, otherKey } from '../key.js';
import type { Partial, PartialPart } from '../partial.js';
import type { SeriesDefinition } from '../series.js';
import type { TimeWindow } from '../time/window.js';
import { KeyTree } from './key-tree.js';
import type { LocalContext } from './local-windows.js';

/** Keys are kept past a drain while at least one of so many had an event since the one before. */
const KEPT_FOR_ONE = 4;

/** What one key has gathered since the last drain. */
class KeyDelta extends Accumulator {
  readonly key: Key;

  constructor(series: SeriesDefinition, values: readonly JsonScalar[]) {
    super(series.measures);
    this.key = keyOf(series, values);
  }
}

/**
 * What one series has gathered for one window or pane of one stream since the last drain: a delta a key.
 *
 * A drain leaves the keys, empty: most of them come again before the next, and need not be admitted and built anew. It
 * leaves at most four times as many as had an event, and none where the cap has refused one: the refused have no bound.
 */
export class KeyedDeltas {
  /** Where the series has no key beside the stream. */
  readonly #single: KeyDelta | undefined;
  #tree!: KeyTree<KeyDelta>;
  #known = 0;
  /** Of the keys above the cap. */
  #other: KeyDelta | undefined;
  /** Those with events since the last drain, in the order of the first of each. */
  #changed: KeyDelta[] = [];

  /**
   * @param span goes into the deltas
   * @param capped the window by which the keys are counted
   */
  constructor(
    private readonly context: LocalContext,
    readonly span: TimeWindow,
    private readonly capped: TimeWindow,
  ) {
    const { series } = context;
    this.#single = series.by.length === 0 ? new KeyDelta(series, []) : undefined;
    this.#forgetKeys();
  }

  /** No event since the last drain. */
  get isEmpty(): boolean {
    return this.#changed.length === 0;
  }

  add(event: StreamEvent<Fields>): void {
    const delta = this.#single ?? this.#tree.of(event.data);
    if (delta.events === 0) this.#changed.push(delta);
    delta.add(event);
  }

  drain(into: Partial[], part?: PartialPart): void {
    const changed = this.#changed;
    const isKept = this.#other === undefined && this.#known <= changed.length * KEPT_FOR_ONE;
    for (const delta of changed) {
      if (delta === this.#other) continue;
      into.push(this.#partial(delta, part));
      if (isKept) delta.clear();
    }
    this.#changed = [];
    if (this.#other !== undefined) {
      into.push(this.#partial(this.#other, part));
      this.context.admission.countOther(this.#other.events);
    }
    if (!isKept) this.#forgetKeys();
  }

  #forgetKeys(): void {
    this.#tree = new KeyTree(this.context.series.by, (values) => this.#create(values));
    this.#known = 0;
    this.#other = undefined;
  }

  #create(values: readonly JsonScalar[]): KeyDelta {
    const { series, admission } = this.context;
    this.#known += 1;
    if (admission.admits(this.capped, values)) return new KeyDelta(series, values);
    return (this.#other ??= new KeyDelta(series, otherKey(series)));
  }

  #partial(delta: KeyDelta, part: PartialPart | undefined): Partial {
    const { series, stream } = this.context;
    const partial: Partial = {
      series: series.name,
      stream,
      key: delta.key,
      startMs: this.span.startMs,
      endMs: this.span.endMs,
      measures: delta.encode(),
      oldestReceivedMs: delta.oldestReceivedMs,
      events: delta.events,
    };
    return part === undefined ? partial : { ...partial, part };
  }
}
