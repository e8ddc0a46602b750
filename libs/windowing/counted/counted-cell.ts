import type { JsonObject, JsonValue } from '#libs/kernel';
import { Accumulator } from '../accumulator.js';
import type { RowIdentity, WindowResult } from '../global/window-result.js';
import type { Key } from '../key.js';
import type { SeriesDefinition } from '../series.js';
import type { TimeWindow } from '../time/window.js';
import type { CountedEvent } from './local-counted.js';

/** Whose events they are, and how many results came before. */
export interface CountedPlace {
  readonly series: SeriesDefinition;
  readonly stream: string;
  readonly key: Key;
  readonly ordinal: number;
}

/** The field of a row's key that says how many results of the key came before it: nothing else tells them apart. */
export const ORDINAL_FIELD = 'ordinal';

/** The events of one result. */
export class CountedCell {
  isStored: boolean;
  /** The window in which it was shown while open. */
  shown: TimeWindow | undefined;
  unshownReceivedMs = Infinity;
  #firstMs: number;
  #lastMs: number;
  readonly #accumulator: Accumulator;

  constructor(
    readonly place: CountedPlace,
    stored?: JsonValue,
  ) {
    this.isStored = stored !== undefined;
    const { firstMs, lastMs, events, measures } = stored === undefined ? EMPTY : (stored as StoredCounted);
    this.#firstMs = firstMs ?? Infinity;
    this.#lastMs = lastMs ?? -Infinity;
    this.#accumulator = new Accumulator(place.series.measures, measures);
    this.#accumulator.events = events;
  }

  get events(): number {
    return this.#accumulator.events;
  }

  /** From its oldest event to its newest. */
  get window(): TimeWindow {
    return { startMs: this.#firstMs, endMs: this.#lastMs + 1 };
  }

  add({ timeMs, receivedMs, measures }: CountedEvent): void {
    this.#accumulator.merge(measures, 1, receivedMs);
    this.#firstMs = Math.min(this.#firstMs, timeMs);
    this.#lastMs = Math.max(this.#lastMs, timeMs);
    this.unshownReceivedMs = Math.min(this.unshownReceivedMs, receivedMs);
  }

  show(): number {
    const receivedMs = this.unshownReceivedMs;
    this.unshownReceivedMs = Infinity;
    return receivedMs;
  }

  identityIn(window: TimeWindow): RowIdentity {
    const { series, stream, key, ordinal } = this.place;
    return {
      series: series.name,
      stream,
      key: { ...key, [ORDINAL_FIELD]: ordinal },
      windowStartMs: window.startMs,
      windowEndMs: window.endMs,
    };
  }

  result(): WindowResult {
    const { window } = this;
    return { ...this.identityIn(window), measures: this.#accumulator.results(window), revision: 0 };
  }

  encode(): JsonValue {
    const isEmpty = this.events === 0;
    const cell: StoredCounted = {
      firstMs: isEmpty ? null : this.#firstMs,
      lastMs: isEmpty ? null : this.#lastMs,
      events: this.events,
      measures: this.#accumulator.encode(),
    };
    return cell;
  }
}

type StoredCounted = {
  readonly firstMs: number | null;
  readonly lastMs: number | null;
  readonly events: number;
  readonly measures: JsonObject;
};

const EMPTY: StoredCounted = { firstMs: null, lastMs: null, events: 0, measures: {} };
