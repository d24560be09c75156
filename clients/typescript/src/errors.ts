export type ErrorCode =
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'bad-request'
  | 'too-many'
  | 'network'
  | 'timeout'
  | 'not-a-stream'
  | 'server'
  | 'decode';

export interface ErrorDetails {
  readonly status?: number;
  readonly retryAfterMs?: number;
  readonly fatal?: boolean;
  readonly event?: string;
  readonly raw?: string;
  readonly channel?: string;
  readonly problem?: string;
  readonly cause?: unknown;
}

/** What went wrong. A fatal one ends its subscription until `resume()`. */
export class SseError extends Error {
  readonly code: ErrorCode;
  declare readonly status?: number;
  declare readonly retryAfterMs?: number;
  /** Of a `decode`: the event's name and text, as it came. */
  declare readonly event?: string;
  declare readonly raw?: string;
  /** The only channel that is concerned, where the server names one. */
  declare readonly channel?: string;
  /** The server's word for it: `channel-full`, `unknown-stream`. */
  declare readonly problem?: string;
  readonly fatal: boolean = false;

  constructor(code: ErrorCode, message: string, details?: ErrorDetails) {
    super(message);
    this.name = 'SseError';
    this.code = code;
    Object.assign(this, details);
  }
}

/** Thrown by `getToken`: nobody is signed in, do not ask again. */
export class Unauthorized extends Error {
  constructor(message = 'nobody is signed in') {
    super(message);
    this.name = 'Unauthorized';
  }
}
