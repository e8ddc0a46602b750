import { isJsonObject, type JsonObject, type JsonScalar, type JsonValue } from '#libs/kernel';
import { Accumulator } from '../accumulator.js';
import type { Partial } from '../partial.js';
import type { SeriesDefinition } from '../series.js';
import { isWindowOf, type TimeWindow } from '../time/window.js';

/** The result of one window of one series, stream and key. */
export interface WindowResult {
  readonly series: string;
  readonly stream: string;
  readonly key: Readonly<Record<string, JsonScalar>>;
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  readonly measures: JsonObject;
  /** 0 for the first complete result, then one more for each correction. Provisional rows: the next one. */
  readonly revision: number;
}

/** Whose cell it is. */
export interface CellPlace {
  readonly series: SeriesDefinition;
  readonly stream: string;
  readonly window: TimeWindow;
  readonly key: Readonly<Record<string, JsonScalar>>;
}

/** What a global task holds of one window of one series, stream and key. */
export class WindowCell {
  /** Rows emitted so far: the revision of the next one. */
  revision = 0;
  /** Its window is complete and a row is to be emitted: it stands among the due cells. */
  isDue = false;
  /** As stored: in a complete window, a row is to be emitted. */
  readonly wantsRow: boolean;
  /** Arrival of the oldest event that no emitted or provisional row has shown yet; ∞ for none. */
  unshownReceivedMs = Infinity;
  readonly place: CellPlace;
  /** The name under which it is stored. */
  readonly name: string;
  readonly #accumulator: Accumulator;

  constructor(place: CellPlace, stored?: JsonValue) {
    this.place = place;
    this.name = cellName(place);
    const { measures, revision, isDue, events } = isJsonObject(stored ?? null)
      ? (stored as StoredCell)
      : EMPTY_CELL;
    this.#accumulator = new Accumulator(place.series.measures, measures);
    this.#accumulator.events = events;
    this.revision = revision;
    // A first result is due by its window; only a correction has to be told.
    this.wantsRow = revision === 0 || isDue === true;
  }

  merge(partial: Partial): void {
    this.#accumulator.merge(partial.measures, partial.events, partial.oldestReceivedMs);
    this.unshownReceivedMs = Math.min(this.unshownReceivedMs, partial.oldestReceivedMs);
  }

  result(): WindowResult {
    const { series, stream, key, window } = this.place;
    return {
      series: series.name,
      stream,
      key,
      windowStartMs: window.startMs,
      windowEndMs: window.endMs,
      measures: this.#accumulator.results(),
      revision: this.revision,
    };
  }

  encode(): JsonValue {
    const cell: StoredCell = {
      measures: this.#accumulator.encode(),
      revision: this.revision,
      isDue: this.isDue && this.revision > 0 ? true : undefined,
      events: this.#accumulator.events,
    };
    return cell;
  }
}

type StoredCell = {
  readonly measures: JsonObject;
  readonly revision: number;
  readonly isDue?: true | undefined;
  readonly events: number;
};

const EMPTY_CELL: StoredCell = { measures: {}, revision: 0, events: 0 };

/** The values of a key, in the order in which the series names its fields. */
export function keyText(series: SeriesDefinition, key: Readonly<Record<string, JsonScalar>>): string {
  return series.by.length === 0 ? '' : JSON.stringify(series.by.map((field) => key[field] ?? null));
}

function cellName({ series, stream, window, key }: CellPlace): string {
  const values = series.by.map((field) => key[field] ?? null);
  return JSON.stringify([series.name, stream, window.startMs, window.endMs, ...values]);
}

/** The place a stored cell belongs to; undefined where the pipeline has no such series any more. */
export function placeOf(
  name: string,
  seriesByName: ReadonlyMap<string, SeriesDefinition>,
): CellPlace | undefined {
  const [seriesName, stream, startMs, endMs, ...values] = JSON.parse(name) as [
    string,
    string,
    number,
    number,
    ...JsonScalar[],
  ];
  const series = seriesByName.get(seriesName);
  const window = { startMs, endMs };
  if (series === undefined || values.length !== series.by.length || !isWindowOf(series.window, window))
    return undefined;
  const key = Object.fromEntries(series.by.map((field, i) => [field, values[i] ?? null]));
  return { series, stream, window, key };
}
