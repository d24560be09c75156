// How other clients do on the cases of the stream format: a report, no test.
// `npm run compare`
import fs from 'node:fs';
import { EventSource } from 'eventsource';
import { fetchEventSource } from '@microsoft/fetch-event-source';
import { overFetch } from '../../dist/fetch.js';
import { serve, stream } from '../server.js';

const cases = JSON.parse(fs.readFileSync(new URL('../../../../pkg/sse/testdata/cases.json', import.meta.url), 'utf8'));
const types = [...new Set(cases.flatMap((c) => (c.want ?? []).map((w) => w.split('|')[0])))].filter((t) => t !== 'error' && t !== 'open');

// Each reads one answer to its end and returns its events as "type|id|data".
const clients = {
  '@runnel-sse/client': async (url) => {
    const events = [];
    await overFetch(fetch)({ url: new URL(url), id: '', token: null, credentials: false, signal: new AbortController().signal, heard() {}, frame: (t, d, i) => events.push(`${t}|${i}|${d}`), place() {}, retry() {} });
    return events;
  },
  'eventsource 5.1.5': (url) =>
    new Promise((done) => {
      const events = [];
      const es = new EventSource(url);
      for (const t of types) es.addEventListener(t, (e) => events.push(`${t}|${e.lastEventId}|${e.data}`));
      es.addEventListener('open', (e) => 'data' in e && events.push(`open|${e.lastEventId}|${e.data}`));
      es.addEventListener('error', (e) => {
        if ('data' in e && e.data !== undefined) return void events.push(`error|${e.lastEventId}|${e.data}`);
        es.close();
        done(events);
      });
    }),
  '@microsoft/fetch-event-source 2.0.1': async (url) => {
    const events = [];
    await fetchEventSource(url, {
      fetch,
      openWhenHidden: true,
      onopen: async () => {},
      onmessage: (m) => events.push(`${m.event || 'message'}|${m.id}|${m.data}`),
      onerror: (e) => {
        throw e;
      },
    }).catch(() => 0);
    return events;
  },
};
globalThis.window ??= { setTimeout, clearTimeout };
globalThis.document ??= { hidden: false, addEventListener() {}, removeEventListener() {} };

let body = Buffer.alloc(0);
const server = await serve((_, socket) => (stream(socket, body), socket.end()));
for (const [name, read] of Object.entries(clients)) {
  const missed = [];
  for (const c of cases) {
    body = Buffer.from(c.in, 'base64');
    const got = await read(server.url);
    if (JSON.stringify(got) !== JSON.stringify(c.want ?? [])) missed.push(c.name);
  }
  console.log(`${name}: ${cases.length - missed.length} of ${cases.length}`);
  if (process.argv.includes('-v')) for (const m of missed) console.log(`  ${m}`);
}
server.close();
process.exit(0);
