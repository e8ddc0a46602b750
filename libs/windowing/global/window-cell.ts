import { isJsonObject, type JsonObject, type JsonValue } from '#libs/kernel';
import { Accumulator } from '../accumulator.js';
import type { Key } from '../key.js';
import type { Partial } from '../partial.js';
import type { TimeWindow } from '../time/window.js';
import type { DueCell } from './due-queue.js';
import { type CellOwner, nameEnd } from './stored-name.js';
import type { WindowResult } from './window-result.js';

/** Whose cell it is, and of what window: the same for all of its keys. */
export interface CellPlace extends CellOwner {
  readonly window: TimeWindow;
  /** What the names of its cells begin with. */
  readonly nameBegin: string;
}

/** What a global task holds of one window of one series, stream and key. */
export class WindowCell implements DueCell {
  /** Rows emitted so far: the revision of the next one. */
  revision = 0;
  isDue = false;
  /** Its store does not hold it as it is. */
  isDirty = false;
  /** The store holds it: forgetting it is a change. */
  isStored: boolean;
  /** As stored: in a complete window, a row is to be emitted. */
  readonly wantsRow: boolean;
  /** Arrival of the oldest event that no emitted or provisional row has shown yet; ∞ for none. */
  unshownReceivedMs = Infinity;
  readonly #accumulator: Accumulator;
  #name: string | undefined;

  constructor(
    readonly place: CellPlace,
    readonly key: Key,
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
  get name(): string {
    const { series, nameBegin } = this.place;
    return (this.#name ??= nameBegin + nameEnd(series, this.key));
  }

  merge(partial: Partial): void {
    this.#accumulator.merge(partial.measures, partial.events, partial.oldestReceivedMs);
    if (partial.oldestReceivedMs < this.unshownReceivedMs) this.unshownReceivedMs = partial.oldestReceivedMs;
  }

  /** A row shows it now. @returns arrival of the oldest event that none has shown before; ∞ for none */
  show(): number {
    const receivedMs = this.unshownReceivedMs;
    this.unshownReceivedMs = Infinity;
    return receivedMs;
  }

  result(): WindowResult {
    const { series, stream, window } = this.place;
    return {
      series: series.name,
      stream,
      key: this.key,
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
