// Several subscriptions on one connection, iteration, and what is asked of the
// control host.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createClient } from '../dist/index.js';
import { connected, descriptors, event, refuse, serve, stream, until } from './server.js';

const backoff = { minMs: 5, maxMs: 20 };

async function server(t, answer) {
  const s = await serve(answer);
  t.after(() => s.close());
  return s;
}

const client = (t, s, options = {}) => {
  const c = createClient(descriptors(), { url: s.url, backoff, ...options });
  t.after(() => c.close());
  return c;
};

const channelsOf = (req) => req.query.getAll('channel').sort();

test('what is subscribed together shares one connection', async (t) => {
  const s = await server(t, (req, socket) => stream(socket, connected(1, channelsOf(req)) + event(2, 'A', { n: 1 }) + event(3, 'A', { n: 2 }, 'Room:room:7')));
  const c = client(t, s);
  const got = [];
  c.subscribe('s', {}, { on: { A: (d) => got.push(['s', d.n]) } });
  c.subscribe('rooms', { roomId: '7' }, { on: { A: (d) => got.push(['room', d.n]) } });
  c.subscribe('rooms', { roomId: '7' }, { on: { A: (d) => got.push(['again', d.n]) } });
  await until(() => got.length === 3);
  assert.deepEqual(got, [['s', 1], ['room', 2], ['again', 2]]);
  assert.equal(s.requests.length, 1);
  assert.deepEqual(channelsOf(s.requests[0]), ['Room:room:7', 'S:all']);
  assert.equal(c.status, 'live');
});

test('another reader of the same channel does not disturb the attempt', async (t) => {
  const s = await server(t, (req, socket) => setTimeout(() => stream(socket, connected(1, channelsOf(req))), 50));
  const c = client(t, s);
  c.subscribe('s', {});
  await until(() => s.requests.length === 1);
  const second = c.subscribe('s', {});
  assert.equal(second.status.state, 'connecting');
  await until(() => second.status.state === 'live');
  assert.equal(s.requests.length, 1);
});

test('a channel that comes later joins, and the others miss nothing', async (t) => {
  let n = 10;
  const s = await server(t, (req, socket) => {
    const from = +(req.query.get('last_event_id') ?? 0);
    let text = connected(from || 1, channelsOf(req));
    for (let i = 11; i <= n; i++) if (i > from) text += event(i, 'A', { n: i });
    stream(socket, text);
    const more = setInterval(() => socket.writable && socket.write(event(++n, 'A', { n })), 5);
    socket.on('close', () => clearInterval(more));
  });
  const c = client(t, s);
  const got = [];
  c.subscribe('s', {}, { on: { A: (d) => got.push(d.n) } });
  for (const roomId of ['1', '2', '3']) {
    await until(() => got.length > 3 * +roomId);
    c.subscribe('rooms', { roomId });
    await until(() => s.requests.length === 1 + +roomId);
  }
  await until(() => got.length > 20);
  assert.deepEqual(got, got.map((_, i) => got[0] + i), 'contiguous');
  assert.deepEqual(channelsOf(s.requests[3]), ['Room:room:1', 'Room:room:2', 'Room:room:3', 'S:all']);
});

test('one channel that is refused ends no other', async (t) => {
  const s = await server(t, (req, socket) => {
    const body = JSON.stringify({ type: 'urn:runnel:problem:forbidden', title: 'Forbidden', status: 403, detail: 'not yours' });
    if (channelsOf(req).includes('Room:room:no')) return refuse(socket, 403, { body });
    stream(socket, connected(1, channelsOf(req)) + event(2, 'A', { n: 1 }));
  });
  const c = client(t, s);
  const got = [];
  const errors = [];
  c.subscribe('s', {}, { on: { A: (d) => got.push(d.n) } });
  c.subscribe('rooms', { roomId: 'ok' });
  c.subscribe('rooms', { roomId: 'no' }, { onError: (e) => errors.push(e) });
  await until(() => errors.length === 1 && got.length > 0);
  assert.equal(errors[0].code, 'forbidden');
  assert.equal(c.status, 'partial');
});

