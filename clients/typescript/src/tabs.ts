// One connection for the tabs of an origin. The tab that holds a Web Lock leads: it
// reads what any tab wants and tells the others over a BroadcastChannel. When it
// goes, another gets the lock and goes on from the last id that every tab kept.
//
// Nothing is lost: whoever leads next asks the others how far they heard, begins
// where the slowest stands, and those who heard more pass over as many events of a
// channel, which always come in the same order.
import { SseError } from './errors.js';
import type { Hearer } from './link.js';
import type { Feed, Source } from './links.js';
import type { Gap, Status } from './types.js';

/** How far a tab heard: the leader's term and the number of the message in it. */
interface Heard {
  readonly term: string;
  readonly n: number;
}

/** What a tab wants, and says when it changes and when a leader asks. */
interface Wants {
  readonly t: 'wants';
  readonly tab: string;
  readonly feeds: readonly Feed[];
  readonly hidden: boolean;
  readonly heard: Heard;
  readonly places: ReadonlyMap<string, string>; // key → id, after n
}

interface Place {
  readonly link: number;
  readonly id: string | null;
}

/** The places of a leader's links, which keys they have, and the state of these. */
interface Where {
  readonly ids: ReadonlyMap<number, string>;
  readonly linkOf: ReadonlyMap<string, number>;
  readonly states: readonly (News & { t: 'state' })[];
}

type News =
  | ({ readonly t: 'event'; readonly key: string; readonly type: string; readonly text: string; readonly id: string; readonly replayed: boolean } & Heard & Place)
  | ({ readonly t: 'gap'; readonly key: string; readonly reason: Gap['reason']; readonly before: string | null } & Heard & Place)
  | ({ readonly t: 'state'; readonly key: string; readonly state: Status; readonly error?: object } & Heard & Place);

type Message =
  | Wants
  | News
  | { readonly t: 'who' } // of a new leader: say what you want
  | { readonly t: 'gone'; readonly tab: string }
  | { readonly t: 'from'; readonly last: Heard; readonly term: string } // a leader's beginning, for those who heard the one before
  | ({ readonly t: 'at'; readonly tab: string } & Heard & Where); // where a leader stands, for one tab

const PATIENCE = 100; // ms for the others to say how far they heard
const KEPT = 1024; // messages that are remembered, to know what one heard twice

export function tabs(name: string, tab: string, open: (h: Hearer) => Source, own: Hearer): Source {
  return new Tabs(name, tab, open, own);
}

class Tabs implements Source {
  #bus: BroadcastChannel | null = null;
  #leave: (() => void) | null = null;
  #stay = new AbortController();
  #leader: Source | null = null;
  #others = new Map<string, Wants>(); // for the leader
  #begun = false; // the leader knows the others

  #feeds: readonly Feed[] = [];
  #alias = new Map<string, Feed>(); // a feed that begins anew, at its place
  #hidden = false;
  #away = false;
  #count = 0;

  #heard: Heard = { term: '', n: 0 };
  #linkOf = new Map<string, number>();
  #ids = new Map<number, string>();
  #before = new Map<string, string>(); // the places when this term began
  #recent: { readonly n: number; readonly key: string }[] = [];
  #skip = new Map<string, number>();
  #states = new Map<string, News & { t: 'state' }>(); // the last of each key, for tabs that come later

  constructor(
    private readonly name: string,
    private readonly tab: string,
    private readonly open: (h: Hearer) => Source,
    private readonly own: Hearer,
  ) {
    this.#join();
  }

  // ---- as a source ---------------------------------------------------------------

  want(feeds: readonly Feed[]): void {
    this.#feeds = feeds;
    const keys = new Set(feeds.map((f) => f.key));
    for (const key of this.#alias.keys()) if (!keys.has(key)) this.#alias.delete(key);
    this.#say();
  }

  place(key: string): string | null {
    const alias = this.#alias.get(key);
    return this.#placeOf(alias?.key ?? key) ?? alias?.from ?? null;
  }

  #placeOf(key: string): string | undefined {
    return this.#ids.get(this.#linkOf.get(key) ?? -1) ?? this.#before.get(key);
  }

  get #places(): Map<string, string> {
    const places = new Map<string, string>();
    for (const key of [...this.#before.keys(), ...this.#linkOf.keys()]) {
      const id = this.#placeOf(key);
      if (id) places.set(key, id);
    }
    return places;
  }

