// The control host: what is asked beside the stream, on a host of its own, since
// a browser may have no connection to the stream's left. Loaded where one is named.
import { refusal } from './refusal.js';

/** What an order needs of the connection that it is for. */
export interface Party {
  readonly connection: string;
  readonly signal: AbortSignal; // of the connection
  later(ms: number, f: () => void): void; // while it lasts
  token(fresh: boolean): Promise<string | null>;
}

export interface Control {
  ticket(token: string, channels: readonly string[], signal: AbortSignal): Promise<string>;
  /** Tells the connection of a fresh token, in time before this one ends. */
  renew(p: Party, expires: string): void;
  /** Changes the connection's channels; its stream says what came of it. `instead` is called when that does not come. */
  change(p: Party, add: readonly string[], remove: readonly string[], instead: () => void): void;
  /** Ends a connection, as a beacon where there is one: it outlives the page, and needs no preflight. */
  goodbye(connection: string): void;
}

const PATIENCE = 5000; // ms for a stream to say that it has changed
const MARGIN = 5000; // ms before its end in which nothing is begun with a token

export function control(url: string | URL, fetch: typeof globalThis.fetch): Control {
  const base = `${url}`.replace(/\/*$/, '/');
  let last = { of: '', text: '', until: 0 };
  const order = async (path: string, token: string | null, body: object, signal: AbortSignal): Promise<Response> => {
    const r = await fetch(base + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body),
      signal,
    });
    if (r.ok) return r;
    throw await refusal(r);
  };
  return {
    async ticket(token, channels, signal) {
      const of = [token, ...channels].join(' ');
      if (last.of !== of || last.until < Date.now() + MARGIN) {
        const t = (await (await order('ticket', token, { channels }, signal)).json()) as { ticket: string; expires: string };
        last = { of, text: t.ticket, until: Date.parse(t.expires) };
      }
      return last.text;
    },
    renew({ connection, signal, later, token }, expires) {
      const left = Date.parse(expires) - Date.now();
      // With less, or by a clock that is wrong, sse.expired says it in time.
      if (!(left > MARGIN)) return;
      later(left - Math.min(60_000, left / 5), () => {
        void token(true)
          .then((t) => (t && !signal.aborted ? order('renew', t, { connection }, signal) : null))
          .catch(() => 0); // sse.expired will say so
      });
    },
    change({ connection, signal, later, token }, add, remove, instead) {
      token(false)
        .then((t) => order('renew', t, { connection, add, remove }, signal))
        .catch(instead);
      later(PATIENCE, instead);
    },
    goodbye(connection) {
      const to = `${base}goodbye`;
      if (!globalThis.navigator?.sendBeacon?.(to, connection)) fetch(to, { method: 'POST', body: connection, keepalive: true }).catch(() => 0);
    },
  };
}
