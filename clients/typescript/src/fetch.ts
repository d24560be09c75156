// One attempt at a stream over fetch: a request, its refusal in our words, or its
// bytes until they end. When to try again is for link.ts.
import { parser } from './parser.js';
import type { Transport } from './transport.js';

export const overFetch =
  (fetch: typeof globalThis.fetch): Transport =>
  async ({ url, id, token, credentials, signal, heard, frame, place, retry }) => {
    // No other header unless there is a token: it would force a preflight.
    const r = await fetch(url, {
      cache: 'no-store',
      credentials: credentials ? 'include' : 'same-origin',
      signal,
      headers: { Accept: 'text/event-stream', ...(token && { Authorization: `Bearer ${token}` }) },
    });
    if (r.status !== 200 || !r.body || !/^text\/event-stream\s*(;|$)/i.test(r.headers.get('content-type') ?? '')) throw await (await import('./refusal.js')).refusal(r);
    const { write } = parser(id, frame, place, retry);
    const reader = r.body.getReader();
    // A fetch of the application's may not heed the signal.
    const stop = () => void reader.cancel().catch(() => 0);
    signal.addEventListener('abort', stop);
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done || signal.aborted) return;
        heard();
        write(value);
      }
    } finally {
      signal.removeEventListener('abort', stop);
      stop();
    }
  };
