// What a link asks of a transport: one attempt at a stream. There are two, of which
// a page loads one: fetch.ts and native.ts.
import { SseError } from './errors.js';

export interface Attempt {
  readonly url: URL;
  readonly id: string; // the place so far
  readonly token: string | null; // for a header
  readonly credentials: boolean;
  readonly signal: AbortSignal;
  /** Something was heard. */
  heard(): void;
  /** An event; `own` says that the id came with it. */
  frame(type: string, data: string, id: string, own: boolean): void;
  /** An id that counts, also where no event is with it. */
  place(id: string): void;
  retry(ms: number): void;
}

/** Settles when the stream has ended; throws an SseError for what was no stream. */
export type Transport = (a: Attempt) => Promise<void>;

export const network = (cause: unknown): SseError =>
  cause instanceof SseError ? cause : new SseError('network', `connection failed: ${(cause as Error)?.message ?? cause}`, { cause });
