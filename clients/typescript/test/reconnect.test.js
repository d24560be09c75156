// When the client comes back, with what, and when it does not.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createClient } from '../dist/index.js';
import { connected, descriptors, event, refuse, serve, stream, until } from './server.js';

const backoff = { minMs: 5, maxMs: 20 };

/** A client on a scripted server, and what it said. */
async function open(t, answer, options = {}, sub = {}) {
  const server = await serve(answer);
  const said = { events: [], states: [], gaps: [], errors: [], unknown: [] };
  const client = createClient(descriptors(options.int64), { url: server.url, backoff, onUnknownEvent: (e) => said.unknown.push(e), ...options });
  const note = (name) => (data, meta) => said.events.push({ event: name, data, ...meta });
  const s = client.subscribe('s', {}, {
    on: { A: note('A'), B: note('B') },
    onStatus: (st) => said.states.push(st),
    onGap: (g) => said.gaps.push(g),
    onError: (e) => said.errors.push(e),
    ...sub,
  });
  t.after(() => (client.close(), server.close()));
  return { server, client, s, said };
}

const numbers = (said) => said.events.map((e) => e.data.n);
const failed = (said) => said.states.some((s) => s.state === 'failed');

test('it asks as a simple request: no preflight is forced', async (t) => {
  const { server, said } = await open(t, (_, socket) => stream(socket, connected(1) + event(2, 'A', { n: 1 })));
  await until(() => said.events.length === 1);
  const [{ method, query, headers }] = server.requests;
  assert.equal(method, 'GET');
  assert.equal(headers.accept, 'text/event-stream');
  assert.deepEqual(query.getAll('channel'), ['S:all']);
  for (const name of ['last-event-id', 'authorization', 'x-requested-with', 'content-type']) assert.equal(headers[name], undefined, name);
  assert.deepEqual(said.events[0], { event: 'A', data: { n: 1 }, id: '2', channel: 'S:all', replayed: false });
  assert.equal(said.states.at(-1).state, 'live');
});

test('a stream that ends is resumed from the last id, by query', async (t) => {
  const { server, said } = await open(t, (req, socket, n) => {
    stream(socket, connected(req.query.get('last_event_id') ?? 0) + event(10 + n, 'A', { n }));
    if (n < 3) socket.end();
  });
  await until(() => said.events.length === 4);
  assert.deepEqual(numbers(said), [0, 1, 2, 3]);
  assert.deepEqual(server.requests.map((r) => r.query.get('last_event_id')), [null, '10', '11', '12']);
});

for (const [name, cut] of Object.entries({
  'a reset': (socket) => socket.resetAndDestroy(),
  'an end': (socket) => socket.end(),
})) {
  test(`${name} in the middle of an event gives nothing of it, nor its id`, async (t) => {
    const { server, said } = await open(t, (_, socket, n) => {
      if (n) return stream(socket, connected(5) + event(6, 'A', { n: 6 }));
      stream(socket, connected(1) + event(5, 'A', { n: 5 }) + 'id: 6\nevent: A\ndata: {"channel":"S:all"');
      setTimeout(() => cut(socket), 20);
    });
    await until(() => said.events.length === 2);
    assert.deepEqual(numbers(said), [5, 6]);
    assert.equal(server.requests[1].query.get('last_event_id'), '5');
  });
}

test('a connected frame counts as a place before the first event', async (t) => {
  const { server } = await open(t, (_, socket, n) => (stream(socket, connected(41 + n)), n < 1 && socket.end()));
  await until(() => server.requests.length === 2);
  assert.equal(server.requests[1].query.get('last_event_id'), '41');
});

test('an id without an event counts', async (t) => {
  const { server } = await open(t, (_, socket, n) => (stream(socket, connected(1) + 'id: 9\n\n'), n < 1 && socket.end()));
  await until(() => server.requests.length === 2);
  assert.equal(server.requests[1].query.get('last_event_id'), '9');
});

test('what a cut-off write repeats is given once', async (t) => {
  const { said } = await open(t, (_, socket, n) => {
    stream(socket, connected(n ? 2 : 0) + (n ? '' : event(1, 'A', { n: 1 })) + event(2, 'A', { n: 2 }) + (n ? event(3, 'A', { n: 3 }) : ''));
    if (!n) socket.end();
  });
  await until(() => numbers(said).includes(3));
  assert.deepEqual(numbers(said), [1, 2, 3]);
});

