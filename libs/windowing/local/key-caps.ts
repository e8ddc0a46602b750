import { isJsonObject, type JsonScalar, type JsonValue } from '#libs/kernel';
import type { SeriesDefinition } from '../series.js';
import type { TimeWindow } from '../time/window.js';
import { AdmittedKeys } from './admitted-keys.js';
import { keyHash } from './key-hash.js';
import type { KeyAdmission, LocalTime } from './local-windows.js';

/** Per window and local task, where the series says nothing. */
export const DEFAULT_MAX_KEYS = 10_000;
const CELL_PREFIX = 'keys/';

/** The windows of one series and stream, with the keys that each has admitted. */
class CappedWindows implements KeyAdmission {
  readonly windows = new Map<number, AdmittedKeys>();
  otherEvents = 0;
  #latest: AdmittedKeys | undefined;

  constructor(
    readonly series: SeriesDefinition,
    readonly stream: string,
  ) {}

  admits(window: TimeWindow, key: readonly JsonScalar[]): boolean {
    return this.of(window).admit(keyHash(key), this.series.maxKeys ?? DEFAULT_MAX_KEYS);
  }

  countOther(events: number): void {
    this.otherEvents += events;
  }

  of(window: TimeWindow): AdmittedKeys {
    if (this.#latest?.window.startMs === window.startMs) return this.#latest;
    let keys = this.windows.get(window.startMs);
    if (keys === undefined) {
      keys = new AdmittedKeys(window);
      this.windows.set(window.startMs, keys);
    }
    this.#latest = keys;
    return keys;
  }

  forget(startMs: number): void {
    this.windows.delete(startMs);
    this.#latest = undefined;
  }
}

/**
 * The cap on keys: which keys of each open window count under their own name at this local task. What comes first is
 * admitted; the others count as one key, so that neither a task, nor the global stage behind it, nor the store grows
 * with whatever somebody writes into a field.
 *
 * C1. A key that was admitted stays so until the window is final, also over a restart: its row is never split.
 * C2. Keys are known by a hash of 32 bits: of a million keys above the cap some two count as admitted.
 */
export class KeyCaps {
  readonly #series: ReadonlyMap<string, SeriesDefinition>;
  readonly #capped = new Map<string, CappedWindows>();
  #removed: string[] = [];

  constructor(series: readonly SeriesDefinition[]) {
    this.#series = new Map(series.map((each) => [each.name, each]));
  }

  of(series: SeriesDefinition, stream: string): KeyAdmission {
    return this.#cappedOf(series, stream);
  }

  /** Forgets the windows that take no event any more. */
  forgetFinal(timeOf: (stream: string) => LocalTime): void {
    for (const capped of this.#capped.values()) {
      const { series, stream, windows } = capped;
      if (windows.size === 0) continue;
      const { watermarkMs, closedUntilMs } = timeOf(stream);
      for (const [startMs, keys] of windows) {
        // A close ends windows by their start; these are stretches that may hold the starts of several.
        const isClosed = closedUntilMs !== undefined && keys.window.endMs <= closedUntilMs;
        if (!isClosed && watermarkMs < keys.window.endMs + series.allowedLatenessMs) continue;
        capped.forget(startMs);
        for (const number of keys.storedChunks()) this.#removed.push(cellName(series, stream, keys, number));
      }
    }
  }

  /** Events that went under the other key since the last call, by series. */
  takeOther(): ReadonlyMap<string, number> {
    const events = new Map<string, number>();
    for (const capped of this.#capped.values()) {
      const { series, otherEvents } = capped;
      if (otherEvents > 0) events.set(series.name, (events.get(series.name) ?? 0) + otherEvents);
      capped.otherEvents = 0;
    }
    return events;
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    for (const [name, value] of cells) {
      if (!name.startsWith(CELL_PREFIX)) continue;
      const [seriesName, stream, startMs, endMs, number] = JSON.parse(
        name.slice(CELL_PREFIX.length),
      ) as CellName;
      const series = this.#series.get(seriesName);
      if (series === undefined || !isJsonObject(value)) this.#removed.push(name);
      else
        this.#cappedOf(series, stream).of({ startMs, endMs }).restoreChunk(number, String(value['hashes']));
    }
  }

  /** The cells that changed since the last call; undefined: removed. */
  *changes(): Iterable<readonly [string, JsonValue | undefined]> {
    for (const { series, stream, windows } of this.#capped.values()) {
      for (const keys of windows.values()) {
        for (const [number, hashes] of keys.changedChunks())
          yield [cellName(series, stream, keys, number), { hashes }];
      }
    }
    for (const name of this.#removed) yield [name, undefined];
    this.#removed = [];
  }

  *cells(): Iterable<readonly [string, JsonValue]> {
    for (const { series, stream, windows } of this.#capped.values()) {
      for (const keys of windows.values()) {
        for (const [number, hashes] of keys.chunks())
          yield [cellName(series, stream, keys, number), { hashes }];
      }
    }
  }

  #cappedOf(series: SeriesDefinition, stream: string): CappedWindows {
    const name = `${series.name}/${stream}`;
    let capped = this.#capped.get(name);
    if (capped === undefined) {
      capped = new CappedWindows(series, stream);
      this.#capped.set(name, capped);
    }
    return capped;
  }
}

type CellName = [series: string, stream: string, startMs: number, endMs: number, chunk: number];

function cellName(series: SeriesDefinition, stream: string, { window }: AdmittedKeys, chunk: number): string {
  const name: CellName = [series.name, stream, window.startMs, window.endMs, chunk];
  return CELL_PREFIX + JSON.stringify(name);
}
