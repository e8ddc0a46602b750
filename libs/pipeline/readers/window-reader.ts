import { formatDuration } from '#libs/kernel';
import { globalCount, hopping, session, sliding, tumbling, type WindowDefinition } from '#libs/windowing';
import { nearName } from '../settings/near-name.js';
import type { ProblemLog } from '../settings/problem-log.js';
import type { Setting } from '../settings/setting.js';
import { durationReader, MapReader, numberReader, type Reader } from '../settings/setting-reader.js';

/** How one kind of window is read; its key names it in the file. A new window is one more entry. */
interface WindowKind {
  readonly options: readonly string[];
  read(window: MapReader, log: ProblemLog): WindowDefinition | undefined;
}

const LATENESS = 'allowedLateness';
const MAX_COUNT = 1_000_000;
/** An event makes a row in each window that holds it: more would be no window but a flood. */
const MAX_OVERLAPS = 1_500;

const WINDOWS: Readonly<Record<string, WindowKind>> = {
  tumbling: {
    options: ['offset', 'timeZone', LATENESS],
    read: (window, log) => {
      const sizeMs = window.required('tumbling', durationReader(1));
      return sizeMs === undefined
        ? undefined
        : aligned({ window, stepMs: sizeMs, step: 'the size of the window', log }, (alignment) =>
            tumbling(sizeMs, alignment),
          );
    },
  },
  hopping: {
    options: ['every', 'offset', 'timeZone', LATENESS],
    read: (window, log) => {
      const sizeMs = window.required('hopping', durationReader(1));
      const everyMs = window.required('every', everyReader(sizeMs));
      return sizeMs === undefined || everyMs === undefined
        ? undefined
        : aligned({ window, stepMs: everyMs, step: 'every', log }, (alignment) =>
            hopping(sizeMs, everyMs, alignment),
          );
    },
  },
  sliding: {
    options: [LATENESS],
    read: (window) => {
      const sizeMs = window.required('sliding', durationReader(1));
      return sizeMs === undefined ? undefined : sliding(sizeMs);
    },
  },
  session: {
    options: ['maxLength', LATENESS],
    read: (window) => {
      const gapMs = window.required('session', durationReader(1));
      const maxLength = window.optional('maxLength', maxLengthReader(gapMs), undefined);
      if (gapMs === undefined) return undefined;
      return session(gapMs, maxLength === undefined ? {} : { maxLength });
    },
  },
  count: {
    // It closes by its events, not by time: none is late for it.
    options: [],
    read: (window) => {
      const count = window.required('count', readCount);
      return count === undefined ? undefined : globalCount(count);
    },
  },
};

const readCount = numberReader(
  `a whole number from 1 to ${MAX_COUNT}`,
  (value) => Number.isInteger(value) && value >= 1 && value <= MAX_COUNT,
);

function everyReader(sizeMs: number | undefined): Reader<number> {
  return (setting, log) => {
    const everyMs = durationReader(1)(setting, log);
    if (everyMs === undefined || sizeMs === undefined) return everyMs;
    const size = formatDuration(sizeMs);
    if (everyMs > sizeMs)
      return log.refuse(setting, `at most ${size}, the size of the windows: else some events are in none`);
    if (sizeMs / everyMs <= MAX_OVERLAPS) return everyMs;
    const least = formatDuration(Math.ceil(sizeMs / MAX_OVERLAPS));
    return log.refuse(setting, `${least} or more: an event is in at most ${MAX_OVERLAPS} windows of ${size}`);
  };
}

function maxLengthReader(gapMs: number | undefined): Reader<number> {
  return (setting, log) => {
    const maxLengthMs = durationReader(1)(setting, log);
    if (maxLengthMs === undefined || gapMs === undefined || maxLengthMs >= gapMs) return maxLengthMs;
    return log.refuse(setting, `${formatDuration(gapMs)} or more, the gap that ends a session`);
  };
}

interface Aligned {
  readonly window: MapReader;
  /** The distance of the windows' starts, and what the file calls it. */
  readonly stepMs: number;
  readonly step: string;
  readonly log: ProblemLog;
}

/** @param make throws RangeError for what a zone does not allow */
function aligned(
  { window, stepMs, step, log }: Aligned,
  make: (alignment: { readonly offset: number; readonly timeZone?: string }) => WindowDefinition,
): WindowDefinition | undefined {
  const offset = window.optional('offset', offsetReader(stepMs, step), 0);
  const timeZone = window.optional('timeZone', readTimeZone, undefined);
  const zone = window.member('timeZone');
  if (zone === undefined || timeZone === undefined) return zone === undefined ? make({ offset }) : undefined;
  try {
    return make({ offset, timeZone });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return log.refuse(zone, `no time zone, or another size: ${error.message}`);
  }
}

function offsetReader(stepMs: number, step: string): Reader<number> {
  return (setting, log) => {
    const offsetMs = durationReader(0)(setting, log);
    if (offsetMs === undefined || offsetMs < stepMs) return offsetMs;
    return log.refuse(setting, `an offset below ${formatDuration(stepMs)}, ${step}`);
  };
}

const readTimeZone: Reader<string> = (setting, log) => {
  const name = setting.kind === 'scalar' && typeof setting.value === 'string' ? setting.value : '';
  // The platform also takes offsets and abbreviations as names; those do not know of daylight saving.
  if (isTimeZone(name)) return name;
  const meant = nearName(name, Intl.supportedValuesOf('timeZone'));
  return log.refuse(
    setting,
    `the IANA name of a time zone, such as Europe/Prague${meant === undefined ? '' : ` (did you mean ${meant}?)`}`,
  );
};

function isTimeZone(name: string): boolean {
  if (name !== 'UTC' && !name.includes('/')) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

export interface WindowSettings {
  readonly window: WindowDefinition;
  readonly allowedLatenessMs: number;
}

/** A window with what it needs. */
export function readWindow(setting: Setting, log: ProblemLog): WindowSettings | undefined {
  const window = MapReader.ofKind(setting, log, WINDOWS);
  const allowedLatenessMs = window?.map.optional(LATENESS, durationReader(0), 0);
  const definition = window && WINDOWS[window.kind]?.read(window.map, log);
  return definition === undefined || allowedLatenessMs === undefined
    ? undefined
    : { window: definition, allowedLatenessMs };
}
