import type { JsonValue, StreamEvent } from '#libs/kernel';

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
  /** @param value what the measure looks at; undefined where it looks at nothing, as `count` does */
  add(state: S, value: unknown, event: StreamEvent<Fields>): void;
  /** Adds `other` to `into`. `other` may be used up by that. */
  merge(into: S, other: S): void;
  /** Compact, and independent of the state: later changes do not show. */
  encode(state: S): JsonValue;
  decode(json: JsonValue): S;
  result(state: S): R;
}

/** An aggregator whose state and result nobody outside it looks into. */
export type AnyAggregator = Aggregator<unknown>;
