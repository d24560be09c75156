// The token that all connections of a client use, asked for once at a time. Loaded
// where there is somebody to ask.
import { SseError, Unauthorized } from './errors.js';
import type { Setting } from './link.js';
import { network } from './transport.js';
import type { ClientOptions } from './types.js';

/** @param none whether null is an answer to a rejection: a cookie is renewed unseen */
export function tokens(ask: NonNullable<ClientOptions['getToken']>, none: boolean, signal: AbortSignal): Setting['token'] {
  let token: string | null = null;
  let known = false;
  let asking: Promise<string | null> | null = null;
  return (channels, reason, used) => {
    // Another connection may have asked since.
    if (known && (reason === 'first' || token !== used)) return Promise.resolve(token);
    asking ??= (async () => {
      try {
        token = await ask({ channel: channels[0] ?? '', channels, reason, signal });
        known = true;
      } catch (e) {
        throw e instanceof Unauthorized ? new SseError('unauthorized', e.message, { fatal: true }) : network(e);
      } finally {
        asking = null;
      }
      if (reason !== 'rejected' || token !== null || none) return token;
      throw new SseError('unauthorized', 'the token was rejected, and there is no other', { status: 401, fatal: true });
    })();
    return asking;
  };
}
