import { parseDuration } from '#libs/kernel';

/** A stretch of event time, half-open: `[startMs, endMs)`, epoch milliseconds, may be negative. */
export interface TimeWindow {
  readonly startMs: number;
  readonly endMs: number;
}

/** Windows of one size, side by side: every event belongs to exactly one. */
export interface TumblingWindow {
  readonly kind: 'tumbling';
  /** Whole milliseconds, > 0. */
  readonly sizeMs: number;
  /** Where windows start, counted from the epoch: 0 ≤ offset < size. */
  readonly offsetMs: number;
}

/** How a series cuts time into windows. Grows with each kind; switch on `kind`. */
export type WindowDefinition = TumblingWindow;

/**
 * Windows of one size, side by side, aligned to the epoch.
 *
 * @param size as people write it (`1m`), or whole milliseconds; > 0
 * @throws RangeError for any other size
 */
export function tumbling(size: string | number): TumblingWindow {
  const sizeMs = typeof size === 'string' ? parseDuration(size) : size;
  if (!Number.isSafeInteger(sizeMs) || sizeMs <= 0) {
    throw new RangeError(`a window has a size of whole milliseconds above 0, not ${String(size)}`);
  }
  return { kind: 'tumbling', sizeMs, offsetMs: 0 };
}

/** The one tumbling window that holds `eventTimeMs`. */
export function windowFor(definition: TumblingWindow, eventTimeMs: number): TimeWindow {
  const { sizeMs, offsetMs } = definition;
  // Floor, not truncation: before the epoch the start must still be at or below the event.
  const startMs = Math.floor((eventTimeMs - offsetMs) / sizeMs) * sizeMs + offsetMs;
  return { startMs, endMs: startMs + sizeMs };
}

/** Every window that holds `eventTimeMs`, oldest first. */
export function windowsFor(definition: WindowDefinition, eventTimeMs: number): readonly TimeWindow[] {
  return [windowFor(definition, eventTimeMs)];
}

/** Is it one of the definition's windows: false for what was cut by a former version of the pipeline. */
export function isWindowOf(definition: WindowDefinition, window: TimeWindow): boolean {
  return (
    window.startMs === windowFor(definition, window.startMs).startMs &&
    window.endMs - window.startMs === definition.sizeMs
  );
}

/** {@link windowsFor} of one series and stream, for events that come nearly in order: mostly without a new object. */
export class WindowAssigner {
  readonly #definition: WindowDefinition;
  #latest: readonly TimeWindow[] = [];

  constructor(definition: WindowDefinition) {
    this.#definition = definition;
  }

  windowsFor(eventTimeMs: number): readonly TimeWindow[] {
    // Tumbling: whatever lies in the window of the event before lies in that one only.
    const latest = this.#latest[0];
    if (latest === undefined || eventTimeMs < latest.startMs || eventTimeMs >= latest.endMs) {
      this.#latest = windowsFor(this.#definition, eventTimeMs);
    }
    return this.#latest;
  }
}
