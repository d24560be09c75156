// One connection for several channels, and the loop that keeps it: when to
// connect, with what, when to come back, and when to stop. It reads the frames of
// the connection itself (connected, sse.rotate and so on) and hands on the rest.
import type { Control, Party } from './control.js';
import { SseError } from './errors.js';
import { network, type Transport } from './transport.js';
import type { Backoff, Gap, Status, TokenRequest } from './types.js';

/** What every link of a client shares. */
export interface Setting {
  base(): Promise<string | URL>;
  readonly control: Control | null; // there is one, once transport() has it
  readonly tokenIn: 'header' | 'query' | 'cookie';
  readonly backoff: Required<Backoff>;
  readonly silenceMs: number; // 0: what the server says
  transport(): Promise<Transport>;
  /** Whether there is somebody to ask for a token. */
  readonly signs: boolean;
  /** The token to use; `used` is the one that was rejected or has ended. null: none. */
  token(channels: readonly string[], reason: TokenRequest['reason'], used: string | null): Promise<string | null>;
}

/** Whoever hears of a link's channels, each by its key. */
export interface Hearer {
  event(key: string, type: string, text: string, id: string, replayed: boolean, link: Link): void;
  gap(key: string, reason: Gap['reason'], before: string | null, link: Link): void;
  state(key: string, s: Status, link: Link): void;
}

/** The data of the frames that are for the connection. */
interface Said {
  readonly connection?: string;
  readonly channels?: readonly { readonly channel: string; readonly recovered: boolean }[];
  readonly heartbeat_ms?: number;
  readonly expires?: string;
  readonly refused?: unknown;
  readonly channel?: string;
  readonly reason?: string;
  readonly detail?: string;
  readonly status?: number;
  readonly retry_after_ms?: number;
}

/** Why an attempt ended, where that is no error: come back at once, or after `retry:`. */
type Plan = 'changed' | 'rotate' | 'parked' | 'expired' | 'stopped';

export const MAX_CHANNELS = 32; // of a connection
const HEARTBEAT = 15_000;
const QUIET = 500; // ms of a pause that ends a replay
const STEADY = 10_000; // ms after which a connection was a good one
const IDS = 256; // that are remembered against a second delivery; a power of two

/** A longer timer than setTimeout knows would fire at once. */
export const later = (ms: number, f: () => void): ReturnType<typeof setTimeout> => setTimeout(f, Math.min(ms, 2 ** 31 - 1));

export class Link {
  /** The channels that are wanted, and their keys; `sync` makes it so. */
  readonly wanted = new Map<string, string>();
  #active: string[] = []; // those that are asked for
  #held: string[][] = []; // those that wait, while it is found out which one was refused
  #trusted = new Set<string>(); // let in before
  #known = new Set<string>(); // the id has a place in them
  #new = new Set<string>(); // it had none when the connection began
  #live = new Set<string>(); // said to be live
  #open: readonly string[] | null = null; // what the connection has, while it is live
  #asked: readonly string[] | null = null; // and what it was asked for

  #attempt = 0; // in a row that failed
  #ac = new AbortController(); // of the attempt
  #plan: Plan | null = null;
  #fault: SseError | null = null;
  #running = false;
  #paused: 'hidden' | 'bfcache' | null = null;
  #wake: (() => void) | null = null;
  #timers = new Set<ReturnType<typeof setTimeout>>(); // of the attempt

  #token: string | null = null;
  #reason: TokenRequest['reason'] = 'first';
  #rejected = false; // a fresh token was asked for already

  #connection = '';
  #changing = false; // an order is on its way
  #retry = 0; // the server's lower bound, ms
  #silence = HEARTBEAT * 2.5;
  #since = 0; // live
  #heard = 0;
  #replaying = false;
  #before: string | null = null; // id of the event before
  #ids: string[] = [];
  #count = 0;
  #seen = new Set<string>(); // of the connections before

  /** @param id where to begin, and from then on the place: one id holds for all channels */
  constructor(
    private readonly setting: Setting,
    private readonly hearer: Hearer,
    /** One link from another, for whoever has several. */
    readonly number = 0,
    public id: string | null = null,
  ) {}

