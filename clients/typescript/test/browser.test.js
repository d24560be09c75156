// In Chromium, on a real `runnel dev`: tabs, and pages that go and come back.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { until } from './server.js';

const here = path.dirname(new URL(import.meta.url).pathname);
const root = path.join(here, '../../..');
const runnel = path.join(root, 'bin/runnel');
const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((p) => fs.existsSync(p));
const why = !browserPath ? 'chromium is not installed' : !fs.existsSync(runnel) ? 'bin/runnel is not built (make dev, or make clients/test)' : false;
if (why && process.env.CI) throw new Error(`in CI nothing may be missing: ${why}`);

let dev, pages, browser, context, url, control;

const page = `<!doctype html><title>t</title><script type="module">
import { createClient } from '/dist/index.js';
const q = new URLSearchParams(location.search);
const d = { protocol: 1, int64: 'number', streams: { comments: { stream: 'CommentStream', template: 'item:{item_id}', key: { itemId: 'item_id' }, events: { CommentAdded: {} } } } };
window.got = []; window.states = []; window.gaps = [];
window.sse = createClient(d, { url: q.get('url'), control: q.get('control'), share: q.get('share') ?? 'none', transport: q.get('transport') ?? 'auto', ...(q.has('hidden') && { pauseWhenHidden: { afterMs: 50 } }), backoff: { minMs: 20, maxMs: 200 } });
window.sub = sse.subscribe('comments', { itemId: q.get('item') }, { on: { CommentAdded: (c) => got.push(c.text) }, onStatus: (s) => states.push(s.state), onGap: (g) => void gaps.push(g.reason) });
</script>`;

before(async () => {
  if (why) return;
  pages = http.createServer((req, res) => {
    const { pathname } = new URL(req.url, 'http://x');
    if (pathname === '/other') return res.setHeader('Content-Type', 'text/html').end('<!doctype html>elsewhere');
    if (pathname === '/') return res.setHeader('Content-Type', 'text/html').end(page);
    const file = path.join(here, '..', path.normalize(pathname));
    if (!pathname.startsWith('/dist/') || !fs.existsSync(file)) return res.writeHead(404).end();
    res.setHeader('Content-Type', 'text/javascript').end(fs.readFileSync(file));
  });
  await new Promise((done) => pages.listen(0, '127.0.0.1', done));
  const origin = `http://127.0.0.1:${pages.address().port}`;
  dev = spawn(runnel, ['dev', '--addr', '127.0.0.1:0', '--control-addr', '127.0.0.1:0', '--allow-origin', origin]);
  let said = '';
  dev.stdout.on('data', (b) => (said += b));
  dev.stderr.on('data', (b) => (said += b));
  await until(() => /for tickets/.test(said), 'runnel dev');
  [url, control] = [/serves (http:\S+?),? /.exec(said)[1], /and (http:\S+) for tickets/.exec(said)[1]];
  browser = await chromium.launch({
    executablePath: browserPath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  context = await browser.newContext();
  pages.at = (item, more = {}) => `${origin}/?${new URLSearchParams({ url, control, item, ...more })}`;
  pages.other = `${origin}/other`;
});

after(async () => {
  await browser?.close();
  dev?.kill();
  pages?.close();
});

let count = 0;
const fresh = () => `browser-${process.pid}-${++count}`;

const publish = (item, text) =>
  promisify(execFile)(runnel, ['publish', '--url', url, `CommentStream:item:${item}`, 'CommentAdded', JSON.stringify({ comment_id: '1', item_id: item, author_name: 'Ada', text, timestamp: 1 })]);

const subscribers = async (item) => (await (await fetch(`${control}/presence/CommentStream:item:${item}`)).json()).subscribers;

const open = async (item, more) => {
  const p = await context.newPage();
  await p.goto(pages.at(item, more));
  return p;
};

const has = (p, texts) => p.waitForFunction((want) => JSON.stringify(got) === want, JSON.stringify(texts));
const reaches = async (item, n) => {
  for (let i = 0; (await subscribers(item)) !== n; i++) {
    if (i > 500) throw new Error(`${await subscribers(item)} subscribers, want ${n}`);
    await new Promise((done) => setTimeout(done, 20));
  }
};

for (const transport of ['fetch', 'eventsource']) {
  test(`an event reaches the page, by ${transport}, and a closed page says goodbye`, { skip: why }, async () => {
    const item = fresh();
    const p = await open(item, { transport });
    await p.waitForFunction(() => states.at(-1) === 'live');
    await publish(item, 'hello');
    await has(p, ['hello']);
    await reaches(item, 1);
    await p.close({ runBeforeUnload: true });
    await reaches(item, 0);
  });
}

test('two tabs share one connection, and when the one that reads closes the other misses nothing', { skip: why }, async () => {
  const item = fresh();
  const a = await open(item, { share: 'tabs' });
  await a.waitForFunction(() => states.at(-1) === 'live');
  const b = await open(item, { share: 'tabs' });
  await b.waitForFunction(() => states.at(-1) === 'live');
  await reaches(item, 1);
  await publish(item, '1');
  await has(a, ['1']);
  await has(b, ['1']);
  const closed = a.close({ runBeforeUnload: true });
  const all = ['1'];
  for (const text of ['2', '3', '4', '5']) {
    await publish(item, text);
    all.push(text);
  }
  await closed;
  await has(b, all);
  await reaches(item, 1);
  assert.deepEqual(await b.evaluate(() => gaps), []);
  await b.close();
});

test('tabs of different channels share one connection too', { skip: why }, async () => {
  const [x, y] = [fresh(), fresh()];
  const a = await open(x, { share: 'tabs' });
  const b = await open(y, { share: 'tabs' });
  await a.waitForFunction(() => states.at(-1) === 'live');
  await b.waitForFunction(() => states.at(-1) === 'live');
  await publish(x, 'for a');
  await publish(y, 'for b');
  await has(a, ['for a']);
  await has(b, ['for b']);
  await a.close();
  await b.close();
});

test('a page that is left and come back to resumes', { skip: why }, async () => {
  const item = fresh();
  const p = await open(item);
  await p.waitForFunction(() => states.at(-1) === 'live');
  await publish(item, '1');
  await has(p, ['1']);
  await p.goto(pages.other);
  await reaches(item, 0);
  await publish(item, 'while away');
  await p.goBack();
  // With the back/forward cache it is the same page, and else a new one that begins now.
  await p.waitForFunction(() => states.at(-1) === 'live');
  await publish(item, '2');
  await p.waitForFunction(() => got.at(-1) === '2');
  const got = await p.evaluate(() => globalThis.got);
  assert.ok(got.length === 1 || got.join() === '1,while away,2', got.join());
  await p.close();
});

test('a network that goes and comes costs no event', { skip: why }, async () => {
  const item = fresh();
  const p = await open(item);
  await p.waitForFunction(() => states.at(-1) === 'live');
  await publish(item, '1');
  await has(p, ['1']);
  await context.setOffline(true);
  await p.waitForFunction(() => navigator.onLine === false);
  await publish(item, '2');
  await context.setOffline(false);
  await has(p, ['1', '2']);
  await p.close();
});
