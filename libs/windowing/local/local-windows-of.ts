import type { LocalContext, LocalWindows } from './local-windows.js';
import { LocalTumbling } from './local-tumbling.js';
import { LocalSessions } from '../sessions/local-sessions.js';
import { LocalHopping } from '../hopping/local-hopping.js';
import { LocalCounted } from '../counted/local-counted.js';
import { LocalSliding } from '../sliding/local-sliding.js';

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
    case 'global':
      return new LocalCounted(context);
    case 'sliding':
      return new LocalSliding(context, window);
    default:
      return window satisfies never;
  }
}
