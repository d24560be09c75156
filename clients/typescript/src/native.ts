// One attempt at a stream over the browser's EventSource. It reads no status and
// no header, so a refusal that passes is asked for as a stream, and what closes
// it is tried again like a broken connection. It hears only the names it listens
// to: an unknown event is not reported.
import { SseError } from './errors.js';
import type { Transport } from './transport.js';
import type { Descriptors } from './types.js';

const own = ['gap', 'rotate', 'expired', 'refused', 'closed', 'changed'].map((s) => `sse.${s}`);

export const overEventSource =
  ({ streams }: Descriptors): Transport =>
  ({ url, id, credentials, signal, heard, frame, place }) =>
    new Promise((resolve, reject) => {
      url.searchParams.set('refuse', 'stream');
      const source = new EventSource(url, { withCredentials: credentials });
      let last = id;
      const hear = ({ type, data, lastEventId }: MessageEvent<string>) => {
        heard();
        // It does not say whether an id is the event's own, or still that of the one before.
        const own = lastEventId !== last;
        if (own) place((last = lastEventId));
        frame(type, data, lastEventId, own);
      };
      const names = Object.values(streams).flatMap((s) => Object.keys(s.events));
      for (const name of new Set(['message', ...own, ...names])) source.addEventListener(name, hear);
      const end = (settle: () => void) => {
        source.close(); // its own loop would repeat the URL, with an id that is old by then
        settle();
      };
      source.onerror = () => end(() => reject(new SseError('network', 'the EventSource failed')));
      signal.addEventListener('abort', () => end(resolve));
    });
