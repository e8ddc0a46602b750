import { GlobalTumbling } from './global-tumbling.js';
import type { GlobalContext, GlobalWindows } from './global-windows.js';
import { GlobalSessions } from '../sessions/global-sessions.js';
import { GlobalHopping } from '../hopping/global-hopping.js';
import { GlobalCounted } from '../counted/global-counted.js';
import { GlobalSliding } from '../sliding/global-sliding.js';

/** The global stage of a series' kind of windows, for one stream. */
export function globalWindowsOf(context: GlobalContext): GlobalWindows {
  const { window } = context.series;
  switch (window.kind) {
    case 'tumbling':
      return new GlobalTumbling(context, window);
    case 'hopping':
      return new GlobalHopping(context, window);
    case 'session':
      return new GlobalSessions(context, window);
    case 'global':
      return new GlobalCounted(context, window);
    case 'sliding':
      return new GlobalSliding(context, window);
    default:
      return window satisfies never;
  }
}