  pause(why: 'hidden' | 'bfcache' | null): void {
    this.#hidden = why === 'hidden';
    if (why === 'bfcache') {
      this.#part();
      for (const { key } of this.#feeds) this.own.state(key, { state: 'paused', why }, null!);
      return;
    }
    if (!this.#away) return this.#say();
    // Others went on without this tab, so its feeds begin anew, where it stands.
    for (const f of this.#feeds) {
      const from = this.place(f.key) ?? f.from;
      if (from) this.#alias.set(f.key, { key: `${this.tab} again ${++this.#count} ${f.channel}`, channel: f.channel, from });
    }
    this.#begins({ term: '', n: 0 });
    this.#before.clear();
    this.#join();
  }

  online(on: boolean): void {
    this.#leader?.online(on);
  }

  close(): void {
    this.#part();
  }

  // ---- membership ----------------------------------------------------------------

  #join(): void {
    this.#away = false;
    this.#stay = new AbortController();
    const bus = (this.#bus = new BroadcastChannel(this.name));
    bus.onmessage = (e: MessageEvent<Message>) => this.#receive(e.data);
    const { signal } = this.#stay;
    const held = new Promise<void>((leave) => (this.#leave = leave));
    const hold = (lock: string, f: () => void) =>
      void navigator.locks
        .request(lock, { signal }, () => {
          f();
          return held;
        })
        .catch(() => 0); // left before its turn came
    // By this lock the leader learns of a tab that went without a word.
    hold(`${this.name} ${this.tab}`, () => this.#say());
    hold(this.name, () => this.#lead());
  }

  #part(): void {
    if (this.#away) return;
    this.#away = true;
    this.#leader?.close();
    this.#leader = null;
    this.#begun = false;
    this.#others.clear();
    this.#states.clear();
    this.#post({ t: 'gone', tab: this.tab });
    this.#bus?.close();
    this.#bus = null;
    this.#stay.abort();
    this.#leave?.();
  }

  #post(m: Message): void {
    this.#bus?.postMessage(m);
  }

  get #wants(): Wants {
    const feeds = this.#feeds.map((f) => this.#alias.get(f.key) ?? f);
    return { t: 'wants', tab: this.tab, feeds, hidden: this.#hidden, heard: this.#heard, places: this.#places };
  }

  #say(): void {
    if (this.#leader) this.#serve();
    else this.#post(this.#wants);
  }

  // ---- leading -------------------------------------------------------------------

  #lead(): void {
    const { signal } = this.#stay;
    if (signal.aborted) return;
    this.#leader = this.open(this.#hearer(`${this.tab} ${++this.#count}`));
    this.#post({ t: 'who' });
    setTimeout(() => {
      if (!signal.aborted) this.#begin();
    }, PATIENCE);
  }

  /** The others have said how far they heard: on from where the slowest stands. */
  #begin(): void {
    this.#begun = true;
    const all = [this.#wants, ...this.#others.values()];
    const known = all.filter((w) => w.heard.term);
    // What this tab knows of is as good as any: all who were there heard that term.
    const before = known[0]?.heard.term ?? '';
    const [last] = known.filter((w) => w.heard.term === before).sort((a, b) => a.heard.n - b.heard.n);
    const from = last?.heard ?? { term: '', n: 0 };
    this.#post({ t: 'from', last: from, term: this.#term });
    this.#start(from, this.#term);
    this.#serve(last?.places);
    for (const w of this.#others.values()) if (w.heard.term !== before) this.#show(w.tab);
  }
  #term = '';

  /** Says to a tab where this leader stands. */
  #show(tab: string): void {
    this.#post({ t: 'at', tab, ...this.#heard, ids: this.#ids, linkOf: this.#linkOf, states: [...this.#states.values()] });
  }

  /** Reads what anybody wants. */
  #serve(places?: ReadonlyMap<string, string>): void {
    if (!this.#leader || !this.#begun) return;
    const all = [this.#wants, ...this.#others.values()];
    const feeds = new Map<string, Feed>();
    for (const w of all) for (const f of w.feeds) feeds.set(f.key, { ...f, from: places?.get(f.key) ?? f.from });
    for (const key of this.#states.keys()) if (!feeds.has(key)) this.#states.delete(key);
    this.#leader.pause(all.every((w) => w.hidden) ? 'hidden' : null);
    this.#leader.want([...feeds.values()]);
  }

  #hearer(term: string): Hearer {
    this.#term = term;
    let n = 0;
    const tell = (m: News) => {
      this.#post(m);
      this.#hear(m);
    };
    const at = (link: { number: number; id: string | null }) => ({ term, n: ++n, link: link.number, id: link.id });
    return {
      event: (key, type, text, id, replayed, link) => tell({ t: 'event', key, type, text, replayed, ...at(link), id }),
      gap: (key, reason, before, link) => tell({ t: 'gap', key, reason, before, ...at(link) }),
      state: (key, state, link) => {
        const m = { t: 'state' as const, key, ...flat(state), ...at(link) };
        this.#states.set(key, m);
        tell(m);
      },
    };
  }

  // ---- hearing -------------------------------------------------------------------

  #receive(m: Message): void {
    switch (m.t) {
      case 'wants':
        return this.#other(m);
      case 'gone':
        return void (this.#others.delete(m.tab) && this.#serve());
      case 'who':
        return this.#post(this.#wants);
      case 'from':
        return this.#start(m.last, m.term);
      case 'at':
        if (m.tab === this.tab) this.#take(m);
        return;
      default:
        if (m.term === this.#heard.term) this.#hear(m);
    }
  }

  #other(w: Wants): void {
    if (!this.#leader) return;
    const before = this.#others.get(w.tab);
    this.#others.set(w.tab, w);
    if (!before) this.#watch(w.tab);
    if (!this.#begun) return;
    this.#serve();
    const had = new Set(before?.feeds.map((f) => f.key));
    // A channel that is open already has nothing more to say of its state.
    if (w.heard.term !== this.#term || w.feeds.some((f) => !had.has(f.key))) this.#show(w.tab);
  }

  /** The lock of a tab is free when it is gone, however it went. */
  #watch(tab: string): void {
    const { signal } = this.#stay;
    void navigator.locks
      .request(`${this.name} ${tab}`, { signal }, () => {
        if (this.#others.delete(tab)) this.#serve();
      })
      .catch(() => 0);
  }

  /** A leader begins behind `last`: what this tab heard after it comes again, and is passed over. */
  #start(last: Heard, term: string): void {
    // Whoever knows another term, or none, is told where the leader stands.
    if (last.term !== this.#heard.term || term === this.#heard.term) return;
    const missed = this.#heard.n < last.n;
    for (const { n, key } of this.#recent) if (n > last.n) this.#skip.set(key, (this.#skip.get(key) ?? 0) + 1);
    this.#begins({ term, n: 0 });
    if (missed) this.#missed();
  }

  /** The leader stands here: all that it said before has been heard, by whoever was there. */
  #take({ term, n, ids, linkOf, states }: Heard & Where): void {
    const { term: before } = this.#heard;
    if (before !== term) {
      this.#skip.clear();
      this.#begins({ term, n });
      if (before) this.#missed();
    }
    this.#ids = new Map(ids);
    this.#linkOf = new Map(linkOf);
    for (const m of states) this.#each(m.key, (key) => this.own.state(key, full(m), null!));
  }

  #begins(heard: Heard): void {
    this.#before = this.#places;
    this.#heard = heard;
    this.#recent = [];
    this.#ids.clear();
    this.#linkOf.clear();
  }

  #missed(): void {
    for (const f of this.#feeds) this.own.gap(f.key, 'overflow', this.place(f.key), null!);
  }

  /** This tab's own keys of a feed. */
  #each(feed: string, f: (key: string) => void): void {
    for (const { key } of this.#feeds) if ((this.#alias.get(key)?.key ?? key) === feed) f(key);
  }

  #hear(m: News): void {
    this.#heard = { term: m.term, n: m.n };
    this.#linkOf.set(m.key, m.link);
    if (m.id) this.#ids.set(m.link, m.id);
    if (m.t === 'gap') this.#skip.delete(m.key);
    if (m.t === 'event') {
      this.#recent.push({ n: m.n, key: m.key });
      if (this.#recent.length > 2 * KEPT) this.#recent = this.#recent.slice(-KEPT);
      const skip = this.#skip.get(m.key);
      if (skip) return void this.#skip.set(m.key, skip - 1);
    }
    this.#each(m.key, (key) => {
      if (m.t === 'event') this.own.event(key, m.type, m.text, m.id!, m.replayed, null!);
      else if (m.t === 'gap') this.own.gap(key, m.reason, m.before, null!);
      else this.own.state(key, full(m), null!);
    });
  }
}

/** A status that can be posted: an error loses its class on the way. */
function flat(state: Status): { state: Status; error?: object } {
  const e = state.state === 'failed' ? state.error : state.state === 'waiting' ? state.cause : null;
  if (!e) return { state };
  const { cause: _, stack: __, ...rest } = { ...e };
  const error = { ...rest, message: e.message };
  return { state: { ...state, [state.state === 'failed' ? 'error' : 'cause']: null } as unknown as Status, error };
}

function full(m: News & { t: 'state' }): Status {
  if (!m.error) return m.state;
  const { code, message, ...rest } = m.error as SseError;
  const e = new SseError(code, message, rest);
  return { ...m.state, [m.state.state === 'failed' ? 'error' : 'cause']: e } as Status;
}
