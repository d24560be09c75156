// How long it waits, to the millisecond, on a clock and dice that the test holds.
import assert from 'node:assert/strict';
import test from 'node:test';
import { control } from '../dist/control.js';
import { SseError } from '../dist/errors.js';
import { Link } from '../dist/link.js';

const turn = () => new Promise((done) => setImmediate(done));

/** A link on a transport that does what the test says. */
async function start(t, { random = 0, ...options } = {}) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1e12 });
  t.mock.method(Math, 'random', () => (typeof random === 'function' ? random() : random));
  const said = { states: [], events: [], attempts: [] };
  const hearer = {
    event: (_key, type, text, id, replayed) => said.events.push({ text, id, replayed }),
    gap: () => {},
    state: (_key, s) => said.states.push(s),
  };
  const transport = (a) =>
    new Promise((end, fail) => {
      said.attempts.push({ ...a, end, fail, at: Date.now() });
      a.signal.addEventListener('abort', end);
    });
  const setting = {
    base: async () => 'http://x',
    control: null,
    tokenIn: 'header',
    backoff: { minMs: 500, maxMs: 30_000, factor: 2, jitter: 'full' },
    silenceMs: 0,
    transport: async () => transport,
    signs: false,
    token: async () => null,
    ...options,
  };
  const link = new Link(setting, hearer, 1);
  link.add('S:all', 'k', null);
  link.sync();
  t.after(() => link.stop());
  await turn();
  return {
    link,
    said,
    get now() {
      return said.attempts.at(-1);
    },
    async pass(ms) {
      t.mock.timers.tick(ms);
      await turn();
    },
    /** The server says what it says first. */
    connected(more = {}) {
      const a = said.attempts.at(-1);
      a.heard();
      a.place('c');
      a.frame('message', JSON.stringify({ type: 'connected', connection: 'p.r', channels: [{ channel: 'S:all', recovered: true }], heartbeat_ms: 15_000, ...more }), 'c', true);
    },
    event(id) {
      const a = said.attempts.at(-1);
      a.heard();
      a.place(id);
      a.frame('A', `{"channel":"S:all","data":${JSON.stringify(id)}}`, id, true);
    },
    /** Fails the attempt, and returns how long it waits for the next. */
    async fails(error) {
      const asked = said.attempts.length;
      said.attempts.at(-1).fail(error);
      await turn();
      const wait = said.states.at(-1).retryAt - Date.now();
      await this.pass(wait - 1);
      assert.equal(said.attempts.length, asked, 'not a millisecond sooner');
      await this.pass(1);
      assert.equal(said.attempts.length, asked + 1, 'and no later');
      return wait;
    },
  };
}

const broken = () => new TypeError('reset');
const refused = (retryAfterMs) => new SseError('server', 'busy', { status: 503, retryAfterMs });

for (const [random, want] of [
  [0, [500, 500, 500, 500, 500, 500, 500, 500]],
  [0.5, [750, 1250, 2250, 4250, 8250, 15_250, 15_250, 15_250]],
  [1, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]],
]) {
  test(`full jitter: dice at ${random}`, async (t) => {
    const s = await start(t, { random });
    const waits = [];
    for (let i = 0; i < want.length; i++) waits.push(await s.fails(broken()));
    assert.deepEqual(waits, want);
  });
}

test('no jitter: the bound itself', async (t) => {
  const s = await start(t, { random: 0.7, backoff: { minMs: 500, maxMs: 3000, factor: 2, jitter: 'none' } });
  assert.deepEqual([await s.fails(broken()), await s.fails(broken()), await s.fails(broken()), await s.fails(broken())], [500, 1000, 2000, 3000]);
});

for (const [lived, want] of [
  [9999, 4000],
  [10_000, 1000],
]) {
  test(`a connection that lived ${lived} ms ${want === 1000 ? 'begins' : 'goes on with'} the waiting`, async (t) => {
    const s = await start(t, { random: 1 });
    await s.fails(broken());
    await s.fails(broken());
    s.connected();
    await s.pass(lived);
    assert.equal(await s.fails(broken()), want);
  });
}

