// In Chromium, on a real `runnel dev`: tabs, and pages that go and come back.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import test, { after, afterEach, before, beforeEach } from 'node:test';
import { chromium } from 'playwright-core';
import { dev, missing } from './runnel.js';
import { until } from './server.js';

const here = path.dirname(new URL(import.meta.url).pathname);
const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((p) => fs.existsSync(p));
const why = browserPath ? missing : 'chromium is not installed';
if (why && process.env.CI) throw new Error(`in CI nothing may be missing: ${why}`);

let server, pages, browser, context;

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
  server = await dev({ origins: [origin] });
  browser = await chromium.launch({
    executablePath: browserPath,
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  pages.at = (item, more = {}) => `${origin}/?${new URLSearchParams({ url: server.url, control: server.control, item, ...more })}`;
  pages.other = `${origin}/other`;
});

// Tabs of one test know nothing of another's.
beforeEach(async () => (context = await browser?.newContext()));
afterEach(() => context?.close());

after(async () => {
  await browser?.close();
  await server?.stop();
  pages?.close();
});

let count = 0;
const fresh = () => `browser-${process.pid}-${++count}`;

const publish = (item, text) => server.publish(`CommentStream:item:${item}`, 'CommentAdded', { comment_id: '1', item_id: item, author_name: 'Ada', text, timestamp: 1 });

const subscribers = (item) => server.subscribers(`CommentStream:item:${item}`);

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

for (const [how, leave] of Object.entries({
  closed: (p) => p.close({ runBeforeUnload: true }),
  left: (p) => p.goto(pages.other),
})) {
  test(`a page that is ${how} says goodbye for its connection, to the control host`, { skip: why }, async (t) => {
    // A stand-in for that host: what the real one does would look like a broken connection.
    const heard = [];
    const host = http.createServer((req, res) => {
      let body = '';
      req.on('data', (b) => (body += b)).on('end', () => (heard.push([req.method, req.url, req.headers['content-type'], body]), res.end('{}')));
    });
    await new Promise((done) => host.listen(0, '127.0.0.1', done));
    t.after(() => host.close());
    const p = await open(fresh(), { control: `http://127.0.0.1:${host.address().port}` });
    await p.waitForFunction(() => states.at(-1) === 'live');
    await leave(p);
    await until(() => heard.length > 0, 'a goodbye');
    const [[method, url, type, body]] = heard;
    assert.deepEqual([method, url, type], ['POST', '/goodbye', 'text/plain;charset=UTF-8'], 'as a simple request');
    assert.match(body, /^[\w-]+\.[\w-]+$/);
    assert.equal(heard.length, 1);
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

test('three tabs, and the one that reads crashes, again and again', { skip: why }, async () => {
  const item = fresh();
  const tabs = [];
  for (let i = 0; i < 3; i++) {
    tabs.push(await open(item, { share: 'tabs' }));
    await tabs[i].waitForFunction(() => states.at(-1) === 'live');
  }
  const all = [];
  for (let n = 0; tabs.length > 1; n++) {
    all.push(`${2 * n}`);
    await publish(item, all.at(-1));
    for (const p of tabs) await has(p, all);
    // The oldest has the lock. Nobody asks it whether it is ready.
    const [first] = tabs.splice(0, 1);
    const cdp = await context.newCDPSession(first);
    cdp.send('Page.crash').catch(() => 0);
    all.push(`${2 * n + 1}`);
    await publish(item, all.at(-1));
    for (const p of tabs) await has(p, all);
  }
  assert.deepEqual(await tabs[0].evaluate(() => gaps), []);
});

for (const share of ['none', 'tabs']) {
  test(`a page in the back/forward cache lets go of its stream and resumes (share: ${share})`, { skip: why }, async () => {
    const item = fresh();
    const p = await open(item, { share });
    await p.waitForFunction(() => states.at(-1) === 'live');
    await p.evaluate(() => addEventListener('pageshow', (e) => (window.persisted = e.persisted)));
    await publish(item, '1');
    await has(p, ['1']);
    await p.goto(pages.other);
    await reaches(item, 0);
    await publish(item, 'while away');
    await p.goBack({ waitUntil: 'commit' });
    await p.waitForFunction(() => states.at(-1) === 'live');
    assert.equal(await p.evaluate(() => window.persisted), true, 'it came out of the cache');
    await publish(item, '2');
    await has(p, ['1', 'while away', '2']);
    assert.ok((await p.evaluate(() => states)).includes('paused'));
    assert.deepEqual(await p.evaluate(() => gaps), []);
  });

  test(`a hidden page rests, and misses nothing (share: ${share})`, { skip: why }, async () => {
    const item = fresh();
    const p = await open(item, { share, hidden: '1' });
    await p.waitForFunction(() => states.at(-1) === 'live');
    // A headless page is never hidden by itself.
    const hide = (hidden) =>
      p.evaluate((h) => {
        Object.defineProperty(document, 'hidden', { configurable: true, value: h });
        document.dispatchEvent(new Event('visibilitychange'));
      }, hidden);
    await hide(true);
    await p.waitForFunction(() => sub.status.why === 'hidden');
    await reaches(item, 0);
    await publish(item, '1');
    await hide(false);
    await has(p, ['1']);
  });
}

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
