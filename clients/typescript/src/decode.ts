// The text of an event to its data.
import { SseError } from './errors.js';
import type { EventDescriptor } from './types.js';

export type Box = Record<string, unknown>;

/**
 * What is loaded only where it is asked for: see strict.ts. Makes the integers of
 * box.it what they should be, and says what is wrong with it, or ''.
 */
export type Strict = (box: Box, d: EventDescriptor, text: string) => string;

/** Returns the data, or an SseError `decode` for what is not JSON, would be rounded or has another shape. */
export function decode(event: string, d: EventDescriptor, text: string, strict: Strict | null): { readonly data: unknown } | SseError {
  const box: Box = {};
  let wrong: string | undefined;
  let cause: unknown;
  try {
    box.it = JSON.parse(text);
    wrong = strict?.(box, d, text);
  } catch (e) {
    wrong = 'not JSON';
    cause = e;
  }
  return wrong ? new SseError('decode', `${event}: ${wrong}`, { event, raw: text, cause }) : { data: box.it };
}
