// text/event-stream, by the HTML standard, section 9.2: bytes in any chunks to
// frames. It knows nothing of connections or of Runnel.

/** The longest event, in UTF-16 units: a stream that never ends a line must not take all memory. */
export const MAX_EVENT = 1 << 26;

/** Whoever takes frames: `id` is the last id of the stream, `own` says that this frame gave it. */
export type OnFrame = (type: string, data: string, id: string, own: boolean) => void;

export interface Parser {
  /** Takes a chunk; throws a RangeError when an event is too long. */
  write(chunk: Uint8Array): void;
}

/**
 * A parser of one response. What is unfinished at its end is dropped, with its id.
 * `onId` hears of every id that counts, also where no event is with it.
 */
export function parser(id: string, onFrame: OnFrame, onId: (id: string) => void, onRetry: (ms: number) => void, max: number = MAX_EVENT): Parser {
  const decoder = new TextDecoder(); // takes one BOM off, over chunks too
  let parts: string[] = []; // of a line that has not ended
  let held = 0; // units in parts
  let size = 0; // and in data
  let type = '';
  let data: string[] = [];
  let own = false;
  let afterCR = false; // a LF that comes next belongs to it

  const dispatch = () => {
    const lines = data;
    const name = type;
    const mine = own;
    size = 0;
    type = '';
    own = false;
    if (mine) onId(id);
    if (lines.length) {
      data = [];
      onFrame(name || 'message', lines.length > 1 ? lines.join('\n') : lines[0]!, id, mine);
    }
  };

  const line = (s: string) => {
    if (!s) return dispatch();
    const colon = s.indexOf(':');
    if (!colon) return;
    const field = colon < 0 ? s : s.slice(0, colon);
    const value = colon < 0 ? '' : s.slice(s[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') {
      data.push(value);
      size += value.length + 1;
    } else if (field === 'event') type = value;
    else if (field === 'id') {
      if (!value.includes('\0')) {
        id = value;
        own = true;
      }
    } else if (field === 'retry' && /^[0-9]+$/.test(value)) onRetry(+value);
  };

  return {
    write(chunk) {
      const s = decoder.decode(chunk, { stream: true });
      if (!s) return;
      let start = afterCR && s[0] === '\n' ? 1 : 0;
      afterCR = false;
      // Each is looked for once a chunk and not once a line.
      let lf = s.indexOf('\n', start);
      let cr = s.indexOf('\r', start);
      while (lf >= 0 || cr >= 0) {
        const end = cr < 0 || (lf >= 0 && lf < cr) ? lf : cr;
        let text = s.slice(start, end);
        if (parts.length) {
          parts.push(text);
          text = parts.join('');
          parts = [];
          held = 0;
        }
        start = end + 1;
        if (end === cr) {
          if (start === s.length) afterCR = true;
          else if (lf === start) start++;
          cr = s.indexOf('\r', start);
        }
        if (lf >= 0 && lf < start) lf = s.indexOf('\n', start);
        line(text);
      }
      if (start < s.length) {
        parts.push(s.slice(start));
        held += s.length - start;
      }
      if (held + size > max) throw new RangeError(`an event is longer than ${max}`);
    },
  };
}
