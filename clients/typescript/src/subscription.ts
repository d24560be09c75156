// One reader of one channel: which events go to which handler or iterator, in
// which order, and what waits meanwhile.
import { SseError } from './errors.js';
import type { Gap, Meta, Status } from './types.js';

/** Types are for the generated code; here an event is a name and data. */
export interface Event extends Meta {
  readonly event: string;
  readonly data: unknown;
}
export type Handler = (data: unknown, meta: Meta) => void;

export interface Options {
  readonly lastEventId?: string;
  readonly signal?: AbortSignal;
  readonly on?: Readonly<Record<string, Handler | undefined>>;
  readonly onStatus?: (s: Status) => void;
  readonly onGap?: (g: Gap) => void | Promise<void>;
  readonly onError?: (e: SseError) => void;
  readonly only?: readonly string[];
  readonly buffer?: number;
}

/** An event that is not decoded before somebody wants it; undefined: it cannot be. */
export type Arrival = Meta & { readonly event: string; read(): { readonly data: unknown } | SseError };

/** A fault of the application's code is its own, and ends nothing here. */
const report = (e: unknown): void =>
  queueMicrotask(() => {
    throw e;
  });

export function call<T>(f: ((x: T) => void) | undefined, x: T): void {
  try {
    f?.(x);
  } catch (e) {
    report(e);
  }
}

/** What the client does for a subscription. */
export interface Owner {
  rest(s: Sub): void;
  wake(s: Sub): void;
  leave(s: Sub): void;
}

interface Reader {
  events: Event[];
  wake: (() => void) | null;
}

export class Sub implements AsyncIterable<Event> {
  status: Status = { state: 'idle' };
  lastEventId: string | null;
  closed = false;
  #handlers = new Map<string, Set<Handler>>();
  #readers = new Set<Reader>();
  #waiting: (Arrival | Gap)[] | null = null; // while onGap is not settled
  readonly #end = new AbortController();

  constructor(
    readonly channel: string,
    private readonly o: Options,
    private readonly owner: Owner,
  ) {
    this.lastEventId = o.lastEventId ?? null;
    for (const [event, f] of Object.entries(o.on ?? {})) if (f) this.on(event, f);
    const { signal } = o;
    signal?.addEventListener('abort', () => this.close(), { signal: this.#end.signal });
    if (signal?.aborted) this.close();
  }

  on(event: string, f: Handler): () => void {
    const set = this.#handlers.get(event) ?? new Set();
    this.#handlers.set(event, set.add(f));
    return () => void set.delete(f);
  }

  pause(): void {
    if (!this.closed) this.owner.rest(this);
  }

  resume(): void {
    if (!this.closed) this.owner.wake(this);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#end.abort();
    this.#waiting = null;
    this.#wake();
    this.owner.leave(this);
    this.become({ state: 'idle' });
  }

  [Symbol.dispose](): void {
    this.close();
  }

  become(s: Status): void {
    this.status = s;
    call(this.o.onStatus, s);
    if (s.state !== 'failed') return;
    this.#wake();
    call(this.o.onError, s.error);
  }

  // ---- what comes ----------------------------------------------------------------

  take(a: Arrival | Gap): void {
    if (this.closed) return;
    if (!this.#waiting) return this.#give(a);
    if (this.#waiting.push(a) > this.#room) this.#waiting = [this.#overflow()];
  }

  get #room(): number {
    return this.o.buffer ?? 1024;
  }

  #overflow(): Gap {
    return { channel: this.channel, lastEventId: this.lastEventId, reason: 'overflow' };
  }

  #give(a: Arrival | Gap): void {
    if ('event' in a) this.#event(a);
    else this.#gap(a);
  }

  #event(a: Arrival): void {
    const { event, id, channel, replayed } = a;
    const handlers = this.#handlers.get(event);
    const reads = this.#readers.size > 0;
    if (!reads) this.lastEventId = id;
    if ((!handlers?.size && !reads) || this.o.only?.includes(event) === false) return;
    const read = a.read();
    if (read instanceof SseError) return call(this.o.onError, read);
    if (handlers?.size) {
      const meta = { id, channel, replayed };
      for (const f of [...handlers]) if (!this.closed) call((d) => f(d, meta), read.data);
    }
    for (const r of this.#readers) {
      if (r.events.push({ event, data: read.data, id, channel, replayed }) > this.#room) {
        r.events = [];
        this.take(this.#overflow());
      }
      r.wake?.();
    }
  }

  #gap(g: Gap): void {
    let settled: void | Promise<void> = undefined;
    try {
      settled = this.o.onGap?.(g);
    } catch (e) {
      report(e);
    }
    if (!settled) return;
    this.#waiting = [];
    settled.catch(report).then(() => {
      const waited = this.#waiting ?? [];
      this.#waiting = null;
      for (const a of waited) this.take(a);
    });
  }

  // ---- iteration -----------------------------------------------------------------

  #wake(): void {
    for (const r of this.#readers) r.wake?.();
  }

  [Symbol.asyncIterator](): AsyncIterator<Event> {
    const r: Reader = { events: [], wake: null };
    this.#readers.add(r);
    const end = () => {
      this.#readers.delete(r);
      return { done: true as const, value: undefined };
    };
    return {
      next: async () => {
        while (!this.closed) {
          const value = r.events.shift();
          if (value) {
            this.lastEventId = value.id;
            return { done: false, value };
          }
          if (this.status.state === 'failed') {
            end();
            throw this.status.error;
          }
          await new Promise<void>((done) => (r.wake = done));
        }
        return end();
      },
      return: async () => end(),
    };
  }
}
