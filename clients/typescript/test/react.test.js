// The hooks, in a real React, rendered without a browser.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createElement } from 'react';
import { act, create } from 'react-test-renderer';
import { createClient } from '../dist/index.js';
import { useEvents } from '../dist/react.js';
import { connected, descriptors, event, serve, stream, until } from './server.js';

globalThis.IS_REACT_ACT_ENVIRONMENT = true;

test('a component has the newest events of its channel, and lets go of it', async (t) => {
  const s = await serve((req, socket) => {
    const [channel] = req.query.getAll('channel');
    stream(socket, connected(1, [channel]) + [1, 2, 3].map((n) => event(`${channel.at(-1)}${n}`, 'A', { n, channel }, channel)).join(''));
  });
  const client = createClient(descriptors(), { url: s.url });
  t.after(() => (client.close(), s.close()));
  const seen = {};
  const Room = ({ id }) => {
    Object.assign(seen, useEvents(client, 'rooms', { roomId: id }, 2));
    return null;
  };
  let tree;
  await act(async () => (tree = create(createElement(Room, { id: '1' }))));
  await until(() => seen.events.length === 2);
  await act(async () => {});
  assert.deepEqual(seen.events.map((e) => [e.data.n, e.channel]), [[2, 'Room:room:1'], [3, 'Room:room:1']]);
  assert.equal(seen.status.state, 'live');
  await act(async () => tree.update(createElement(Room, { id: '1' })));
  assert.equal(s.requests.length, 1, 'another render changes nothing');
  await act(async () => tree.update(createElement(Room, { id: '2' })));
  await until(() => seen.events.length === 2 && seen.events[0].channel === 'Room:room:2');
  await act(async () => tree.unmount());
  await until(() => s.open() === 0);
});
