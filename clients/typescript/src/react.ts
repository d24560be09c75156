// For React: a subscription that lasts as long as its component, and the last
// events of a channel as state.
import { useEffect, useRef, useState } from 'react';
import type { Gap, SseClient, Status, StreamEvent, StreamsShape, SubscribeOptions } from './types.js';

/** Events and gaps go to the handlers of the latest render; the subscription changes with the channel alone. */
export function useSubscription<S extends StreamsShape<S>, K extends keyof S>(
  client: SseClient<S>,
  stream: K,
  key: S[K]['key'] | null,
  options: Omit<SubscribeOptions<S, K>, 'on' | 'signal'> & { readonly onEvent?: (e: StreamEvent<S, K>) => void } = {},
): Status {
  const [status, setStatus] = useState<Status>({ state: 'idle' });
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });
  const id = key && JSON.stringify(key);
  useEffect(() => {
    if (!key) return setStatus({ state: 'idle' });
    const { lastEventId, only, buffer } = latest.current;
    const sub = client.subscribe(stream, key, {
      ...(lastEventId !== undefined && { lastEventId }),
      ...(only && { only }),
      ...(buffer !== undefined && { buffer }),
      onStatus: (s) => {
        setStatus(s);
        latest.current.onStatus?.(s);
      },
      onGap: (g: Gap) => latest.current.onGap?.(g),
      onError: (e) => latest.current.onError?.(e),
    });
    setStatus(sub.status);
    void (async () => {
      try {
        for await (const e of sub) latest.current.onEvent?.(e);
      } catch {
        // onError has said it
      }
    })();
    return () => sub.close();
    // The key is compared by what it says: an object literal is new in each render.
  }, [client, stream, id]);
  return status;
}

/** The newest events of a channel, oldest first, at most `most`. */
export function useEvents<S extends StreamsShape<S>, K extends keyof S>(
  client: SseClient<S>,
  stream: K,
  key: S[K]['key'] | null,
  most = 100,
): { readonly events: readonly StreamEvent<S, K>[]; readonly status: Status } {
  const [events, setEvents] = useState<readonly StreamEvent<S, K>[]>([]);
  const id = key && JSON.stringify(key);
  useEffect(() => setEvents([]), [client, stream, id]);
  const status = useSubscription(client, stream, key, { onEvent: (e) => setEvents((old) => [...old, e].slice(-most)) });
  return { events, status };
}
