import type { LocalContext, LocalWindows } from './local-windows.js';
import { LocalTumbling } from './local-tumbling.js';
import { LocalSessions } from '../sessions/local-sessions.js';
import { LocalHopping } from '../hopping/local-hopping.js';

/** The local stage of a series' kind of windows, for one stream and up to the next drain. */
export function localWindowsOf(context: LocalContext): LocalWindows {
  const { window } = context.series;
  switch (window.kind) {
    case 'tumbling':
      return new LocalTumbling(context, window);
    case 'hopping':
      return new LocalHopping(context, window);
    case 'session':
      return new LocalSessions(context, window);
    case 'sliding':
    case 'global':
      throw new RangeError(`there are no windows of the kind ${window.kind}`);
    default:
      return window satisfies never;
  }
}
