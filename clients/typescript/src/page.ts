// What the page around a client does: it is hidden, kept for the back button, left,
// and its network goes and comes. Loaded where there is a page.
import { later } from './link.js';
import type { Source } from './links.js';
import type { ClientOptions } from './types.js';

export function page(source: Source, hidden: ClientOptions['pauseWhenHidden'], signal: AbortSignal): void {
  const when = (on: EventTarget, event: string, f: () => void) => on.addEventListener(event, f, { signal });
  let paused = false;
  const pause = (why: 'hidden' | 'bfcache' | null) => {
    if (paused || why) source.pause(why);
    paused = !!why;
  };
  when(window, 'online', () => source.online(true));
  when(window, 'offline', () => source.online(false));
  // A page that is kept for the back button would keep its stream as well.
  when(window, 'pagehide', () => pause('bfcache'));
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    clearTimeout(timer);
    if (!document.hidden) pause(null);
    else if (hidden) timer = later(hidden.afterMs, () => pause('hidden'));
  };
  when(window, 'pageshow', look);
  when(document, 'visibilitychange', look);
  look();
}