test('a key that is none is refused where it is written', (t) => {
  const c = createClient(descriptors(), { url: 'http://127.0.0.1:1' });
  t.after(() => c.close());
  for (const roomId of ['', 'a:b', 'a/b', 'a b', '\n', undefined]) assert.throws(() => c.subscribe('rooms', { roomId }), TypeError);
  assert.throws(() => c.subscribe('constructor', {}), TypeError);
  assert.throws(() => createClient({ ...descriptors(), protocol: 2 }, { url: 'http://127.0.0.1:1' }), /runnel generate/);
});

test('a for await loop gets every event, in order, and ends with the subscription', async (t) => {
  const s = await server(t, (_, socket) => stream(socket, connected(1) + [2, 3, 4].map((n) => event(n, 'A', { n })).join('')));
  const sub = client(t, s).subscribe('s', {});
  const got = [];
  for await (const e of sub) {
    got.push(e.data.n);
    assert.equal(sub.lastEventId, `${e.data.n}`);
    if (got.length === 3) sub.close();
  }
  assert.deepEqual(got, [2, 3, 4]);
});

test('an iterator that is too slow is told what it lost', async (t) => {
  const s = await server(t, (_, socket) => stream(socket, connected(1) + Array.from({ length: 50 }, (_, i) => event(i + 2, 'A', { n: i })).join('')));
  const gaps = [];
  const sub = client(t, s).subscribe('s', {}, { buffer: 10, onGap: (g) => void gaps.push(g) });
  const loop = sub[Symbol.asyncIterator]();
  await until(() => gaps.length > 0);
  assert.equal(gaps[0].reason, 'overflow');
  assert.equal((await loop.next()).done, false);
});

test('pause keeps the place, and resume goes on from it', async (t) => {
  const s = await server(t, (req, socket) => stream(socket, connected(req.query.get('last_event_id') ?? 1) + event(+(req.query.get('last_event_id') ?? 1) + 1, 'A', { from: req.query.get('last_event_id') })));
  const got = [];
  const sub = client(t, s).subscribe('s', {}, { on: { A: (d) => got.push(d.from) } });
  await until(() => got.length === 1);
  sub.pause();
  assert.deepEqual(sub.status, { state: 'paused', why: 'manual' });
  await until(() => s.open() === 0);
  sub.resume();
  await until(() => got.length === 2);
  assert.deepEqual(got, [null, '2']);
});

test('an aborted signal, and dispose, close', async (t) => {
  const s = await server(t, (req, socket) => stream(socket, connected(1, channelsOf(req))));
  const c = client(t, s);
  const stop = new AbortController();
  const a = c.subscribe('s', {}, { signal: stop.signal });
  const b = c.subscribe('rooms', { roomId: '1' });
  await until(() => a.status.state === 'live' && b.status.state === 'live');
  stop.abort();
  b[Symbol.dispose]();
  await until(() => s.open() === 0);
  assert.equal(a.status.state, 'idle');
  assert.equal(c.status, 'idle');
});

test("a handler's fault is the page's and ends nothing here", async (t) => {
  const s = await server(t, (_, socket) => stream(socket, connected(1) + event(2, 'A', { n: 1 }) + event(3, 'A', { n: 2 })));
  const thrown = [];
  const before = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (e) => thrown.push(e.message));
  t.after(() => {
    process.removeAllListeners('uncaughtException');
    for (const l of before) process.on('uncaughtException', l);
  });
  const got = [];
  client(t, s).subscribe('s', {}, {
    on: {
      A: (d) => {
        got.push(d.n);
        throw new Error('mine');
      },
    },
  });
  await until(() => got.length === 2 && thrown.length === 2);
});

test('the shape is checked where that is asked for', async (t) => {
  const s = await server(t, (req, socket) =>
    stream(
      socket,
      connected(1, channelsOf(req)) + [{ n: 'x' }, { n: 1.5 }, {}, { n: 1, who: 7 }, { n: 2, who: null, more: true }, { n: 3, who: 'ada' }].map((d, i) => event(i + 2, 'A', d, 'Room:room:1')).join(''),
    ),
  );
  const got = [];
  const errors = [];
  client(t, s, { validate: 'shape' }).subscribe('rooms', { roomId: '1' }, { on: { A: (d) => got.push(d.n) }, onError: (e) => errors.push(e.message) });
  await until(() => got.length === 2);
  assert.deepEqual(got, [2, 3]);
  assert.equal(errors.length, 4);
  assert.match(errors[0], /A: n is string, want integer/);
});

