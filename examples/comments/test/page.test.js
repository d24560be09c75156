// The page in Chromium, on a real `runnel dev` that keeps its events in a folder.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const here = path.dirname(new URL(import.meta.url).pathname);
const runnel = path.join(here, '../../../bin/runnel');
const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((p) => fs.existsSync(p));
const why = !browserPath ? 'chromium is not installed' : !fs.existsSync(runnel) ? 'bin/runnel is not built (make app/test)' : false;
if (why && process.env.CI) throw new Error(`in CI nothing may be missing: ${why}`);

let data, dev, browser, ada, url, control;

const free = () =>
  new Promise((done) => {
    const s = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => done(port));
    });
  });

// Both ports stay over a restart, as a server's do.
async function start() {
  dev = spawn(runnel, ['dev', '--addr', new URL(url).host, '--control-addr', new URL(control).host, '--data', data, '--app', path.join(here, '../build')]);
  let said = '';
  await new Promise((done, fail) => {
    const hear = (b) => /Ctrl-C stops/.test((said += b)) && done();
    dev.stdout.on('data', hear);
    dev.stderr.on('data', hear);
    dev.once('exit', () => fail(new Error(`runnel dev ended: ${said}`)));
  });
}

const kill = () => new Promise((done) => dev.once('exit', done) && dev.kill('SIGKILL'));

