import type { JsonScalar, JsonValue, StreamEvent } from '#libs/kernel';
import {
  type Aggregator,
  type AnyAggregator,
  collect as collectOf,
  type CollectResult,
  count as countOf,
  custom as customOf,
  type CustomCodec,
  type CustomFunctions,
  distinct as distinctOf,
  type DistinctResult,
  duration as durationOf,
  first as firstOf,
  histogram as histogramOf,
  type HistogramResult,
  last as lastOf,
  max as maxOf,
  mean as meanOf,
  min as minOf,
  quantiles as quantilesOf,
  type QuantilesResult,
  rate as rateOf,
  stddev as stddevOf,
  sum as sumOf,
  topK as topKOf,
  type TopResult,
  variance as varianceOf,
  type VarianceOf,
} from '#libs/windowing';

/** What a measure looks at in an event's data. */
export type ValueOf<Input, Value = unknown> = (data: Input, event: StreamEvent<Input>) => Value;

/** One number, or object of numbers, of each row: how it is gathered, and from what of an event. */
export interface Measure<Input, Result extends JsonValue = JsonValue> {
  readonly aggregator: AnyAggregator;
  /** Absent: the aggregator looks at no value, as `count` does. */
  readonly value?: ValueOf<Input>;
  /** Only events for which this is true. Absent: all. */
  readonly where?: ValueOf<Input, boolean>;
  /** The user's own code gathers: what it throws for an event is looked for before the event counts anywhere. */
  readonly isCustom?: true;
  /** For types alone; never there. */
  readonly result?: Result;
}

/** Measures by name. */
export type Measures<Input> = Readonly<Record<string, Measure<Input>>>;

/** What the measures of a row come to. */
export type MeasuredBy<M> = {
  readonly [Name in keyof M]: M[Name] extends { readonly result?: infer Result }
    ? Exclude<Result, undefined>
    : never;
};

/** How many events. */
export function count(): Measure<unknown, number> {
  return measure(countOf());
}

/** How many events for which `where` is true. */
export function countIf<Input>(where: ValueOf<Input, boolean>): Measure<Input, number> {
  return { ...measure(countOf()), where };
}

/** A measure of only those events for which `where` is true. */
export function when<Input, Result extends JsonValue>(
  where: ValueOf<Input, boolean>,
  of: Measure<Input, Result>,
): Measure<Input, Result> {
  const { where: before } = of;
  if (before === undefined) return { ...of, where };
  return { ...of, where: (data, event) => before(data, event) && where(data, event) };
}

/** The sum of the numbers, 0 of none; what is no finite number is skipped, here and below. */
export function sum<Input>(value: ValueOf<Input>): Measure<Input, number> {
  return measure(sumOf(), value);
}

/** The smallest number; `null` of none. */
export function min<Input>(value: ValueOf<Input>): Measure<Input, number | null> {
  return measure(minOf(), value);
}

/** The largest number; `null` of none. */
export function max<Input>(value: ValueOf<Input>): Measure<Input, number | null> {
  return measure(maxOf(), value);
}

/** The arithmetic mean; `null` of none. */
export function mean<Input>(value: ValueOf<Input>): Measure<Input, number | null> {
  return measure(meanOf(), value);
}

/** @param options.of `population` (default) or `sample` */
export function variance<Input>(
  value: ValueOf<Input>,
  options?: { readonly of?: VarianceOf },
): Measure<Input, number | null> {
  return measure(varianceOf(options), value);
}

/** The square root of {@link variance}. */
export function stddev<Input>(
  value: ValueOf<Input>,
  options?: { readonly of?: VarianceOf },
): Measure<Input, number | null> {
  return measure(stddevOf(options), value);
}

/** The value of the earliest event by event time, among equal times that of the smallest id. */
export function first<Input>(value: ValueOf<Input>): Measure<Input, JsonScalar> {
  return measure(firstOf(), value);
}

/** The value of the latest event by event time, among equal times that of the largest id. */
export function last<Input>(value: ValueOf<Input>): Measure<Input, JsonScalar> {
  return measure(lastOf(), value);
}

/** From the first to the last event, in milliseconds. */
export function duration(): Measure<unknown, number | null> {
  return measure(durationOf());
}

