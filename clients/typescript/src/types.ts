// What an application sees, and what `runnel generate` writes for it. Nothing
// here runs, except the two errors' classes in errors.ts that it names.
import type { SseError } from './errors.js';

export type { ErrorCode, SseError } from './errors.js';

// ---- what is generated ---------------------------------------------------------

/** The version of the descriptors: generated code of another one does not compile. */
export type Protocol = 1;

/** What a stream's events look like to `validate: 'shape'`. `integer` is a number or a bigint. */
export type Shape =
  | 'string'
  | 'boolean'
  | 'number'
  | 'integer'
  | 'any'
  | { readonly optional: Shape } // absent or null
  | { readonly list: Shape }
  | { readonly map: Shape }
  | { readonly fields: Readonly<Record<string, Shape>> }
  | { readonly oneOf: readonly string[] };

export interface EventDescriptor {
  /** Paths of 64-bit integers: `a.b`, `list.*.n`, `map.*`. */
  readonly int64?: readonly string[];
  readonly fields?: Readonly<Record<string, Shape>>;
}

export interface StreamDescriptor {
  /** The stream's name on the wire: `CommentStream`. */
  readonly stream: string;
  /** The channel's key: `item:{item_id}`. */
  readonly template: string;
  /** The names of the key's fields here, and in the template: `{ itemId: 'item_id' }`. */
  readonly key: Readonly<Record<string, string>>;
  readonly events: Readonly<Record<string, EventDescriptor>>;
}

export interface Descriptors {
  readonly protocol: Protocol;
  readonly int64: 'number' | 'bigint';
  readonly streams: Readonly<Record<string, StreamDescriptor>>;
}

/** What the generated interface `Streams` has to be. */
export type StreamsShape<S> = { readonly [K in keyof S]: { readonly key: object; readonly events: object } };

// ---- events --------------------------------------------------------------------

export interface Meta {
  readonly id: string;
  readonly channel: string;
  /**
   * A hint that the event is from before: it came after a resume, and the stream
   * has not paused since. The wire does not say where a replay ends.
   */
  readonly replayed: boolean;
}

type Events<S extends StreamsShape<S>, K extends keyof S> = S[K]['events'];

/** `event` narrows `data`: `switch (e.event) { case 'CommentAdded': e.data.text }` */
export type StreamEvent<S extends StreamsShape<S>, K extends keyof S> = {
  [E in keyof Events<S, K>]: Meta & { readonly event: E; readonly data: Events<S, K>[E] };
}[keyof Events<S, K>];

export type Handlers<S extends StreamsShape<S>, K extends keyof S> = {
  [E in keyof Events<S, K>]?: (data: Events<S, K>[E], meta: Meta) => void;
};

export interface Gap {
  readonly channel: string;
  /** The id before the gap. */
  readonly lastEventId: string | null;
  /**
   * `expired`: events after that id are no longer kept. `unknown-id`: the id says
   * nothing of this channel, or the channel began again. `overflow`: the events
   * came faster than this page took them.
   */
  readonly reason: 'expired' | 'unknown-id' | 'overflow';
}

export type Status =
  | { readonly state: 'idle' }
  | { readonly state: 'connecting'; readonly attempt: number }
  | { readonly state: 'live'; readonly since: Date; readonly recovered: boolean }
  | { readonly state: 'waiting'; readonly attempt: number; readonly retryAt: Date; readonly cause: SseError }
  /** `parked`: the stream is read now and then, to save; `until` is the next time */
  | { readonly state: 'paused'; readonly why: 'hidden' | 'offline' | 'bfcache' | 'manual' | 'parked'; readonly until?: Date }
  | { readonly state: 'failed'; readonly error: SseError };

// ---- the client ----------------------------------------------------------------

export interface TokenRequest {
  /** The first of `channels`. */
  readonly channel: string;
  /** Those that the connection is for. */
  readonly channels: readonly string[];
  readonly reason: 'first' | 'expired' | 'rejected';
  readonly signal: AbortSignal;
}

export interface Backoff {
  readonly minMs?: number;
  readonly maxMs?: number;
  readonly factor?: number;
  readonly jitter?: 'full' | 'none';
}

export interface ClientOptions {
  /** The host of the streams, without `/sse`; asked again for each connection. */
  url: string | URL | (() => string | URL | Promise<string | URL>);
  /** The host of the control requests: goodbye, renew, ticket. Not the host of the streams. */
  control?: string | URL;
  /**
   * Asked before the first connection, before the token ends, and after a 401.
   * Throw `Unauthorized` to stop for good; what else is thrown is tried again.
   */
  getToken?: (ctx: TokenRequest) => Promise<string | null>;
  /**
   * `header` (default) needs a preflight. `query` exchanges the token for a ticket
   * at the control host, or without one takes it for a ticket. `cookie` sends what
   * the browser has. The last two work with a native EventSource as well.
   */
  tokenIn?: 'header' | 'query' | 'cookie';
  /** `auto` (default) is fetch, and a native EventSource where a body cannot be streamed. */
  transport?: 'fetch' | 'eventsource' | 'auto';
  backoff?: Backoff;
  /** No byte for so long means dead; default 2.5 times the heartbeat that the server names. */
  silenceMs?: number | 'server';
  pauseWhenHidden?: false | { readonly afterMs: number };
  /** `tabs`: the tabs of an origin with the same url share one connection. Needs a secure context, else each has its own. */
  share?: 'none' | 'tabs';
  validate?: 'off' | 'shape';
  fetch?: typeof globalThis.fetch;
  /** An event that the definitions did not have when the code was generated. */
  onUnknownEvent?: (e: { readonly event: string; readonly raw: string; readonly channel: string }) => void;
}

export interface SubscribeOptions<S extends StreamsShape<S>, K extends keyof S> {
  /** Go on after this id, as `lastEventId` gave it. Default: from now on. */
  lastEventId?: string;
  signal?: AbortSignal;
  on?: Handlers<S, K>;
  onStatus?: (s: Status) => void;
  /**
   * History between the last id and now is not complete: load the state again.
   * The subscription's events wait until what this returns is settled.
   */
  onGap?: (g: Gap) => void | Promise<void>;
  onError?: (e: SseError) => void;
  only?: readonly (keyof Events<S, K>)[];
  /** How many events may wait for an iterator, or for `onGap`. Default 1024. */
  buffer?: number;
}

export interface Subscription<S extends StreamsShape<S>, K extends keyof S> extends AsyncIterable<StreamEvent<S, K>>, Disposable {
  readonly channel: string;
  readonly status: Status;
  /** That of the last event that a handler or an iterator was given. */
  readonly lastEventId: string | null;
  /** Returns a function that takes the handler off. */
  on<E extends keyof Events<S, K>>(event: E, f: (data: Events<S, K>[E], meta: Meta) => void): () => void;
  pause(): void;
  /** Goes on after `pause`, without loss, and tries again after `failed`. */
  resume(): void;
  close(): void;
}

export interface SseClient<S extends StreamsShape<S>> extends Disposable {
  subscribe<K extends keyof S>(stream: K, key: S[K]['key'], o?: SubscribeOptions<S, K>): Subscription<S, K>;
  /** `partial`: some subscriptions are live, and some are not. */
  readonly status: 'idle' | 'live' | 'partial' | 'down';
  close(): void;
}
