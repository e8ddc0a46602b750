import type { JsonScalar, StreamEvent } from '#libs/kernel';
import { Accumulator } from '../accumulator.js';
import type { Fields } from '../aggregators/aggregator.js';
import { keyOf, otherKey } from '../key.js';
import type { Partial, PartialPart } from '../partial.js';
import type { TimeWindow } from '../time/window.js';
import { KeyTree } from './key-tree.js';
import type { LocalContext } from './local-windows.js';

/** What one series has gathered for one window or pane of one stream since the last drain: an accumulator a key. */
export class KeyedDeltas {
  /** Where the series has no key beside the stream. */
  readonly #single: Accumulator | undefined;
  readonly #tree: KeyTree<Accumulator>;
  /** Of the keys above the cap. */
  #other: Accumulator | undefined;

  /**
   * @param span goes into the deltas
   * @param capped the window by which the keys are counted
   */
  constructor(
    private readonly context: LocalContext,
    readonly span: TimeWindow,
    capped: TimeWindow,
  ) {
    const { series, admission } = context;
    this.#single = series.by.length === 0 ? new Accumulator(series.measures) : undefined;
    this.#tree = new KeyTree(series.by, (key) =>
      admission.admits(capped, key) ? new Accumulator(series.measures) : this.#otherAccumulator(),
    );
  }

  add(event: StreamEvent<Fields>): void {
    const accumulator = this.#single ?? this.#tree.of(event.data);
    accumulator.add(event);
  }

  drain(into: Partial[], part?: PartialPart): void {
    if (this.#single !== undefined) {
      into.push(this.#partial([], this.#single, part));
      return;
    }
    this.#tree.visit((key, found) => {
      if (found !== this.#other) into.push(this.#partial(key, found, part));
    });
    if (this.#other === undefined) return;
    into.push(this.#partial(otherKey(this.context.series), this.#other, part));
    this.context.admission.countOther(this.#other.events);
  }

  #otherAccumulator(): Accumulator {
    return (this.#other ??= new Accumulator(this.context.series.measures));
  }

  #partial(key: readonly JsonScalar[], found: Accumulator, part: PartialPart | undefined): Partial {
    const { series, stream } = this.context;
    return {
      series: series.name,
      stream,
      key: keyOf(series, key),
      startMs: this.span.startMs,
      endMs: this.span.endMs,
      measures: found.encode(),
      oldestReceivedMs: found.oldestReceivedMs,
      events: found.events,
      ...(part === undefined ? {} : { part }),
    };
  }
}