test('Retry-After is the least, and those who were told the same do not come together', async (t) => {
  let dice = 0;
  const s = await start(t, { random: () => dice });
  assert.equal(await s.fails(refused(7000)), 7000);
  dice = 1;
  assert.equal(await s.fails(refused(7000)), 7500);
  dice = 0.5;
  assert.equal(await s.fails(refused(0)), 2250);
});

test('retry: is the least for what comes after', async (t) => {
  const s = await start(t);
  s.now.retry(2600);
  s.connected();
  assert.equal(await s.fails(broken()), 2600);
  assert.equal(await s.fails(broken()), 2600);
});

test('2.5 heartbeats of silence end the connection, and a byte in time does not', async (t) => {
  const s = await start(t);
  s.connected({ heartbeat_ms: 4000 });
  await s.pass(9999);
  s.now.heard();
  await s.pass(9999);
  assert.equal(s.said.states.at(-1).state, 'live');
  await s.pass(40_000);
  assert.equal(s.said.states.at(-1).cause?.code ?? s.said.states.findLast((x) => x.cause).cause.code, 'timeout');
});

test('an answer that never comes is given up', async (t) => {
  const s = await start(t);
  await s.pass(37_499);
  assert.equal(s.said.states.at(-1).state, 'connecting');
  await s.pass(1);
  assert.equal(s.said.states.at(-1).cause.code, 'timeout');
});

test('what a resume brings is a replay, until the stream pauses', async (t) => {
  const s = await start(t);
  s.connected();
  s.event('1');
  await s.fails(broken());
  s.connected();
  for (const id of ['2', '3']) {
    await s.pass(400);
    s.event(id);
  }
  await s.pass(501);
  s.event('4');
  assert.deepEqual(s.said.events.map((e) => [e.id, e.replayed]), [['1', false], ['2', true], ['3', true], ['4', false]]);
});

test('the network that comes back cuts the wait for it, and no other', async (t) => {
  const s = await start(t);
  s.now.fail(broken());
  await turn();
  s.link.online(true);
  await turn();
  assert.equal(s.said.attempts.length, 2);
  s.now.fail(refused(5000));
  await turn();
  s.link.online(true);
  await turn();
  assert.equal(s.said.attempts.length, 2);
});

test('a token is renewed a minute before it ends', async (t) => {
  const orders = [];
  const host = control('http://c', async (url, init) => (orders.push([url, JSON.parse(init.body), init.headers.Authorization]), new Response('{}', { status: 202 })));
  let n = 0;
  const s = await start(t, { control: host, signs: true, token: async () => `token ${++n}` });
  s.connected({ expires: new Date(Date.now() + 600_000).toISOString() });
  for (let i = 0; i < 54; i++, s.now.heard()) await s.pass(10_000 - (i === 53 ? 1 : 0));
  assert.deepEqual(orders, []);
  await s.pass(1);
  assert.deepEqual(orders, [['http://c/renew', { connection: 'p.r' }, 'Bearer token 2']]);
});

test('a right that a fresh token does not have ends that channel alone', async (t) => {
  const orders = [];
  const host = control('http://c', async (url, init) => {
    orders.push(JSON.parse(init.body));
    return new Response(JSON.stringify({ type: 'urn:runnel:problem:forbidden', detail: 'no' }), { status: 403, headers: { 'Content-Type': 'application/problem+json' } });
  });
  const s = await start(t, { control: host, signs: true, token: async () => 'token' });
  s.link.add('R:1', 'r', null);
  s.link.sync();
  await turn();
  const channels = ['S:all', 'R:1'].map((channel) => ({ channel, recovered: true }));
  s.connected({ channels });
  const a = s.now;
  a.frame('sse.changed', JSON.stringify({ connection: 'p.r', channels: channels.slice(0, 1) }), 'd', true);
  await turn();
  await turn();
  // It is asked for once more, then by a connection of its own kind, whose refusal counts.
  assert.deepEqual(orders.map((o) => o.add).filter(Boolean), [['R:1']]);
  assert.equal(a.signal.aborted, true);
  s.now.fail(new SseError('forbidden', 'no', { status: 403, fatal: true, problem: 'forbidden', channel: 'R:1' }));
  for (let i = 0; i < 5; i++) await turn();
  assert.equal(s.said.states.filter((x) => x.state === 'failed').length, 1);
  assert.deepEqual(s.now.url.searchParams.getAll('channel'), ['S:all']);
});
