// What it means that a server refuses: in our words, and for which channels. Loaded
// when one does.
import { SseError, type ErrorCode } from './errors.js';

const codes: Readonly<Record<number, ErrorCode>> = { 401: 'unauthorized', 403: 'forbidden', 404: 'not-found', 408: 'timeout', 429: 'too-many' };

/** Milliseconds of a Retry-After, in seconds or as a date. */
export function retryAfter(value: string | null): number {
  const ms = value === null ? 0 : /^\d+$/.test(value) ? +value * 1000 : Date.parse(value) - Date.now();
  return ms > 0 ? ms : 0; // NaN too
}

/** What a status means; what passes (408, 429, 5xx) is not fatal. */
export async function refusal(r: Response): Promise<SseError> {
  const { status } = r;
  const passes = status === 408 || status === 429 || status >= 500;
  const code = codes[status] ?? (status >= 500 ? 'server' : status >= 400 ? 'bad-request' : 'not-a-stream');
  let body: { readonly type?: unknown; readonly detail?: unknown; readonly channel?: unknown } = {};
  if (status >= 400 && /json/.test(r.headers.get('content-type') ?? '')) body = (await r.json().catch(() => 0)) || body;
  else r.body?.cancel().catch(() => 0);
  return new SseError(code, `${body.detail ?? `the server answered ${status} where a stream was expected`}`, {
    status,
    fatal: !passes,
    retryAfterMs: retryAfter(r.headers.get('retry-after')),
    ...(body.type !== undefined && { problem: `${body.type}`.replace(/.*:/, '') }),
    ...(body.channel !== undefined && { channel: `${body.channel}` }),
  });
}

/** A problem that one channel can have, and the others not. */
const OF_ONE = /^(unauthorized|forbidden|blocked|unknown-stream|malformed-channel)$/;

/**
 * Which channels a refusal is for, or who may be: one that is refused must not end
 * the others. Those that were let in before are looked at last.
 */
export function suspects(fault: SseError, asked: readonly string[], trusted: ReadonlySet<string>): { readonly all: boolean; readonly channels: readonly string[] } {
  const { channel = '', problem = '' } = fault;
  if (asked.includes(channel)) return { all: false, channels: [channel] };
  if (!OF_ONE.test(problem)) return { all: true, channels: asked };
  const fresh = asked.filter((c) => !trusted.has(c));
  return { all: false, channels: fresh.length ? fresh : asked };
}
