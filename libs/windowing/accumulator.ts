import type { JsonObject, JsonValue, StreamEvent } from '#libs/kernel';
import type { Fields } from './aggregators/aggregator.js';
import type { MeasureDefinition } from './series.js';
import type { TimeWindow } from './time/window.js';

/** The states of a series' measures: of one window, stream and key. */
export class Accumulator {
  /** In the order of the measures. */
  readonly #states: unknown[];
  readonly #measures: readonly MeasureDefinition[];
  events = 0;
  /** Arrival of the oldest event; ∞ for none. */
  oldestReceivedMs = Infinity;

  constructor(measures: readonly MeasureDefinition[], encoded?: JsonObject) {
    this.#measures = measures;
    this.#states = measures.map(({ name, aggregator }) => {
      const state = encoded?.[name];
      // A measure that was added to the pipeline after the window began starts empty.
      return state === undefined ? aggregator.create() : aggregator.decode(state);
    });
  }

  add(event: StreamEvent<Fields>): void {
    this.events += 1;
    if (event.receivedMs < this.oldestReceivedMs) this.oldestReceivedMs = event.receivedMs;
    const measures = this.#measures;
    for (let i = 0; i < measures.length; i++) {
      const { aggregator, value, where } = measures[i]!;
      if (where !== undefined && !where(event.data)) continue;
      aggregator.add(this.#states[i], value === undefined ? undefined : value(event.data), event);
    }
  }

  /** Adds what {@link encode} of another accumulator of the series gave. */
  merge(encoded: JsonObject, events: number, oldestReceivedMs: number): void {
    this.events += events;
    if (oldestReceivedMs < this.oldestReceivedMs) this.oldestReceivedMs = oldestReceivedMs;
    const measures = this.#measures;
    for (let i = 0; i < measures.length; i++) {
      const { name, aggregator } = measures[i]!;
      const state = encoded[name];
      if (state !== undefined) aggregator.merge(this.#states[i], aggregator.decode(state));
    }
  }

  /** Begins anew, with nothing. */
  clear(): void {
    this.events = 0;
    this.oldestReceivedMs = Infinity;
    const measures = this.#measures;
    for (let i = 0; i < measures.length; i++) {
      const { aggregator } = measures[i]!;
      if (aggregator.clear === undefined) this.#states[i] = aggregator.create();
      else aggregator.clear(this.#states[i]);
    }
  }

  encode(): JsonObject {
    const values: Record<string, JsonValue> = {};
    const measures = this.#measures;
    for (let i = 0; i < measures.length; i++) {
      const { name, aggregator } = measures[i]!;
      values[name] = aggregator.encode(this.#states[i]);
    }
    return values;
  }

  /** @param window the window they are of, for what depends on its length */
  results(window?: TimeWindow): JsonObject {
    const values: Record<string, JsonValue> = {};
    const measures = this.#measures;
    for (let i = 0; i < measures.length; i++) {
      const { name, aggregator } = measures[i]!;
      values[name] = aggregator.result(this.#states[i], window);
    }
    return values;
  }
}