before(async () => {
  if (why) return;
  data = fs.mkdtempSync(path.join(os.tmpdir(), 'runnel-app-'));
  [url, control] = [`http://127.0.0.1:${await free()}`, `http://127.0.0.1:${await free()}`];
  await start();
  browser = await chromium.launch({
    executablePath: browserPath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  ada = await browser.newContext();
});

after(async () => {
  await browser?.close();
  dev?.kill();
  if (data) fs.rmSync(data, { recursive: true, force: true });
});

let count = 0;
const fresh = () => `item-${++count}`;

const publish = (channel, event, body) => promisify(execFile)(runnel, ['publish', '--url', url, channel, event, JSON.stringify(body)]);
const comment = (item, text) => publish(`CommentStream:item:${item}`, 'CommentAdded', { comment_id: text, item_id: item, author_name: 'Ada', text, timestamp: 1 });
const subscribers = async (item) => (await (await fetch(`${control}/presence/CommentStream:item:${item}`)).json()).subscribers;
const reaches = async (item, n) => {
  for (let i = 0; (await subscribers(item)) !== n; i++) {
    assert.ok(i < 500, `${await subscribers(item)} subscribers, want ${n}`);
    await new Promise((done) => setTimeout(done, 20));
  }
};

async function open(item, context = ada) {
  const p = await context.newPage();
  p.faults = [];
  p.on('pageerror', (e) => p.faults.push(e.message));
  p.on('console', (m) => /Content Security Policy/.test(m.text()) && p.faults.push(m.text()));
  await p.goto(`${url}/app/?item=${item}`);
  await live(p);
  return p;
}
const live = (p) => p.waitForFunction(() => document.body.dataset.status === 'live');
const shows = (p, id, text) => p.waitForFunction(([id, text]) => document.getElementById(id).checkVisibility() && document.getElementById(id).textContent.includes(text), [id, text]);
const has = (p, want) => p.waitForFunction((want) => JSON.stringify([...document.querySelectorAll('#comments p')].map((e) => e.textContent).reverse()) === want, JSON.stringify(want));

test('a comment is shown as text, changed and taken away', { skip: why }, async () => {
  const item = fresh();
  const p = await open(item);
  const hostile = `<img src=x onerror="document.title='owned'"><b>bold</b>`;
  await p.fill('#text', hostile);
  await p.click('#write button');
  await has(p, [hostile]);
  assert.equal(await p.locator('#comments img, #comments p b').count(), 0);
  assert.equal(await p.title(), 'Comments');
  await comment(item, 'second');
  await has(p, [hostile, 'second']);
  await publish(`CommentStream:item:${item}`, 'CommentUpdated', { comment_id: 'second', item_id: item, new_text: 'changed', edited_at: 2 });
  await has(p, [hostile, 'changed']);
  await publish(`CommentStream:item:${item}`, 'CommentDeleted', { comment_id: 'second', item_id: item });
  await has(p, [hostile]);
  assert.deepEqual(p.faults, []);
  await p.close();
});

test('the presence line says who comes and who goes', { skip: why }, async () => {
  const item = fresh();
  const p = await open(item);
  await shows(p, 'presence', 'Here now: user 7');
  const bob = await browser.newContext();
  await bob.addInitScript(() => localStorage.setItem('user', 'bob'));
  const q = await open(item, bob);
  await shows(p, 'presence', 'user 7, user bob');
  await shows(q, 'presence', 'user 7, user bob');
  await q.close({ runBeforeUnload: true });
  await p.waitForFunction(() => document.getElementById('presence').textContent === 'Here now: user 7');
  await bob.close();
  await p.close();
});

test('an alert, a task and its notification', { skip: why }, async () => {
  const p = await open(fresh());
  assert.equal(await p.isVisible('#banner'), false);
  const now = Math.floor(Date.now() / 1000);
  await publish('SystemStream:all', 'SystemAlert', { message: 'Down at noon', severity: 'critical', expires_at: now + 3600 });
  await shows(p, 'banner', 'Down at noon');
  assert.equal(await p.getAttribute('#banner', 'data-severity'), 'critical');
  await p.click('#dismiss');
  assert.equal(await p.isVisible('#banner'), false);
  await publish('SystemStream:all', 'SystemAlert', { message: 'Soon over', severity: 'info', expires_at: now + 4 });
  await shows(p, 'banner', 'Soon over');
  await p.waitForFunction(() => document.getElementById('banner').hidden);

  const task = spawn(process.execPath, [path.join(here, '../task.mjs'), '7', '1'], { env: { ...process.env, RUNNEL_URL: url }, stdio: 'inherit' });
  await p.waitForFunction(() => {
    const t = document.getElementById('task');
    return t.value > 0 && t.value < t.max;
  });
  await shows(p, 'notifications', 'export: ready');
  await shows(p, 'done', 'All 40 done.');
  assert.equal(await p.$eval('#task', (t) => t.value / t.max), 1);
  await new Promise((done) => (task.exitCode === null ? task.once('exit', done) : done()));
  assert.equal(task.exitCode, 0);
  assert.deepEqual(p.faults, []);
  await p.close();
});

test('the chart draws twenty prices a second', { skip: why }, async () => {
  const p = await open(fresh());
  const market = spawn(process.execPath, [path.join(here, '../prices.mjs'), 'ACME'], { env: { ...process.env, RUNNEL_URL: url }, stdio: 'inherit' });
  try {
    await p.waitForFunction(() => document.getElementById('line').points.length >= 5);
    const [from, began] = [await p.$eval('#line', (l) => l.points.length), Date.now()];
    await p.waitForFunction((n) => document.getElementById('line').points.length >= n, from + 40);
    assert.ok(Date.now() - began < 8000, 'forty prices take two seconds, and here four times as long at most');
    const heights = await p.$eval('#line', (l) => new Set([...l.points].map((q) => q.y)).size);
    assert.ok(heights > 5, `${heights} different heights`);
    assert.match(await p.textContent('#price'), /^\d+\.\d\d$/);
  } finally {
    market.kill();
  }
  await p.close();
});

test('a server that is killed and started again costs no comment', { skip: why }, async () => {
  const item = fresh();
  const p = await open(item);
  await comment(item, '1');
  await has(p, ['1']);
  await kill();
  await p.waitForFunction(() => document.body.dataset.status !== 'live');
  await start();
  for (const text of ['2', '3', '4']) await comment(item, text); // some of them before the page is back
  await live(p);
  await comment(item, '5');
  await has(p, ['1', '2', '3', '4', '5']);
  assert.equal(await p.isVisible('#gap'), false);
  await p.close();
});

test('two tabs have one connection, and say goodbye', { skip: why }, async () => {
  const item = fresh();
  const a = await open(item);
  const b = await open(item);
  await reaches(item, 1);
  await comment(item, '1');
  await has(a, ['1']);
  await has(b, ['1']);
  await a.close({ runBeforeUnload: true });
  await comment(item, '2');
  await has(b, ['1', '2']);
  await reaches(item, 1);
  await b.close({ runBeforeUnload: true });
  await reaches(item, 0);
  assert.deepEqual([...a.faults, ...b.faults], []);
});
