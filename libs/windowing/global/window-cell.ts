import { isJsonObject, type JsonObject, type JsonValue } from '#libs/kernel';
import { Accumulator } from '../accumulator.js';
import { type Key, keyValues } from '../key.js';
import type { Partial } from '../partial.js';
import type { SeriesDefinition } from '../series.js';
import type { TimeWindow } from '../time/window.js';
import type { DueCell } from './due-queue.js';
import type { CellName } from './global-windows.js';
import type { WindowResult } from './window-result.js';

/** Whose cell it is. */
export interface CellPlace {
  readonly series: SeriesDefinition;
  readonly stream: string;
  readonly window: TimeWindow;
  readonly key: Key;
}

/** What a global task holds of one window of one series, stream and key. */
export class WindowCell implements DueCell {
  /** Rows emitted so far: the revision of the next one. */
  revision = 0;
  isDue = false;
  /** The store holds it: forgetting it is a change. */
  isStored: boolean;
  /** As stored: in a complete window, a row is to be emitted. */
  readonly wantsRow: boolean;
  /** Arrival of the oldest event that no emitted or provisional row has shown yet; ∞ for none. */
  unshownReceivedMs = Infinity;
  readonly #accumulator: Accumulator;
  #name: CellName | undefined;

  constructor(
    readonly place: CellPlace,
    stored?: JsonValue,
  ) {
    this.isStored = stored !== undefined;
    const { measures, revision, isDue, events } = isJsonObject(stored ?? null)
      ? (stored as StoredCell)
      : EMPTY_CELL;
    this.#accumulator = new Accumulator(place.series.measures, measures);
    this.#accumulator.events = events;
    this.revision = revision;
    // A first result is due by its window; only a correction has to be told.
    this.wantsRow = revision === 0 || isDue === true;
  }

  get window(): TimeWindow {
    return this.place.window;
  }

  /** The name under which it is stored. */
  get name(): CellName {
    const { series, window, key } = this.place;
    return (this.#name ??= [window.startMs, window.endMs, ...keyValues(series, key)]);
  }

  merge(partial: Partial): void {
    this.#accumulator.merge(partial.measures, partial.events, partial.oldestReceivedMs);
    this.unshownReceivedMs = Math.min(this.unshownReceivedMs, partial.oldestReceivedMs);
  }

  /** A row shows it now. @returns arrival of the oldest event that none has shown before; ∞ for none */
  show(): number {
    const receivedMs = this.unshownReceivedMs;
    this.unshownReceivedMs = Infinity;
    return receivedMs;
  }

  result(): WindowResult {
    const { series, stream, key, window } = this.place;
    return {
      series: series.name,
      stream,
      key,
      windowStartMs: window.startMs,
      windowEndMs: window.endMs,
      measures: this.#accumulator.results(window),
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
