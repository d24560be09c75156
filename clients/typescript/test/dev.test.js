// Against a real `runnel dev`: what the scripted server says is what the real one does.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { createClient } from '../dist/index.js';
import { dev, mint, missing } from './runnel.js';
import { until } from './server.js';

const descriptors = {
  protocol: 1,
  int64: 'number',
  streams: {
    comments: { stream: 'CommentStream', template: 'item:{item_id}', key: { itemId: 'item_id' }, events: { CommentDeleted: {} } },
    notifications: { stream: 'NotificationStream', template: 'user:{user_id}', key: { userId: 'user_id' }, events: { EmailSent: {} } },
    system: { stream: 'SystemStream', template: 'all', key: {}, events: {} },
  },
};

const deleted = (item, n) => ({ channel: `CommentStream:item:${item}`, event_type: 'CommentDeleted', data: { comment_id: `${n}`, item_id: item } });

async function start(t, options = {}) {
  const server = await dev();
  t.after(() => server.stop());
  const client = createClient(descriptors, { url: server.url, control: server.control, backoff: { minMs: 20, maxMs: 200 }, ...options });
  t.after(() => client.close());
  return { server, client };
}

/** What a subscription to an item gets, and everything that it says. */
function read(client, itemId) {
  const said = { got: [], states: [], gaps: [], errors: [] };
  const sub = client.subscribe('comments', { itemId }, {
    on: { CommentDeleted: (d) => said.got.push(+d.comment_id) },
    onStatus: (s) => said.states.push(s),
    onGap: (g) => void said.gaps.push(g),
    onError: (e) => said.errors.push(e),
  });
  return Object.assign(said, { sub, live: () => until(() => sub.status.state === 'live', `${itemId} is live`) });
}

const upTo = (n) => Array.from({ length: n }, (_, i) => i);

for (const [how, options] of Object.entries({
  'by orders, with a token': { getToken: async () => mint('7') },
  'by reconnecting, without': {},
})) {
  test(`channels come and go ${how}, and one that stays misses nothing`, { skip: missing }, async (t) => {
    const { server, client } = await start(t, options);
    const steady = read(client, 'steady');
    await steady.live();
    let n = 0;
    let stop = false;
    const publishing = (async () => {
      while (!stop) await server.publishAll(upTo(5).map(() => deleted('steady', n++)));
    })();
    for (let i = 0; i < 5; i++) {
      const other = read(client, `other-${i}`);
      await other.live();
      await server.publishAll([deleted(`other-${i}`, 1)]);
      await until(() => other.got.length === 1, 'the other one is read');
      assert.deepEqual(other.gaps, []);
      if (i % 2) other.sub.close();
    }
    stop = true;
    await publishing;
    await until(() => steady.got.length >= n);
    assert.deepEqual(steady.got, upTo(n));
    assert.deepEqual([steady.gaps, steady.errors], [[], []]);
    assert.deepEqual(steady.states.map((s) => s.state), ['connecting', 'live'], 'nothing that anybody has to know');
  });
}

test("one's own notifications are read with a token, by header and by ticket; another's end no other", { skip: missing }, async (t) => {
  for (const tokenIn of ['header', 'query']) {
    const { server, client } = await start(t, { tokenIn, getToken: async () => mint('7') });
    const got = [];
    const errors = [];
    const mine = client.subscribe('notifications', { userId: '7' }, { on: { EmailSent: (d) => got.push(d.sent_to) } });
    client.subscribe('notifications', { userId: '8' }, { onError: (e) => errors.push(e) });
    await until(() => mine.status.state === 'live' && errors.length === 1, tokenIn);
    assert.equal(errors[0].code, 'forbidden');
    await server.publish('NotificationStream:user:7', 'EmailSent', { user_id: '7', email_type: 'hello', sent_to: 'ada@example.com', correlation_id: '1' });
    await until(() => got.length === 1, tokenIn);
  }
});

test('without a token the public channel is read and the other one is unauthorized', { skip: missing }, async (t) => {
  const { server, client } = await start(t);
  const errors = [];
  client.subscribe('system', {}, { onError: (e) => errors.push(e) });
  const open = read(client, '1');
  await open.live();
  await until(() => errors.length === 1);
  assert.equal(errors[0].code, 'unauthorized');
  await server.publishAll([deleted('1', 1)]);
  await until(() => open.got.length === 1);
});

test('a token that ends is renewed on the live connection', { skip: missing }, async (t) => {
  const asked = [];
  const { server, client } = await start(t, { getToken: async ({ reason }) => (asked.push(reason), mint('7', asked.length === 1 ? '1s' : '1h')) });
  const r = read(client, '1');
  await r.live();
  // A server grants 30 s beyond the end of a token, for clocks that differ.
  await until(() => asked.length === 2, 'the renewal', 35_000);
  // Past that time the connection is still the same.
  await new Promise((done) => setTimeout(done, 8000));
  await server.publishAll([deleted('1', 0)]);
  await until(() => r.got.length === 1);
  assert.deepEqual(asked, ['first', 'expired']);
  assert.deepEqual(r.states.map((s) => s.state), ['connecting', 'live']);
});

test('a server that restarts costs no event', { skip: missing }, async (t) => {
  const data = fs.mkdtempSync(path.join(os.tmpdir(), 'runnel-client-'));
  t.after(() => fs.rmSync(data, { recursive: true, force: true }));
  let server = await dev({ data });
  t.after(() => server.stop());
  const { host } = new URL(server.url);
  const client = createClient(descriptors, { url: server.url, control: server.control, backoff: { minMs: 20, maxMs: 200 } });
  t.after(() => client.close());
  const r = read(client, '1');
  await r.live();
  for (let n = 0; n < 3; n++) {
    await server.publishAll([deleted('1', 3 * n), deleted('1', 3 * n + 1)]);
    await server.stop();
    server = await dev({ data, addr: host });
    await server.publishAll([deleted('1', 3 * n + 2)]);
  }
  await until(() => r.got.length >= 9);
  assert.deepEqual(r.got, upTo(9));
  assert.deepEqual(r.gaps, []);
});

test('close frees the place at once', { skip: missing }, async (t) => {
  const { server, client } = await start(t);
  const r = read(client, '1');
  await r.live();
  assert.equal(await server.subscribers('CommentStream:item:1'), 1);
  client.close();
  for (let i = 0; await server.subscribers('CommentStream:item:1'); i++) {
    assert.ok(i < 200);
    await new Promise((done) => setTimeout(done, 10));
  }
});
