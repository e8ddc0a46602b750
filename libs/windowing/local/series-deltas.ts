import { type JsonScalar, murmur3, type StreamEvent } from '#libs/kernel';
import { Accumulator } from '../accumulator.js';
import type { Fields } from '../aggregators/aggregator.js';
import type { Partial } from '../partial.js';
import type { SeriesDefinition } from '../series.js';
import type { TimeWindow } from '../time/window.js';

/** By the values of the key, one level a field: no text is put together for an event. */
type KeyTree = Map<JsonScalar, KeyTree | Accumulator>;

interface WindowDeltas {
  readonly window: TimeWindow;
  readonly tree: KeyTree;
  /** Where the series has no key beside the stream. */
  readonly single: Accumulator | undefined;
}

/** What one series has gathered of one stream since the last {@link drain}. */
export class SeriesDeltas {
  readonly #series: SeriesDefinition;
  readonly #stream: string;
  readonly #windows = new Map<number, WindowDeltas>();
  /** Events come nearly in order: the next is nearly always in the window of the one before. */
  #latest: WindowDeltas | undefined;

  constructor(series: SeriesDefinition, stream: string) {
    this.#series = series;
    this.#stream = stream;
  }

  get isEmpty(): boolean {
    return this.#windows.size === 0;
  }

  add(window: TimeWindow, event: StreamEvent<Fields>): void {
    const deltas = this.#latest?.window.startMs === window.startMs ? this.#latest : this.#deltasOf(window);
    const accumulator = deltas.single ?? this.#accumulatorOf(deltas.tree, event.data);
    accumulator.add(event);
  }

  /** Gives the deltas, and forgets them. */
  drain(into: Partial[]): void {
    for (const { window, tree, single } of this.#windows.values()) {
      if (single === undefined)
        this.#drainTree(tree, [], (key, found) => into.push(this.#partial(window, key, found)));
      else into.push(this.#partial(window, [], single));
    }
    this.#windows.clear();
    this.#latest = undefined;
  }

  #deltasOf(window: TimeWindow): WindowDeltas {
    let deltas = this.#windows.get(window.startMs);
    if (deltas === undefined) {
      const single = this.#series.by.length === 0 ? new Accumulator(this.#series.measures) : undefined;
      deltas = { window, tree: new Map(), single };
      this.#windows.set(window.startMs, deltas);
    }
    this.#latest = deltas;
    return deltas;
  }

  #accumulatorOf(tree: KeyTree, data: Fields): Accumulator {
    const { by, measures } = this.#series;
    let level = tree;
    for (let i = 0; ; i++) {
      const part = keyPart(data[by[i]!]);
      let next = level.get(part);
      if (next === undefined) {
        next = i === by.length - 1 ? new Accumulator(measures) : new Map();
        level.set(part, next);
      }
      if (next instanceof Accumulator) return next;
      level = next;
    }
  }

  #drainTree(
    tree: KeyTree,
    path: readonly JsonScalar[],
    visit: (key: readonly JsonScalar[], found: Accumulator) => void,
  ): void {
    for (const [part, next] of tree) {
      if (next instanceof Accumulator) visit([...path, part], next);
      else this.#drainTree(next, [...path, part], visit);
    }
  }

  #partial(window: TimeWindow, key: readonly JsonScalar[], found: Accumulator): Partial {
    return {
      series: this.#series.name,
      stream: this.#stream,
      key: Object.fromEntries(this.#series.by.map((field, i) => [field, key[i] ?? null])),
      startMs: window.startMs,
      endMs: window.endMs,
      measures: found.encode(),
      oldestReceivedMs: found.oldestReceivedMs,
      events: found.events,
    };
  }
}

/** A longer text is cut: keys go into ids and properties of messages, and one huge key must not stop the others. */
const MAX_KEY_CHARS = 512;

/** A value as part of a key: scalars as they are, what is missing or no number as `null`, the rest as its JSON. */
function keyPart(value: unknown): JsonScalar {
  if (typeof value === 'string') return shortText(value);
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  return value === undefined || value === null ? null : shortText(JSON.stringify(value));
}

/** Texts that are cut stay apart by the hash of what they were. */
function shortText(text: string): string {
  if (text.length <= MAX_KEY_CHARS) return text;
  return `${text.slice(0, MAX_KEY_CHARS)}…${murmur3(text).toString(16)}`;
}
