import type { ClientOptions, Descriptors } from '@runnel-sse/client';

/** What a port of Elm is to JavaScript. */
export interface App {
  readonly ports?: {
    readonly sseOut?: { subscribe(f: (said: any) => void): void; unsubscribe(f: (said: any) => void): void };
    readonly sseIn?: { send(value: unknown): void };
  };
}

export interface Connection {
  close(): void;
}

/** For programs of Sse.element, Sse.document and Sse.application; right after Elm.Main.init. */
export function ports(app: App, descriptors: Descriptors, options: ClientOptions): Connection;

/** For programs generated with --elm=sub. */
export function subs(descriptors: Descriptors, options: ClientOptions, on?: { page?: Document; everyMs?: number }): Connection;