for (const status of [400, 403, 404, 405, 204, 205, 410]) {
  test(`${status} is final`, async (t) => {
    const { server, said, s } = await open(t, (_, socket) => refuse(socket, status));
    await until(() => failed(said));
    await new Promise((done) => setTimeout(done, 60));
    assert.equal(server.requests.length, 1);
    assert.equal(s.status.state, 'failed');
    assert.equal(said.errors.length, 1);
    assert.equal(said.errors[0].status, status);
    assert.equal(said.errors[0].fatal, true);
  });
}

for (const status of [408, 429, 500, 502, 503, 504]) {
  test(`${status} passes`, async (t) => {
    const { said } = await open(t, (_, socket, n) => (n < 3 ? refuse(socket, status) : stream(socket, connected(1) + event(2, 'A', { n: 1 }))));
    await until(() => said.events.length === 1);
    assert.ok(!failed(said));
    assert.ok(said.states.some((s) => s.state === 'waiting' && s.cause.status === status));
  });
}

test('a network that is not there passes', async (t) => {
  const { said } = await open(t, (_, socket, n) => (n < 3 ? socket.resetAndDestroy() : stream(socket, connected(1) + event(2, 'A', { n: 1 }))));
  await until(() => said.events.length === 1);
  assert.ok(said.states.some((s) => s.state === 'waiting' && s.cause.code === 'network'));
});

for (const [type, ok] of Object.entries({
  'text/event-stream': true,
  'text/event-stream; charset=utf-8': true,
  'text/event-stream;charset=UTF-8': true,
  'Text/Event-Stream': true,
  'text/plain': false,
  'text/html; charset=utf-8': false,
  'application/json': false,
  'text/event-streamer': false,
  '': false,
})) {
  test(`the type ${JSON.stringify(type)} is ${ok ? 'a' : 'no'} stream`, async (t) => {
    const { said } = await open(t, (_, socket) => stream(socket, connected(1) + event(2, 'A', { n: 1 }), { 'Content-Type': type }));
    await until(() => (ok ? said.events.length === 1 : failed(said)));
    if (!ok) assert.equal(said.errors[0].code, 'not-a-stream');
  });
}

for (const status of [301, 302, 303, 307, 308]) {
  test(`a redirect ${status} is followed, each time from the first URL`, async (t) => {
    const { server, said } = await open(t, (req, socket, n) => {
      if (!req.url.startsWith('/moved')) return refuse(socket, status, { headers: { Location: `/moved${new URL(req.url, 'http://x').search}` } });
      stream(socket, connected(n) + event(`e${n}`, 'A', { n }));
      if (n < 2) socket.end();
    });
    await until(() => said.events.length === 2);
    assert.deepEqual(server.requests.map((r) => r.url.split('?')[0]), ['/sse', '/moved', '/sse', '/moved']);
  });
}

test('retry: is the least that it waits', async (t) => {
  const at = [];
  const { server } = await open(t, (_, socket) => {
    at.push(performance.now());
    stream(socket, connected(1).replace('retry: 10', 'retry: 300'));
    socket.end();
  });
  await until(() => server.requests.length === 2);
  assert.ok(at[1] - at[0] >= 295, `${at[1] - at[0]}`);
});

test('a retry: that is none is passed over', async (t) => {
  const { server } = await open(t, (_, socket) => (stream(socket, connected(1) + 'retry: 99999x\nretry: -99999\nretry: 9e9\n\n'), socket.end()));
  await until(() => server.requests.length >= 3);
});

for (const [name, value] of Object.entries({ seconds: '1', 'a date': () => new Date(Date.now() + 2000).toUTCString() })) {
  test(`Retry-After in ${name} is the least that it waits`, async (t) => {
    const at = [];
    const { server } = await open(t, (_, socket) => (at.push(performance.now()), refuse(socket, 503, { headers: { 'Retry-After': typeof value === 'string' ? value : value() } })));
    await until(() => server.requests.length === 2);
    assert.ok(at[1] - at[0] >= 900, `${at[1] - at[0]}`);
  });
}

test('a planned end is silent: the reader stays live', async (t) => {
  const { server, said } = await open(t, (_, socket, n) => {
    stream(socket, connected(n) + event(`e${n}`, 'A', { n }));
    if (n < 2) socket.end('retry: 5\nid: 5\nevent: sse.rotate\ndata: {"reason":"lease"}\n\n');
  });
  await until(() => said.events.length === 3);
  assert.equal(server.requests[1].query.get('last_event_id'), '5');
  assert.deepEqual(said.states.map((s) => s.state), ['connecting', 'live']);
  assert.deepEqual(said.errors, []);
});

