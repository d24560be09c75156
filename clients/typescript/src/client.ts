// A client: subscriptions, the feeds they need, and what the page around them does.
import { decode, type Strict } from './decode.js';
import type { Control } from './control.js';
import { type Hearer, type Setting } from './link.js';
import { links, type Feed, type Source } from './links.js';
import { Sub, call, type Arrival, type Options } from './subscription.js';
import type { ClientOptions, Descriptors, SseClient, Status, StreamDescriptor, StreamsShape } from './types.js';

/** The descriptors' version that this client reads. */
export const PROTOCOL = 1;

/** What generated code calls: `createSse` is this, with the project's descriptors. */
export function createClient<S extends StreamsShape<S>>(d: Descriptors, o: ClientOptions): SseClient<S> {
  if (d.protocol !== PROTOCOL) throw new TypeError(`generated for protocol ${d.protocol}, not ${PROTOCOL}: run runnel generate`);
  return new Client(d, o) as unknown as SseClient<S>;
}

/** A subscription and the feed it has: none while it is paused, failed or closed. */
interface Reading {
  readonly sub: Sub;
  readonly stream: StreamDescriptor;
  feed: Feed | null;
  place: string | null; // to go on from without it
}

class Client {
  #all = new Map<Sub, Reading>();
  #byKey = new Map<string, Reading[]>();
  #states = new Map<string, Status>();
  #source: Source | null = null; // until what it takes is loaded
  #strict: Strict | null = null;
  #due = false;
  #end = new AbortController();
  #tab = Math.random().toString(36).slice(2);
  #count = 0;

