// Who reads with this page: a list from the control host, kept by what the stream says.
import { $ } from './page.js';

export interface Presence {
  load(): void;
  event(name: string, raw: string, channel: string): void;
}

export function presence(control: string, channel: string): Presence {
  let users = new Set<string>();
  // An event counts after the list that it may be in: so the last word is the stream's.
  let turn = Promise.resolve();
  const next = (f: () => void | Promise<void>): void => void (turn = turn.then(f).then(show, () => show('')));
  const show = (instead?: string | void): void => {
    const names = [...users].sort().map((u) => `user ${u}`);
    $('presence').textContent = instead ?? (names.length ? `Here now: ${names.join(', ')}` : 'Nobody who is signed in is here.');
  };
  return {
    load: () =>
      next(async () => {
        const r = await fetch(`${control}/presence/${encodeURI(channel)}`);
        if (!r.ok) throw new Error(r.statusText);
        const { present } = (await r.json()) as { present: { user: string }[] };
        users = new Set(present.map((p) => p.user));
      }),
    event: (name, raw, of) => {
      if (of !== channel || (name !== 'sse.joined' && name !== 'sse.left')) return;
      const { user } = JSON.parse(raw) as { user: string };
      next(() => void (name === 'sse.joined' ? users.add(user) : users.delete(user)));
    },
  };
}
