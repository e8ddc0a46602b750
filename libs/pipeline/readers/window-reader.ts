import type { WindowDefinition } from '#libs/windowing';
import type { ProblemLog } from '../settings/problem-log.js';
import type { Setting } from '../settings/setting.js';
import { durationReader, MapReader } from '../settings/setting-reader.js';

/** How one kind of window is read; its key names it in the file. A new window is one more entry. */
interface WindowKind {
  readonly options: readonly string[];
  read(window: MapReader, log: ProblemLog): WindowDefinition | undefined;
}

const WINDOWS: Readonly<Record<string, WindowKind>> = {
  tumbling: {
    options: ['offset'],
    read: (window, log) => {
      const sizeMs = window.required('tumbling', durationReader(1));
      const offsetMs = window.optional('offset', durationReader(0), 0);
      const offset = window.member('offset');
      if (sizeMs === undefined) return undefined;
      if (offset !== undefined && offsetMs >= sizeMs)
        return log.refuse(offset, 'an offset below the size of the window');
      return { kind: 'tumbling', sizeMs, offsetMs };
    },
  },
};

const LATER_WINDOWS = ['hopping', 'every', 'session', 'maxLength', 'sliding', 'global', 'timeZone'];

export interface WindowSettings {
  readonly window: WindowDefinition;
  readonly allowedLatenessMs: number;
}

/** A window with what it needs. How late an event may come has to be said: no default suits every series. */
export function readWindow(setting: Setting, log: ProblemLog): WindowSettings | undefined {
  const window = MapReader.ofKind(setting, log, {
    kinds: WINDOWS,
    common: ['allowedLateness'],
    later: LATER_WINDOWS,
  });
  const allowedLatenessMs = window?.map.required('allowedLateness', durationReader(0));
  const definition = window && WINDOWS[window.kind]?.read(window.map, log);
  return definition === undefined || allowedLatenessMs === undefined
    ? undefined
    : { window: definition, allowedLatenessMs };
}
