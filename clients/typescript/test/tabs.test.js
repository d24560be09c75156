// Tabs that share one connection, whatever becomes of them, on a bus and locks that
// a test commands: every tab has every event of its channel once, in order.
import assert from 'node:assert/strict';
import test from 'node:test';
import { tabs } from '../dist/tabs.js';
import { random } from './random.js';

const CHANNELS = ['X', 'Y'];

/** A browser: its locks, its bus, its server, and the tabs that are open. */
class Browser {
  open = new Map();
  log = { X: 0, Y: 0 }; // events published so far
  #locks = new Map();
  #owner = '';
  #count = 0;
  #buses = [];
  #due = [];

  constructor(t, r) {
    this.r = r;
    const browser = this;
    t.mock.timers.enable({ apis: ['setTimeout'] });
    this.wait = (ms) => t.mock.timers.tick(ms);
    Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { locks: { request: (...a) => this.#request(...a) } } });
    const { BroadcastChannel } = globalThis;
    t.after(() => (globalThis.BroadcastChannel = BroadcastChannel));
    globalThis.BroadcastChannel = class {
      owner = browser.#owner;
      constructor() {
        browser.#buses.push(this);
      }
      postMessage(m) {
        const text = structuredClone(m);
        for (const to of browser.#buses) if (to !== this) browser.#due.push({ to, data: text });
      }
      close() {
        browser.#buses = browser.#buses.filter((b) => b !== this);
      }
    };
  }

  #request(name, { signal }, f) {
    const queue = this.#locks.get(name) ?? this.#locks.set(name, []).get(name);
    return new Promise((resolve, reject) => {
      const entry = { owner: this.#owner, f, resolve, drop: () => queue.splice(queue.indexOf(entry), 1) };
      signal.addEventListener('abort', () => queue.indexOf(entry) > 0 && (entry.drop(), reject(signal.reason)));
      if (queue.push(entry) === 1) queueMicrotask(() => this.#grant(queue));
    });
  }

  async #grant(queue) {
    const [entry] = queue;
    if (!entry || entry.held) return;
    entry.held = true;
    entry.resolve(await entry.f());
    if (queue[0] !== entry) return; // its tab crashed
    queue.shift();
    this.#grant(queue);
  }

  /** Lets everything that is under way arrive. */
  async settle() {
    for (let quiet = 0; quiet < 5; quiet++) {
      await new Promise((done) => setImmediate(done));
      for (let m; (m = this.#due.shift()); quiet = 0) if (this.#buses.includes(m.to)) m.to.onmessage({ data: m.data });
    }
  }

  tab(channels = CHANNELS) {
    const name = `tab${++this.#count}`;
    const tab = { name, channels, got: Object.fromEntries(channels.map((c) => [c, []])), gaps: [], states: {}, server: null };
    tab.from = {};
    const own = {
      event: (key, type, text) => tab.got[key].push(+text),
      gap: (key, reason) => tab.gaps.push(reason),
      state: (key, s) => (tab.states[key] = s.state),
    };
    this.#owner = name;
    tab.source = tabs('t', name, (hearer) => (tab.server = new Server(this, hearer)), own);
    this.#owner = '';
    tab.source.want(channels.map((c) => ({ key: c, channel: c, from: null })));
    this.open.set(name, tab);
    return tab;
  }

  get leader() {
    return [...this.open.values()].find((t) => t.server && !t.server.closed);
  }

  /** Ends a tab without a word; what it said last reaches the others or not. */
  crash(tab) {
    this.open.delete(tab.name);
    tab.server?.close();
    this.#buses = this.#buses.filter((b) => b.owner !== tab.name);
    for (const queue of this.#locks.values()) {
      for (const e of queue.filter((x) => x.owner === tab.name)) e.drop();
      queueMicrotask(() => this.#grant(queue));
    }
  }

  /** Takes from one tab the last messages that it has not heard yet. */
  lose(tab, part = this.r()) {
    const mine = this.#due.filter((m) => m.to.owner === tab.name);
    const kept = Math.floor((1 - part) * (mine.length + 1));
    const lost = new Set(mine.slice(kept));
    this.#due = this.#due.filter((m) => !lost.has(m));
  }
}

/** The connection of the leader: events of two channels, whose order between them is nobody's promise. */
class Server {
  closed = false;
  paused = null;
  link = { number: 1, id: null };
  #at = null;
  #keys = new Map();
  #opening = [];

  constructor(browser, hearer) {
    this.browser = browser;
    this.hearer = hearer;
  }

  want(feeds) {
    const fresh = feeds.filter((f) => !this.#keys.has(f.channel));
    this.#keys = new Map(feeds.map((f) => [f.channel, f.key]));
    for (const { channel, key, from } of fresh) {
      this.#at ??= {};
      this.#at[channel] = from ? JSON.parse(from)[channel] ?? this.browser.log[channel] : this.browser.log[channel];
      this.link.id = JSON.stringify(this.#at);
      this.#opening.push(key);
    }
  }

  /** Gives some of what is due, each channel in its order. */
  pump(most = Infinity) {
    for (const key of this.#opening.splice(0)) this.hearer.state(key, { state: 'live', since: new Date(0), recovered: true }, this.link);
    for (let n = 0; n < most && !this.closed; n++) {
      const due = [...this.#keys.keys()].filter((c) => this.#at[c] < this.browser.log[c]);
      if (!due.length) return;
      const c = due[Math.floor(this.browser.r() * due.length)];
      this.#at[c]++;
      this.link.id = JSON.stringify(this.#at);
      this.hearer.event(this.#keys.get(c), 'A', `${this.#at[c]}`, this.link.id, false, this.link);
    }
  }

  place(key) {
    return this.#keys.has(key) ? this.link.id : null;
  }
  pause(why) {
    this.paused = why;
  }
  online() {}
  close() {
    this.closed = true;
  }
}

const contiguous = (tab, what) => {
  for (const c of tab.channels) assert.deepEqual(tab.got[c], tab.got[c].map((_, i) => tab.got[c][0] + i), `${what}: ${tab.name} ${c}`);
};

/** Whoever is open gets a leader. */
async function elect(b) {
  await b.settle();
  b.wait(100);
  await b.settle();
}

/** And all that is published. */
async function recover(b) {
  await elect(b);
  b.leader?.server.pump();
  await b.settle();
}

test('one of the tabs reads, for all', async (t) => {
  const b = new Browser(t, random(1));
  const [one, two] = [b.tab(), b.tab(['Y'])];
  await recover(b);
  b.log.X = 2;
  b.log.Y = 3;
  b.leader.server.pump();
  await b.settle();
  assert.deepEqual(one.got, { X: [1, 2], Y: [1, 2, 3] });
  assert.deepEqual(two.got, { Y: [1, 2, 3] });
  assert.equal(two.states.Y, 'live');
  assert.equal([one, two].filter((x) => x.server).length, 1);
});

test('a tab that comes later hears at once that its channel is open', async (t) => {
  const b = new Browser(t, random(1));
  b.tab();
  await recover(b);
  b.log.X = 5;
  b.leader.server.pump();
  const late = b.tab(['X']);
  await b.settle();
  assert.equal(late.states.X, 'live');
  b.log.X = 6;
  b.leader.server.pump();
  await b.settle();
  assert.deepEqual(late.got.X, [6]);
});

test('the connection rests when all tabs are hidden, and not before', async (t) => {
  const b = new Browser(t, random(1));
  const [one, two] = [b.tab(), b.tab()];
  await recover(b);
  const { server } = b.leader;
  one.source.pause('hidden');
  await b.settle();
  assert.equal(server.paused, null);
  two.source.pause('hidden');
  await b.settle();
  assert.equal(server.paused, 'hidden');
  two.source.pause(null);
  await b.settle();
  assert.equal(server.paused, null);
});

test('what only a closed tab wanted is given up, even if it crashed', async (t) => {
  const b = new Browser(t, random(1));
  b.tab(['X']);
  await recover(b);
  const two = b.tab(['Y']);
  await recover(b);
  assert.ok(b.leader.server.place('Y'));
  b.crash(two);
  await b.settle();
  assert.equal(b.leader.server.place('Y'), null);
});

test('a tab that comes back goes on where it stood', async (t) => {
  const b = new Browser(t, random(1));
  const one = b.tab();
  const two = b.tab();
  await recover(b);
  b.log.X = 2;
  await recover(b);
  one.source.pause('bfcache');
  assert.equal(one.states.X, 'paused');
  b.log.X = 4;
  await recover(b);
  one.source.pause(null);
  await recover(b);
  assert.deepEqual(two.got.X, [1, 2, 3, 4]);
  assert.deepEqual(one.gaps, []);
});

test('two that read crash one after the other, the second before its connection is open', async (t) => {
  const b = new Browser(t, random(1));
  const [one, two, three] = [b.tab(['X']), b.tab(['X']), b.tab(['X'])];
  await recover(b);
  b.log.X = 2;
  await recover(b);
  b.log.X = 4;
  b.crash(one);
  await elect(b);
  assert.equal(b.leader, two);
  b.crash(two);
  await recover(b);
  assert.deepEqual(three.got.X, [1, 2, 3, 4]);
});

test('what is repeated for the slowest is passed over by the others, also when that is interrupted', async (t) => {
  const b = new Browser(t, random(1));
  const [one, two, slow, four] = [b.tab(['X']), b.tab(['X']), b.tab(['X']), b.tab(['X'])];
  await recover(b);
  b.log.X = 3;
  one.server.pump();
  b.lose(slow, 1);
  await b.settle();
  b.crash(one);
  await elect(b);
  two.server.pump(1);
  b.lose(slow, 1);
  await b.settle();
  assert.deepEqual([slow.got.X, four.got.X], [[], [1, 2, 3]]);
  b.crash(two);
  await recover(b);
  for (const tab of [slow, four]) assert.deepEqual(tab.got.X, [1, 2, 3], tab.name);
});

test('whatever becomes of the tabs, each has every event once', async (t) => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  let failovers = 0;
  for (let round = 0; round < 60; round++) {
    const r = random(seed + round);
    const what = `SEED=${seed + round}, first round`;
    await t.test(what, async (t) => {
      const b = new Browser(t, r);
      const all = [b.tab()];
      await recover(b);
      for (let step = 0; step < 60; step++) {
        const pick = r();
        const tab = [...b.open.values()][Math.floor(r() * b.open.size)];
        if (pick < 0.45) b.log[CHANNELS[Math.floor(r() * 2)]]++;
        else if (pick < 0.75) b.leader?.server.pump(1 + Math.floor(r() * 3));
        else if (pick < 0.85) await b.settle();
        else if (pick < 0.92 && b.open.size < 5) all.push(b.tab());
        else if (tab && b.open.size > 1) {
          const leads = tab === b.leader;
          // What it said last does not reach everybody.
          if (leads) for (const other of b.open.values()) if (r() < 0.5) b.lose(other);
          if (leads) failovers++;
          b.crash(tab);
          // The next one may crash before its connection is open.
          if (r() < 0.5) await elect(b);
          else await recover(b);
        }
      }
      await recover(b);
      await recover(b);
      for (const tab of b.open.values()) {
        contiguous(tab, what);
        assert.deepEqual(tab.gaps, [], `${what}: ${tab.name}`);
        for (const c of CHANNELS) if (tab.got[c].length) assert.equal(tab.got[c].at(-1), b.log[c], `${what}: ${tab.name} ${c} is at the end`);
      }
    });
  }
  assert.ok(failovers > 20, `${failovers}`);
});