  constructor(
    private readonly d: Descriptors,
    private readonly o: ClientOptions,
  ) {
    const tabs = o.share === 'tabs' && globalThis.isSecureContext && globalThis.navigator?.locks && globalThis.BroadcastChannel;
    const shapes = o.validate === 'shape';
    const strict = shapes || Object.values(d.streams).some((s) => Object.values(s.events).some((e) => e.int64));
    // What only some ask for is not in everybody's bundle.
    void Promise.all([tabs && import('./tabs.js'), strict && import('./strict.js'), globalThis.document && import('./page.js')]).then(([t, s, p]) => {
      if (this.#end.signal.aborted) return;
      if (s) this.#strict = s.strict(d.int64 === 'bigint', shapes);
      const open = (hearer: Hearer) => links(setting(d, o, this.#end.signal), hearer);
      this.#source = t ? t.tabs(`runnel ${typeof o.url === 'function' ? '' : o.url}`, this.#tab, open, this.#hearer) : open(this.#hearer);
      p?.page(this.#source, o.pauseWhenHidden, this.#end.signal);
      this.#want();
    });
  }

  subscribe(stream: string, key: Readonly<Record<string, unknown>>, o: Options = {}): Sub {
    const d = Object.hasOwn(this.d.streams, stream) && this.d.streams[stream];
    if (!d) throw new TypeError(`no stream ${stream}`);
    const sub = new Sub(channelOf(d, key), o, this);
    if (sub.closed || this.#end.signal.aborted) {
      sub.close();
      return sub;
    }
    const r: Reading = { sub, stream: d, feed: null, place: null };
    this.#all.set(sub, r);
    this.#read(r, o.lastEventId ?? null);
    return sub;
  }

  get status(): 'idle' | 'live' | 'partial' | 'down' {
    const states = [...this.#all.keys()].map((s) => s.status.state).filter((s) => s !== 'idle' && s !== 'paused');
    const live = (s: Status['state']) => s === 'live';
    return states.every(live) ? (states.length ? 'live' : 'idle') : states.some(live) ? 'partial' : 'down';
  }

  close(): void {
    if (this.#end.signal.aborted) return;
    this.#end.abort();
    this.#source?.close();
    for (const sub of [...this.#all.keys()]) sub.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  // ---- for subscriptions ---------------------------------------------------------

  rest(sub: Sub): void {
    const r = this.#all.get(sub);
    if (!r?.feed) return;
    this.#drop(r);
    sub.become({ state: 'paused', why: 'manual' });
  }

  wake(sub: Sub): void {
    const r = this.#all.get(sub);
    if (r && !r.feed) this.#read(r, r.place);
  }

  leave(sub: Sub): void {
    const r = this.#all.get(sub);
    if (!r) return;
    this.#drop(r);
    this.#all.delete(sub);
  }

  // ---- feeds ---------------------------------------------------------------------

  #read(r: Reading, from: string | null): void {
    const { channel } = r.sub;
    const key = from ? `${this.#tab} ${++this.#count} ${channel}` : channel;
    r.feed = { key, channel, from };
    const others = this.#byKey.get(key);
    if (others) others.push(r);
    else this.#byKey.set(key, [r]);
    const state = this.#states.get(key);
    if (state) r.sub.become(state);
    this.#soon();
  }

  #drop(r: Reading): void {
    if (!r.feed) return;
    const { key, from } = r.feed;
    r.place = this.#source?.place(key) ?? from;
    r.feed = null;
    const left = this.#byKey.get(key)!.filter((x) => x !== r);
    if (left.length) this.#byKey.set(key, left);
    else {
      this.#byKey.delete(key);
      this.#states.delete(key);
    }
    this.#soon();
  }

  /** Those that change together are changed together. */
  #soon(): void {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => this.#want());
  }

  #want(): void {
    this.#due = false;
    if (this.#end.signal.aborted) return;
    const feeds = new Map<string, Feed>();
    for (const { feed } of this.#all.values()) if (feed) feeds.set(feed.key, feed);
    this.#source?.want([...feeds.values()]);
  }

  readonly #hearer: Hearer = {
    event: (key, event, text, id, replayed) => {
      const readings = this.#byKey.get(key);
      if (!readings) return;
      const { stream, sub } = readings[0]!;
      const { channel } = sub;
      const d = Object.hasOwn(stream.events, event) && stream.events[event];
      if (!d) return call(this.o.onUnknownEvent, { event, raw: text, channel });
      let was: ReturnType<Arrival['read']> | undefined;
      const read = () => (was ??= decode(event, d, text, this.#strict));
      for (const r of readings) r.sub.take({ event, id, channel, replayed, read });
    },
    gap: (key, reason, lastEventId) => {
      for (const { sub } of this.#byKey.get(key) ?? []) sub.take({ channel: sub.channel, lastEventId, reason });
    },
    state: (key, s) => {
      if (!this.#byKey.has(key)) return;
      this.#states.set(key, s);
      for (const r of this.#byKey.get(key) ?? []) {
        if (s.state === 'failed') this.#drop(r);
        r.sub.become(s);
      }
    },
  };
}

/** What a channel's part is made of; a ':' would name another channel. */
const PART = /^[\w.~@+=|-]+$/;

/** `item:{item_id}` and `{ itemId: '42' }` to `CommentStream:item:42`. */
function channelOf(d: StreamDescriptor, key: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(d.key);
  return `${d.stream}:${d.template.replace(/\{(\w+)\}/g, (_, field: string) => {
    const name = names.find((n) => d.key[n] === field) ?? field;
    const v = key[name];
    if (!PART.test(`${v ?? ''}`)) throw new TypeError(`${name} is ${JSON.stringify(v)}, want ${PART}`);
    return `${v}`;
  })}`;
}

function setting(d: Descriptors, o: ClientOptions, signal: AbortSignal): Setting {
  const fetch = o.fetch ?? globalThis.fetch?.bind(globalThis);
  const native = o.transport === 'eventsource' || (o.transport !== 'fetch' && !('body' in (globalThis.Response?.prototype ?? {})));
  const tokenIn = o.tokenIn ?? 'header';
  if (native && tokenIn === 'header' && o.getToken) throw new TypeError("an EventSource sends no header: set tokenIn to query or cookie");
  let tokens: Promise<Setting['token']> | null = null;
  let control: Control | null = null;
  return {
    get control() {
      return control;
    },
    base: async () => (typeof o.url === 'function' ? o.url() : o.url),
    tokenIn,
    backoff: { minMs: 500, maxMs: 30_000, factor: 2, jitter: 'full', ...o.backoff },
    silenceMs: typeof o.silenceMs === 'number' ? o.silenceMs : 0,
    transport: async () => {
      if (o.control) control ??= (await import('./control.js')).control(o.control, fetch);
      return native ? (await import('./native.js')).overEventSource(d) : (await import('./fetch.js')).overFetch(fetch);
    },
    signs: !!o.getToken,
    token: async (...asked) => (o.getToken ? (await (tokens ??= import('./token.js').then((m) => m.tokens(o.getToken!, tokenIn === 'cookie', signal))))(...asked) : null),
  };
}