  /** Whether a channel can come to this link, and be read from an id on. */
  takes(channel: string, from: string | null): boolean {
    return !this.wanted.has(channel) && this.wanted.size < MAX_CHANNELS && (!from || (!this.#running && (!this.id || this.id === from)));
  }

  add(channel: string, key: string, from: string | null): void {
    this.wanted.set(channel, key);
    if (!from) return;
    this.id = from;
    this.#known.add(channel);
  }

  /** Brings the connection to what is wanted. */
  sync(): void {
    for (const set of [this.#known, this.#live, this.#trusted]) for (const c of set) if (!this.wanted.has(c)) set.delete(c);
    this.#held = this.#held.map((some) => some.filter((c) => this.wanted.has(c))).filter((some) => some.length);
    const held = this.#held.flat();
    this.#active = [...this.wanted.keys()].filter((c) => !held.includes(c));
    if (!this.#active.length) return held.length ? this.#next() : this.stop();
    if (this.#paused) return this.#tell({ state: 'paused', why: this.#paused });
    if (!this.#running) return void this.#run();
    if (this.#wake) {
      if (this.#plan === 'parked') this.#wake();
    } else this.#change();
  }

  stop(): void {
    this.#active = [];
    this.#end('stopped');
  }

  /** The place from which nothing of the channel is lost; null: it has none yet. */
  place(channel: string): string | null {
    return this.#known.has(channel) ? this.id : null;
  }

  pause(why: 'hidden' | 'bfcache' | null): void {
    if (this.#paused === why) return;
    this.#paused = why;
    if (!why) return void (this.#active.length && !this.#running && this.#run());
    this.#end('stopped');
    this.#tell({ state: 'paused', why });
  }

  /** The network is back, or has gone: a wait for it is cut, or has no end. */
  online(on: boolean): void {
    if (!this.#wake || !/network|timeout/.test(this.#fault?.code ?? '')) return;
    if (on) this.#wake();
    else this.#tell({ state: 'paused', why: 'offline' });
  }

  // ---- the loop ------------------------------------------------------------------

  async #run(): Promise<void> {
    this.#running = true;
    this.#attempt = 0;
    while (this.#active.length && !this.#paused) {
      const { signal } = (this.#ac = new AbortController());
      this.#plan = this.#fault = null;
      this.#since = 0;
      this.#tell(
        { state: 'connecting', attempt: this.#attempt + 1 },
        this.#active.filter((c) => !this.#live.has(c)),
      );
      const cut = new Promise<void>((done) => signal.addEventListener('abort', () => done()));
      try {
        await Promise.race([this.#connect(signal), cut]);
        if (!this.#plan) this.#fault ??= new SseError('network', 'stream ended');
      } catch (e) {
        if (!this.#plan) this.#fault ??= network(e);
      }
      this.#close();
      await this.#between();
    }
    this.#running = false;
  }

  #close(): void {
    this.#open = this.#asked = null;
    this.#changing = false;
    this.#ac.abort();
    for (const t of this.#timers) clearTimeout(t);
    this.#timers.clear();
  }

  /** What there is to do, and to wait for, between two attempts. */
  #between(): Promise<void> | void {
    const fault = this.#fault;
    if (!fault) return this.#planned();
    if (fault.status === 401 && this.setting.signs && !this.#rejected) {
      this.#rejected = true;
      this.#reason = 'rejected';
      return;
    }
    if (fault.fatal) return this.#refused(fault);
    if (this.#since && Date.now() - this.#since >= STEADY) this.#attempt = 0;
    const ms = this.#pause(fault);
    this.#attempt++;
    const offline = globalThis.navigator?.onLine === false;
    this.#tell(offline ? { state: 'paused', why: 'offline' } : { state: 'waiting', attempt: this.#attempt, retryAt: new Date(Date.now() + ms), cause: fault });
    // It may be wrong about that: a server on this machine is reached all the same.
    return this.#sleep(offline ? Math.max(ms, this.setting.backoff.maxMs) : ms);
  }

  #planned(): Promise<void> | void {
    const plan = this.#plan;
    this.#attempt = 0;
    if (plan === 'expired') this.#reason = plan;
    if (plan !== 'parked' && plan !== 'rotate') return;
    if (plan === 'parked') this.#tell({ state: 'paused', why: 'parked', until: new Date(Date.now() + this.#retry) });
    return this.#sleep(this.#retry);
  }

  /** Full jitter between the least and a bound that grows; not below what the server asks for. */
  #pause(fault: SseError): number {
    const { minMs, maxMs, factor, jitter } = this.setting.backoff;
    const random = jitter === 'full' ? Math.random() : 0;
    const top = Math.min(maxMs, minMs * factor ** (this.#attempt + (jitter === 'full' ? 1 : 0)));
    const ms = jitter === 'full' ? minMs + random * Math.max(0, top - minMs) : top;
    const least = Math.max(this.#retry, fault.retryAfterMs ?? 0);
    // Not all of those who were told the same time come at it.
    return least > ms ? least + random * minMs : ms;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((done) => {
      const t = later(ms, () => this.#wake?.());
      this.#wake = () => {
        clearTimeout(t);
        this.#wake = null;
        done();
      };
    });
  }

  #tell(s: Status, channels: readonly string[] = this.#active): void {
    for (const c of channels) {
      this.#live.delete(c);
      this.hearer.state(this.wanted.get(c)!, s, this);
    }
  }

  /**
   * One channel that is refused must not end the others: where the server does not
   * say which one it is, half of those in question wait until the rest is open.
   */
  async #refused(fault: SseError): Promise<void> {
    const { suspects } = await import('./refusal.js');
    const { all, channels } = suspects(fault, this.#active, this.#trusted);
    if (!all && channels.length > 1) {
      for (const c of channels) this.#trusted.delete(c);
      this.#held.push(channels.slice(channels.length >> 1));
    } else {
      const gone = all ? [...this.wanted.keys()] : channels.filter((c) => this.wanted.has(c));
      this.#tell({ state: 'failed', error: fault }, gone);
      for (const c of gone) this.wanted.delete(c);
    }
    this.sync();
  }

  #next(): void {
    this.#held.pop();
    this.sync();
  }

  #end(plan: Plan | SseError): void {
    if (!this.#ac.signal.aborted) {
      if (typeof plan === 'string') this.#plan = plan;
      else this.#fault = plan;
      // Nobody else will tell the server, which may not see it.
      if (this.#open && this.#connection && (plan === 'changed' || plan === 'stopped' || this.#fault?.code === 'timeout')) this.setting.control?.goodbye(this.#connection);
      this.#close();
    }
    if (plan === 'stopped') this.#wake?.();
  }

  // ---- an attempt ----------------------------------------------------------------

  async #connect(signal: AbortSignal): Promise<void> {
    const { setting } = this;
    this.#token = await setting.token(this.#active, this.#reason, this.#token);
    this.#reason = 'first';
    const [base, transport] = await Promise.all([setting.base(), setting.transport()]);
    const url = await this.#url(base, signal);
    if (signal.aborted) return;
    this.#before = this.id;
    this.#seen = new Set(this.#ids);
    this.#heard = Date.now();
    this.#watch();
    await transport({
      url,
      id: this.id ?? '',
      token: setting.tokenIn === 'header' ? this.#token : null,
      credentials: setting.tokenIn === 'cookie',
      signal,
      heard: () => this.#hear(),
      frame: (...f) => signal.aborted || this.#frame(...f),
      place: (id) => signal.aborted || (this.id = id),
      retry: (ms) => (this.#retry = ms),
    });
  }

  async #url(base: string | URL, signal: AbortSignal): Promise<URL> {
    const url = new URL(base, globalThis.location?.href);
    const { searchParams: query } = url;
    const { control, tokenIn } = this.setting;
    url.pathname = url.pathname.replace(/\/*$/, '/sse');
    this.#asked = this.#active;
    for (const c of this.#active) query.append('channel', c);
    if (this.id) query.set('last_event_id', this.id);
    if (tokenIn === 'query' && this.#token) query.set('ticket', control ? await control.ticket(this.#token, this.#active, signal) : this.#token);
    return url;
  }

  #hear(): void {
    const now = Date.now();
    if (this.#open && now - this.#heard > QUIET) this.#replaying = false;
    this.#heard = now;
  }

  /** A silent connection is a dead one. One timer, which looks again. */
  #watch(): void {
    const most = this.setting.silenceMs || this.#silence;
    const left = this.#heard + most - Date.now();
    if (left > 0) this.#later(left, () => this.#watch());
    else this.#end(new SseError('timeout', `silent for ${most} ms`));
  }

  #later(ms: number, f: () => void): void {
    const t = later(ms, () => {
      this.#timers.delete(t);
      f();
    });
    this.#timers.add(t);
  }

  // ---- what comes ----------------------------------------------------------------

  #frame(type: string, data: string, id: string, own: boolean): void {
    const ours = type.startsWith('sse.') || (type === 'message' && data.startsWith('{"type":"connected"'));
    if (ours && this.#control(type, data)) return;
    if (!this.#open) this.#connected({}); // a server that does not say so
    if (own) {
      this.#before = id;
      if (this.#seen.has(id)) return;
      this.#ids[this.#count++ & (IDS - 1)] = id;
    }
    let channel = '';
    let text = data;
    if (data.startsWith('{"channel":"')) {
      // The envelope of our servers is opened without reading what is in it.
      const end = data.indexOf('"', 12);
      channel = data.slice(12, end);
      if (data.startsWith('","data":', end)) text = data.slice(end + 9, -1);
    }
    const key = this.wanted.get(channel);
    if (key !== undefined) this.hearer.event(key, type, text, id, this.#replaying, this);
  }

  #connected(said: Said): void {
    this.#since = Date.now();
    this.#replaying = !!this.#before;
    this.#connection = said.connection ?? '';
    this.#silence = (said.heartbeat_ms ?? HEARTBEAT) * 2.5;
    this.#trusted = new Set(this.#active);
    if (!this.#held.length) this.#rejected = false;
    if (said.expires) this.setting.control?.renew(this.#party(), said.expires);
    this.#opened(said.channels ?? this.#active.map((channel) => ({ channel, recovered: true })));
    if (this.#held.length) this.#next();
  }

  /** These channels are open now. */
  #opened(channels: NonNullable<Said['channels']>): void {
    this.#open = channels.map((s) => s.channel);
    this.#new = new Set(this.#open.filter((c) => !this.#known.has(c)));
    for (const { channel, recovered } of channels) {
      const key = this.wanted.get(channel);
      if (key === undefined) continue;
      this.#known.add(channel);
      const whole = recovered || this.#new.has(channel);
      if (this.#live.has(channel) && whole) continue; // nothing that anybody has to know
      this.#live.add(channel);
      this.hearer.state(key, { state: 'live', since: new Date(), recovered: whole }, this);
    }
  }

  /** A control event; false: an event of a channel, such as sse.joined. */
  #control(type: string, data: string): boolean {
    const s = parse(data);
    const { channel = '', reason = '', detail = `${type}: ${reason}` } = s;
    if (type === 'message') this.#connected(s);
    else if (type === 'sse.gap') {
      // A channel that is new here had no place to lose.
      const key = this.wanted.get(channel);
      if (key !== undefined && !(reason === 'cursor' && this.#new.has(channel))) this.hearer.gap(key, reason === 'expired' ? reason : 'unknown-id', this.#before, this);
    } else if (type === 'sse.rotate') this.#end(reason === 'economy' ? 'parked' : 'rotate');
    else if (type === 'sse.expired') this.#end('expired');
    else if (type === 'sse.refused') {
      const { status = 503, retry_after_ms = 0 } = s;
      this.#end(new SseError(status === 429 ? 'too-many' : 'server', detail, { status, problem: reason, retryAfterMs: retry_after_ms }));
    } else if (type === 'sse.closed') this.#end(new SseError('forbidden', detail, { fatal: true, problem: reason }));
    else if (type === 'sse.changed') this.#changed(s);
    else return !('data' in s);
    return true;
  }

  // ---- orders --------------------------------------------------------------------

  #party(): Party {
    return {
      connection: this.#connection,
      signal: this.#ac.signal,
      later: (ms, f) => this.#later(ms, f),
      token: async (fresh) => (fresh ? (this.#token = await this.setting.token(this.#active, 'expired', this.#token)) : this.#token),
    };
  }

  /** Gives the connection other channels: by an order where it can be, else by another connection. */
  #change(): void {
    const open = this.#open ?? this.#asked;
    if (!open || this.#changing) return; // it will be asked for what is wanted then
    const add = this.#active.filter((c) => !open.includes(c));
    const remove = open.filter((c) => !this.#active.includes(c));
    if (!add.length && !remove.length) return;
    const { control } = this.setting;
    if (!this.#open || !control || !this.#token || !this.#connection) return this.#end('changed');
    const { signal } = this.#ac;
    this.#changing = true;
    this.#tell({ state: 'connecting', attempt: 1 }, add);
    control.change(this.#party(), add, remove, () => this.#changing && !signal.aborted && this.#end('changed'));
  }

  #changed(s: Said): void {
    if (s.expires) this.setting.control?.renew(this.#party(), s.expires);
    if (s.channels) this.#opened(s.channels);
    const asked = this.#changing;
    this.#changing = false;
    if (asked && s.refused) this.#end('changed');
    else this.#change(); // what is still missing, or was taken away with a right
  }
}

function parse(data: string): Said {
  try {
    return (JSON.parse(data) as Said | null) ?? {};
  } catch {
    return {}; // of a server that is not ours
  }
}
