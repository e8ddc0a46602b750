import { parseDuration } from '#libs/kernel';
import {
  type Alignment,
  globalCount,
  hopping as hoppingOf,
  session as sessionOf,
  sliding as slidingOf,
  tumbling as tumblingOf,
  type WindowDefinition,
} from '#libs/windowing';

/** Windows with what happens to late events: what a window function is given. */
export interface StatedWindow {
  readonly definition: WindowDefinition;
  /** How long after its end a window still takes events and corrects its row; ≥ 0. */
  readonly allowedLatenessMs: number;
}

/** Windows of which it has still to be said what happens to events that come after a window's end. */
export class OpenWindow {
  constructor(private readonly definition: WindowDefinition) {}

  /** What comes once the watermark has passed its window's end goes to `<pipeline>.late`: one row a window, never corrected. */
  withoutLateness(): StatedWindow {
    return { definition: this.definition, allowedLatenessMs: 0 };
  }

  /**
   * What comes up to `lateness` after its window's end makes a new revision of the row; what comes later goes to
   * `<pipeline>.late`.
   *
   * @param lateness as people write it, `30s`
   * @throws RangeError for another text
   */
  withAllowedLateness(lateness: string): StatedWindow {
    return { definition: this.definition, allowedLatenessMs: parseDuration(lateness) };
  }
}

/** Windows of one size, side by side. @throws RangeError as `tumbling` of libs/windowing */
export function tumbling(size: string, alignment?: Alignment): OpenWindow {
  return new OpenWindow(tumblingOf(size, alignment));
}

/** Windows of one size that start `every` so often, and so overlap. @throws RangeError as `hopping` of libs/windowing */
export function hopping(size: string, every: string, alignment?: Alignment): OpenWindow {
  return new OpenWindow(hoppingOf(size, every, alignment));
}

/**
 * A window for each run of events of a key that are no further apart than the gap.
 *
 * @throws RangeError as `session` of libs/windowing
 */
export function session(gap: string, options?: { readonly maxLength?: string }): OpenWindow {
  return new OpenWindow(sessionOf(gap, options));
}

/** One window for each set of events that lie within `size` of one another. @throws RangeError as `sliding` of libs/windowing */
export function sliding(size: string): OpenWindow {
  return new OpenWindow(slidingOf(size));
}

/**
 * A result for each so many events of a key, in whatever order they come. No event is late for it, so nothing has to be
 * said of that.
 *
 * @throws RangeError for anything but a whole number above 0
 */
export function counted(events: number): StatedWindow {
  return { definition: globalCount(events), allowedLatenessMs: 0 };
}
