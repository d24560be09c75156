// Events a second of 256 bytes that a client takes in, from a server in a process
// of its own, beside npm eventsource. `npm run bench`
import { fork } from 'node:child_process';
import { EventSource } from 'eventsource';
import { createClient } from '../dist/index.js';
import { connected, descriptors, serve } from '../test/server.js';
import { head } from '../test/server.js';

const EVENTS = 200_000;

if (process.argv[2] === 'server') {
  const pad = 'x'.repeat(256 - JSON.stringify({ n: 100000, text: '' }).length);
  const frames = (from, n) => Array.from({ length: n }, (_, i) => `id: e${from + i}\nevent: A\ndata: {"channel":"S:all","data":${JSON.stringify({ n: from + i, text: pad })}}\n\n`).join('');
  const s = await serve((_, socket) => {
    socket.write(head() + connected(1));
    let sent = 0;
    const more = () => {
      while (sent < EVENTS) {
        const ok = socket.write(frames(sent, 500));
        sent += 500;
        if (!ok) return void socket.once('drain', more);
      }
    };
    more();
  });
  process.send(s.url);
} else {
  const child = fork(new URL(import.meta.url), ['server']);
  const url = await new Promise((done) => child.once('message', done));
  const rate = async (read) => {
    const began = performance.now();
    await read();
    return (EVENTS / (performance.now() - began)) * 1000;
  };
  const ours = () =>
    new Promise((done) => {
      const c = createClient(descriptors(), { url });
      let got = 0;
      c.subscribe('s', {}, { on: { A: () => ++got === EVENTS && (c.close(), done()) } });
    });
  const theirs = () =>
    new Promise((done) => {
      const es = new EventSource(`${url}/sse?channel=S:all`);
      let got = 0;
      es.addEventListener('A', (e) => (JSON.parse(e.data), ++got === EVENTS && (es.close(), done())));
    });
  const runs = { ours: [], theirs: [] };
  for (let i = 0; i < 3; i++) {
    runs.ours.push(await rate(ours));
    runs.theirs.push(await rate(theirs));
  }
  const median = (list) => list.toSorted((a, b) => a - b)[1];
  const [a, b] = [median(runs.ours), median(runs.theirs)];
  console.log(`@runnel-sse/client: ${Math.round(a).toLocaleString('en')} events/s of 256 bytes (median of 3)`);
  console.log(`eventsource 5.1.5: ${Math.round(b).toLocaleString('en')} events/s`);
  console.log(`ratio ${(a / b).toFixed(2)}; target 50,000 events/s: ${a >= 50_000 ? 'met' : 'missed'}`);
  child.kill();
  process.exit(0);
}
