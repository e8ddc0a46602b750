import type { JsonValue, StreamEvent } from '#libs/kernel';
import type { TimeWindow } from '../time/window.js';

/** An event's data, as series look at it. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * How a measure is made from the events of a window. `S` is the state it gathers, changed in place; `R` what it
 * comes to.
 *
 * Obligations: merging states gives what one state that had seen all the events gives, in any order and split
 * (float sums: within 1e-9); a state's size is bounded; `decode(encode(s))` behaves as `s`.
 */
export interface Aggregator<S, R extends JsonValue = JsonValue> {
  /** As in the pipeline file: `count`, `sum`, … */
  readonly name: string;
  create(): S;
  /** Makes the state as {@link create} gives it. Absent: it is replaced by a new one, which costs more. */
  clear?(state: S): void;
  /** @param value what the measure looks at; undefined where it looks at nothing, as `count` does */
  add(state: S, value: unknown, event: StreamEvent<Fields>): void;
  /** Adds `other` to `into`. `other` may be used up by that. */
  merge(into: S, other: S): void;
  /** Compact, and independent of the state: later changes do not show. */
  encode(state: S): JsonValue;
  decode(json: JsonValue): S;
  /**
   * Finite numbers only: JSON has no others.
   *
   * @param window the window that the state is of; without it what depends on its length, as `rate` does, is `null`
   */
  result(state: S, window?: TimeWindow): R;
}

/** An aggregator whose state and result nobody outside it looks into. */
export type AnyAggregator = Aggregator<unknown>;