// ---- the control host ------------------------------------------------------------

const json = (socket, status, body) => refuse(socket, status, { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });

test('in the query goes a ticket, and never the token', async (t) => {
  const control = await server(t, (_, socket) => json(socket, 200, { ticket: 'a-ticket', expires: new Date(Date.now() + 60_000).toISOString() }));
  const s = await server(t, (_, socket, n) => (stream(socket, connected(n)), n < 2 && socket.end()));
  client(t, s, { control: control.url, tokenIn: 'query', getToken: async () => 'the-token' }).subscribe('s', {});
  await until(() => s.requests.length === 3);
  assert.ok(s.requests.every((r) => r.query.get('ticket') === 'a-ticket' && !r.url.includes('the-token') && !r.headers.authorization));
  assert.equal(control.requests.length, 1, 'one ticket lasts');
  assert.equal(control.requests[0].headers.authorization, 'Bearer the-token');
  assert.deepEqual(JSON.parse(control.requests[0].body), { channels: ['S:all'] });
});

test('a token is renewed before it ends, on the live connection', async (t) => {
  const control = await server(t, (_, socket) => json(socket, 202, {}));
  const s = await server(t, (_, socket) => stream(socket, connected(1, ['S:all'], { expires: new Date(Date.now() + 5300).toISOString() })));
  const asked = [];
  client(t, s, { control: control.url, getToken: async ({ reason }) => (asked.push(reason), `token ${asked.length}`) }).subscribe('s', {});
  await until(() => control.requests.length === 1);
  assert.deepEqual(asked, ['first', 'expired']);
  assert.equal(control.requests[0].url, '/renew');
  assert.equal(control.requests[0].headers.authorization, 'Bearer token 2');
  assert.deepEqual(JSON.parse(control.requests[0].body), { connection: 'process.random' });
  assert.equal(s.requests.length, 1, 'no reconnect');
});

test('channels come and go by an order, without a reconnect', async (t) => {
  let socket;
  const control = await server(t, (req, to) => {
    json(to, 202, {});
    const { add } = JSON.parse(req.body);
    const channels = ['S:all', ...(add ?? [])];
    socket.write(
      `id: 5\nevent: sse.changed\ndata: ${JSON.stringify({ connection: 'process.random', lease_ms: 1000, channels: channels.map((channel) => ({ channel, resumed: true, recovered: true })) })}\n\n` +
        (add?.length ? event(6, 'A', { n: 6 }, 'Room:room:1') : ''),
    );
  });
  const s = await server(t, (_, to) => stream((socket = to), connected(1)));
  const c = client(t, s, { control: control.url, getToken: async () => 'token' });
  const a = c.subscribe('s', {});
  await until(() => a.status.state === 'live');
  const got = [];
  const room = c.subscribe('rooms', { roomId: '1' }, { on: { A: (d) => got.push(d.n) } });
  await until(() => got.length === 1);
  room.close();
  await until(() => control.requests.length === 2);
  assert.deepEqual(control.requests.map((r) => JSON.parse(r.body)), [
    { connection: 'process.random', add: ['Room:room:1'], remove: [] },
    { connection: 'process.random', add: [], remove: ['Room:room:1'] },
  ]);
  assert.equal(s.requests.length, 1);
});

test('close says goodbye', async (t) => {
  const control = await server(t, (_, socket) => json(socket, 202, {}));
  const s = await server(t, (_, socket) => stream(socket, connected(1)));
  const c = client(t, s, { control: control.url });
  const sub = c.subscribe('s', {});
  await until(() => sub.status.state === 'live');
  c.close();
  await until(() => control.requests.length === 1);
  assert.equal(control.requests[0].url, '/goodbye');
  assert.equal(control.requests[0].body, 'process.random');
});