/** How many different values: exact up to `exactUpTo` (1,000), then an estimate with its error. */
export function distinct<Input>(
  value: ValueOf<Input>,
  options?: { readonly exactUpTo?: number },
): Measure<Input, DistinctResult> {
  return measure(distinctOf(options), value);
}

/**
 * One quantile, within 1 % of its value; `null` of no number.
 *
 * @param rank 0 to 1: 0.95 is what 95 % of the values do not exceed
 */
export function quantile<Input>(rank: number, value: ValueOf<Input>): Measure<Input, number | null> {
  const inner = quantilesOf([rank]);
  const result = (state: Parameters<typeof inner.result>[0]): number | null =>
    Object.values(inner.result(state) ?? {})[0] ?? null;
  return measure({ ...inner, name: 'quantile', result }, value);
}

/** Several quantiles, as `{p50, p95, relativeError}`. @param ranks each 0 to 1 */
export function quantiles<Input>(
  ranks: readonly number[],
  value: ValueOf<Input>,
): Measure<Input, QuantilesResult> {
  return measure(quantilesOf(ranks), value);
}

/** The most frequent values and how often they occurred. @param k how many, 1 to 100 */
export function topK<Input>(
  k: number,
  value: ValueOf<Input>,
  options?: { readonly capacity?: number },
): Measure<Input, TopResult> {
  return measure(topKOf(k, options), value);
}

/** Events, or with `value` its sum, for each second of the window. */
export function rate<Input = unknown>(value?: ValueOf<Input>): Measure<Input, number | null> {
  return value === undefined ? measure(rateOf()) : measure(rateOf('sum'), value);
}

/** How many values lie between which bounds. @param bounds ascending, 2 to 200 */
export function histogram<Input>(
  bounds: readonly number[],
  value: ValueOf<Input>,
): Measure<Input, HistogramResult> {
  return measure(histogramOf(bounds), value);
}

/** The values themselves, those of the earliest events; at most `limit` (100, up to 500). */
export function collect<Input>(
  value: ValueOf<Input>,
  options?: { readonly limit?: number },
): Measure<Input, CollectResult> {
  return measure(collectOf(options), value);
}

/** What a measure of one's own consists of; the event's data and the event are what `add` is given. */
export interface CustomMeasure<Input, State, Result extends JsonValue> extends Omit<
  CustomFunctions<State, Result>,
  'add'
> {
  add(state: State, data: Input, event: StreamEvent<Input>): State;
}

/**
 * A measure of one's own: pure functions over a state that can be merged, since events of a window are gathered in several
 * places. `encode` and `decode` may be left out where the state is JSON already.
 *
 * What `add` throws for an event by itself makes it a dead letter; what any of them throws beyond that stops the task.
 */
export function custom<Input, State extends JsonValue, Result extends JsonValue = JsonValue>(
  functions: CustomMeasure<Input, State, Result> & Partial<CustomCodec<State>>,
): Measure<Input, Result>;
export function custom<Input, State, Result extends JsonValue = JsonValue>(
  functions: CustomMeasure<Input, State, Result> & CustomCodec<State>,
): Measure<Input, Result>;
export function custom<Input, State, Result extends JsonValue>(
  functions: CustomMeasure<Input, State, Result> & Partial<CustomCodec<State>>,
): Measure<Input, Result> {
  const gathered = customOf({
    ...functions,
    // Both from the value: the event that aggregators see carries what was taken out of it, not its data.
    add: (state: State, value: unknown) => {
      const event = value as StreamEvent<Input>;
      return functions.add(state, event.data, event);
    },
  } as CustomFunctions<State, Result> & CustomCodec<State>);
  return { ...measure(gathered, (_data: Input, event) => event), isCustom: true };
}

function measure<Input, S, Result extends JsonValue>(
  aggregator: Aggregator<S, Result>,
  value?: ValueOf<Input>,
): Measure<Input, Result> {
  // Its state goes nowhere but back into it.
  const opaque = aggregator as unknown as AnyAggregator;
  return value === undefined ? { aggregator: opaque } : { aggregator: opaque, value };
}
