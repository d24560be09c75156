// The glue against a server that says what a test wants; Elm's side is played by a
// port, and by decoders that look for fields as Elm's do.
import assert from 'node:assert/strict';
import test from 'node:test';
import { ports, subs } from '../index.js';
import { connected, serve, stream, until } from '../../typescript/test/server.js';

const descriptors = {
  protocol: 1,
  int64: 'number',
  streams: {
    comments: { stream: 'CommentStream', template: 'item:{item_id}', key: { itemId: 'item_id' }, events: { Added: { int64: ['n', 'all.*'] }, Gone: {}, Shaped: { fields: { n: 'integer' } } } },
  },
};
const channel = 'CommentStream:item:42';

async function server(t, body) {
  const s = await serve((req, socket) => stream(socket, connected(1, req.query.getAll('channel')) + body));
  t.after(() => s.close());
  return s;
}

function play(t, s, options = {}) {
  const got = [];
  let say;
  const app = { ports: { sseIn: { send: (v) => got.push(v) }, sseOut: { subscribe: (f) => (say = f), unsubscribe: () => (say = null) } } };
  const c = ports(app, descriptors, { url: s.url, backoff: { minMs: 5, maxMs: 20 }, ...options });
  t.after(() => c.close());
  return { got, say: (v) => say(v), events: () => got.filter((g) => g.what.event).map((g) => g.what) };
}

const raw = (id, type, data) => `id: ${id}\nevent: ${type}\ndata: {"channel":"${channel}","data":${data}}\n\n`;

test('64-bit integers are exact, or strings', async (t) => {
  const numbers = ['9007199254740991', '-9007199254740991', '9007199254740992', '9007199254740993', '9223372036854775807', '-9223372036854775808', '18446744073709551615'];
  const s = await server(t, numbers.map((n, i) => raw(i + 2, 'Added', `{"n":${n},"all":[${n}]}`)).join(''));
  const p = play(t, s);
  p.say({ want: [channel] });
  await until(() => p.events().length === numbers.length);
  const want = numbers.map((n, i) => (i < 2 ? Number(n) : n));
  assert.deepEqual(p.events().map((e) => e.data), want.map((n) => ({ n, all: [n] })));
});

test('states, unknown events and what cannot be decoded, in their order', async (t) => {
  const s = await server(t, raw(2, 'Later', '{"x":1}') + raw(3, 'Shaped', '{"n":"1"}') + raw(4, 'Gone', '{}'));
  const p = play(t, s, { validate: 'shape' });
  p.say({ want: [channel] });
  await until(() => p.events().some((e) => e.event === 'Gone'));
  assert.ok(p.got.every((g) => g.channel === channel));
  assert.deepEqual(p.got.map((g) => g.what.status ?? g.what), ['connecting', 'live', { event: 'Later', data: { x: 1 } }, 'undecodable', { event: 'Gone', data: {} }]);
  assert.match(p.got[3].what.why, /^Shaped: /);
});

test('a gap and a reconnect reach the program', async (t) => {
  const s = await serve((req, socket, n) => {
    const gap = `event: sse.gap\ndata: {"channel":"${channel}","reason":"expired","last_event_id":"1"}\n\n`;
    stream(socket, connected(1 + n, [channel]) + (n ? gap : ''));
    if (!n) socket.end();
  });
  t.after(() => s.close());
  const p = play(t, s);
  p.say({ want: [channel] });
  await until(() => p.got.some((g) => g.what.status === 'gap'));
  assert.deepEqual(p.got.map((g) => g.what.status), ['connecting', 'live', 'waiting', 'live', 'gap']);
});

test('what is wanted no longer is closed, and heard no longer', async (t) => {
  const s = await server(t, '');
  const p = play(t, s);
  p.say({ want: [channel] });
  await until(() => p.got.some((g) => g.what.status === 'live'));
  p.say({ want: [] });
  await until(() => s.open() === 0);
  const told = p.got.length;
  p.say({ want: ['CommentStream:item:7'] });
  await until(() => p.got.some((g) => g.channel === 'CommentStream:item:7' && g.what.status === 'live'));
  assert.ok(p.got.slice(told).every((g) => g.channel === 'CommentStream:item:7'));
});

test('a channel that cannot be fails, and says why', async (t) => {
  const s = await server(t, '');
  const p = play(t, s);
  const wrong = ['CommentStream:item:a:b', 'CommentStream:item:', 'CommentStream:user:1', 'NoStream:all', 'CommentStream:item:a b'];
  p.say({ want: wrong });
  await until(() => p.got.length === wrong.length);
  for (const g of p.got) assert.equal(g.what.status, 'failed');
  assert.match(p.got[0].what.why, /want CommentStream:item:\{item_id\}, with no colon/);
  assert.match(p.got[3].what.why, /no stream NoStream in the descriptors/);
  assert.equal(s.requests.length, 0);
});

test('a program without the ports', () => {
  assert.throws(() => ports({}, descriptors, {}), /Sse\.element/);
});

test('subscriptions are found by what decoders look for', async (t) => {
  const s = await server(t, raw(2, 'Gone', '{"a":1}'));
  const page = new EventTarget();
  const got = [];
  let wanted = [channel, channel];
  page.addEventListener('keypress', ({ detail }) => {
    for (const name of wanted) if (name in detail.sse) got.push(detail.sse[name]);
  });
  const errors = t.mock.method(console, 'error', () => {});
  page.addEventListener('keypress', ({ detail }) => channel in detail.sse && detail.sse[channel].event && 'wrong' in detail.report);
  const c = subs(descriptors, { url: s.url }, { page, everyMs: 5 });
  t.after(() => c.close());
  await until(() => got.filter((w) => w.event).length === 2);
  assert.deepEqual(got.filter((w) => w.event), [{ event: 'Gone', data: { a: 1 } }, { event: 'Gone', data: { a: 1 } }], 'both of one channel');
  assert.equal(s.requests.length, 1);
  assert.deepEqual(errors.mock.calls.map((x) => x.arguments), [['runnel: wrong']]);
});

test('a subscription that is gone is closed', async (t) => {
  const s = await server(t, '');
  const page = new EventTarget();
  let wanted = true;
  page.addEventListener('keypress', ({ detail }) => wanted && channel in detail.sse);
  const c = subs(descriptors, { url: s.url }, { page, everyMs: 5 });
  t.after(() => c.close());
  await until(() => s.open() === 1);
  wanted = false;
  await until(() => s.open() === 0);
});