test('economy parks the reader and says until when', async (t) => {
  const { said } = await open(t, (_, socket, n) => {
    stream(socket, connected(n));
    if (!n) socket.end('retry: 30\nid: 5\nevent: sse.rotate\ndata: {"reason":"economy"}\n\n');
    else socket.write(event(6, 'A', { n }));
  });
  await until(() => said.events.length === 1);
  const parked = said.states.find((s) => s.state === 'paused');
  assert.equal(parked.why, 'parked');
  assert.ok(parked.until instanceof Date);
});

test('a refusal in the stream passes', async (t) => {
  const { said } = await open(t, (_, socket, n) => {
    if (n) return stream(socket, connected(1) + event(2, 'A', { n }));
    stream(socket, 'retry: 20\nevent: sse.refused\ndata: {"reason":"channel-full","status":429,"detail":"full","retry_after_ms":20}\n\n');
    socket.end();
  });
  await until(() => said.events.length === 1);
  assert.equal(said.states.find((s) => s.state === 'waiting').cause.code, 'too-many');
});

test('whoever is kicked stays away', async (t) => {
  const { server, said } = await open(t, (_, socket) => {
    stream(socket, connected(1) + 'retry: 10\nid: 2\nevent: sse.closed\ndata: {"reason":"kicked","detail":"spam"}\n\n');
    socket.end();
  });
  await until(() => failed(said));
  await new Promise((done) => setTimeout(done, 60));
  assert.equal(server.requests.length, 1);
  assert.equal(said.errors[0].code, 'forbidden');
});

test('a gap is told before what comes behind it, which waits for the snapshot', async (t) => {
  const order = [];
  let load;
  const { said } = await open(
    t,
    (_, socket) => stream(socket, connected(9, ['S:all'], { recovered: false }) + 'id: 12\nevent: sse.gap\ndata: {"channel":"S:all","reason":"expired","after":9,"until":12}\n\n' + event(13, 'A', { n: 13 })),
    {},
    {
      lastEventId: '9',
      onGap: (g) => (order.push(g.reason, g.lastEventId), new Promise((done) => (load = done))),
      on: { A: (d) => order.push(d.n) },
    },
  );
  await until(() => load);
  await new Promise((done) => setTimeout(done, 20));
  assert.deepEqual(order, ['expired', '9']);
  load();
  await until(() => order.length === 3);
  assert.deepEqual(order, ['expired', '9', 13]);
  assert.deepEqual(said.errors, []);
});

test('silence is death', async (t) => {
  const { server, said } = await open(t, (_, socket, n) => stream(socket, connected(n) + (n ? event(n, 'A', { n }) : '')), { silenceMs: 60 });
  await until(() => said.events.length >= 1);
  assert.ok(server.requests.length >= 2);
  assert.ok(said.states.some((s) => s.state === 'waiting' && s.cause.code === 'timeout'));
});

test('a heartbeat is a sign of life, and no event', async (t) => {
  const { server, said } = await open(
    t,
    (_, socket) => {
      stream(socket, connected(1));
      const beat = setInterval(() => socket.write(':\n'), 15);
      socket.on('close', () => clearInterval(beat));
    },
    { silenceMs: 100 },
  );
  await new Promise((done) => setTimeout(done, 400));
  assert.equal(server.requests.length, 1);
  assert.deepEqual([said.events, said.unknown, said.errors], [[], [], []]);
});

test('nothing comes after close, and the connection is given back', async (t) => {
  let socket;
  const { server, said, s } = await open(t, (_, to) => stream((socket = to), connected(1) + event(2, 'A', { n: 1 })));
  await until(() => said.events.length === 1);
  s.close();
  socket.write(event(3, 'A', { n: 2 }));
  await until(() => server.open() === 0);
  assert.deepEqual(numbers(said), [1]);
  assert.equal(server.requests.length, 1);
});

test('close while it waits ends the waiting', async (t) => {
  const { server, said, s } = await open(t, (_, socket) => refuse(socket, 503), { backoff: { minMs: 30, maxMs: 30 } });
  await until(() => said.states.some((x) => x.state === 'waiting'));
  s.close();
  const asked = server.requests.length;
  await new Promise((done) => setTimeout(done, 100));
  assert.equal(server.requests.length, asked);
});

