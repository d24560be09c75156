// Which channel is read over which connection: all over one, as long as one id can
// say where they stand and the server takes so many.
import { Link, type Hearer, type Setting } from './link.js';

/** A channel to be read, from an id or from now. Two readers of one key share it. */
export interface Feed {
  readonly key: string;
  readonly channel: string;
  readonly from: string | null;
}

/** Where feeds come from: connections of this page's own (links), or of another tab's (tabs.ts). */
export interface Source {
  /** All that are wanted from now on. */
  want(feeds: readonly Feed[]): void;
  /** The id to go on from, when the feed is given up now. */
  place(key: string): string | null;
  pause(why: 'hidden' | 'bfcache' | null): void;
  online(on: boolean): void;
  close(): void;
}

export function links(setting: Setting, hearer: Hearer): Source {
  let all: Link[] = [];
  let paused: 'hidden' | 'bfcache' | null = null;
  let count = 0;
  const find = (key: string) => {
    for (const link of all) for (const [channel, k] of link.wanted) if (k === key) return { link, channel };
    return;
  };
  const assign = ({ channel, key, from }: Feed) => {
    let link = all.find((l) => l.takes(channel, from));
    if (!link) {
      all.push((link = new Link(setting, hearer, ++count)));
      link.pause(paused);
    }
    link.add(channel, key, from);
  };
  return {
    want(feeds) {
      const keys = new Set(feeds.map((f) => f.key));
      for (const { wanted } of all) for (const [channel, key] of wanted) if (!keys.has(key)) wanted.delete(channel);
      const fresh = feeds.filter((f) => !find(f.key));
      // One with an id of its own chooses its connection before it is taken.
      for (const f of fresh) if (f.from) assign(f);
      for (const f of fresh) if (!f.from) assign(f);
      for (const link of all) link.sync();
      all = all.filter((l) => l.wanted.size);
    },
    place(key) {
      const at = find(key);
      return at ? at.link.place(at.channel) : null;
    },
    pause(why) {
      paused = why;
      for (const link of all) link.pause(why);
    },
    online(on) {
      for (const link of all) link.online(on);
    },
    close() {
      for (const link of all) link.stop();
      all = [];
    },
  };
}