test('full jitter grows from the least to the most', async (t) => {
  const waits = [];
  const { said } = await open(t, (_, socket) => refuse(socket, 500), { backoff: { minMs: 1, maxMs: 16 } });
  await until(() => said.states.filter((s) => s.state === 'waiting').length > 12);
  for (const s of said.states) if (s.state === 'waiting') waits.push(s.attempt);
  assert.deepEqual(waits.slice(0, 10), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test('401 asks for another token once', async (t) => {
  const asked = [];
  const getToken = async ({ reason, channels }) => (asked.push([reason, ...channels]), reason === 'first' ? 'old' : 'new');
  const { server, said } = await open(
    t,
    (req, socket) => (req.headers.authorization === 'Bearer new' ? stream(socket, connected(1) + event(2, 'A', { n: 1 })) : refuse(socket, 401)),
    { getToken },
  );
  await until(() => said.events.length === 1);
  assert.deepEqual(asked, [['first', 'S:all'], ['rejected', 'S:all']]);
  assert.deepEqual(server.requests.map((r) => r.headers.authorization), ['Bearer old', 'Bearer new']);
});

test('401 for the second token is final', async (t) => {
  const { server, said } = await open(t, (_, socket) => refuse(socket, 401), { getToken: async () => 'no good' });
  await until(() => failed(said));
  assert.equal(server.requests.length, 2);
  assert.equal(said.errors[0].code, 'unauthorized');
});

test('401 without anybody to ask is final', async (t) => {
  const { server, said } = await open(t, (_, socket) => refuse(socket, 401));
  await until(() => failed(said));
  assert.equal(server.requests.length, 1);
});

test('a token that ends is replaced, and nothing is missed', async (t) => {
  const asked = [];
  const { server, said } = await open(
    t,
    (req, socket, n) => {
      stream(socket, connected(n) + event(`e${n}`, 'A', { n }));
      if (!n) socket.end('retry: 5000\nid: 7\nevent: sse.expired\ndata: {"at":"2026-01-01T00:00:00Z"}\n\n');
    },
    { getToken: async ({ reason }) => (asked.push(reason), `token ${asked.length}`) },
  );
  await until(() => said.events.length === 2);
  assert.deepEqual(asked, ['first', 'expired']);
  assert.equal(server.requests[1].query.get('last_event_id'), '7');
  assert.equal(server.requests[1].headers.authorization, 'Bearer token 2');
});

test('an unknown event is told of and ends nothing', async (t) => {
  const { said } = await open(t, (_, socket) => stream(socket, connected(1) + event(2, 'Newer', { x: 1 }) + event(3, 'A', { n: 3 })));
  await until(() => said.events.length === 1);
  assert.deepEqual(said.unknown, [{ event: 'Newer', raw: '{"x":1}', channel: 'S:all' }]);
});

test('data that is no JSON is reported, and the next event comes', async (t) => {
  const { said } = await open(t, (_, socket) => stream(socket, connected(1) + 'id: 2\nevent: A\ndata: {"channel":"S:all","data":{oops}\n\n' + event(3, 'A', { n: 3 })));
  await until(() => said.events.length === 1);
  assert.equal(said.errors[0].code, 'decode');
  assert.equal(said.errors[0].event, 'A');
});

for (const [text, number, bigint] of [
  ['9007199254740991', 9007199254740991, 9007199254740991n],
  ['-9007199254740991', -9007199254740991, -9007199254740991n],
  ['9007199254740992', null, 9007199254740992n],
  ['9007199254740993', null, 9007199254740993n],
  ['9223372036854775807', null, 9223372036854775807n],
  ['-9223372036854775808', null, -9223372036854775808n],
  ['18446744073709551615', null, 18446744073709551615n],
  ['0', 0, 0n],
]) {
  for (const int64 of ['number', 'bigint']) {
    test(`64 bits: ${text} as a ${int64} is exact or reported`, async (t) => {
      const raw = `id: 2\nevent: B\ndata: {"channel":"S:all","data":{"n":${text},"s":"${text}","f":1.5,"list":[{"m":${text}}]}}\n\n`;
      const { said } = await open(t, (_, socket) => stream(socket, connected(1) + raw + event(3, 'A', { n: 1 })), { int64 });
      await until(() => said.events.some((e) => e.event === 'A'));
      const got = said.events.find((e) => e.event === 'B');
      const want = int64 === 'number' ? number : bigint;
      if (want === null) {
        assert.equal(got, undefined);
        assert.equal(said.errors[0].code, 'decode');
        assert.match(said.errors[0].message, /\bn\b|list/);
        assert.ok(said.errors[0].raw.includes(text));
      } else {
        assert.deepEqual(got.data, { n: want, s: text, f: 1.5, list: [{ m: want }] });
      }
    });
  }
}
