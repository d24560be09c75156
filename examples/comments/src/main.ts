// The page: one client, four subscriptions, and what each of them shows.
// Whatever an event brings is put in as text, never as HTML.
import type { Gap, Status } from '@runnel-sse/client';
import { createSse } from '../../../events/gen/typescript/streams.js';
import { chart } from './chart.js';
import { $, entry, keep } from './page.js';
import { presence } from './presence.js';
import { token } from './signin.js';

const query = new URLSearchParams(location.search);
const itemId = query.get('item') || '42';
const symbol = query.get('symbol') || 'ACME';
// The tabs of a browser share their connection, so they share their user too.
const user = localStorage.getItem('user') || '7';

$('item').textContent = itemId;
$('symbol').textContent = symbol;
$<HTMLInputElement>('sub').value = user;
$('user').addEventListener('submit', (e) => {
  e.preventDefault();
  localStorage.setItem('user', $<HTMLInputElement>('sub').value.trim());
  location.reload();
});
addEventListener('storage', (e) => {
  if (e.key === 'user') location.reload();
});

const { control } = await token(user).catch((e: Error) => {
  document.body.dataset.status = 'failed';
  $('status').textContent = `not signed in: ${e.message}`;
  throw e;
});
const channel = `CommentStream:item:${itemId}`;
const here = presence(control, channel);
const sse = createSse({
  url: location.origin,
  control,
  getToken: async () => (await token(user)).token,
  tokenIn: 'query',
  share: 'tabs',
  onUnknownEvent: (e) => here.event(e.event, e.raw, e.channel),
});

const onStatus = (s: Status): void => {
  document.body.dataset.status = s.state;
  $('status').textContent = s.state === 'failed' ? `failed: ${s.error.message}` : s.state;
  // Without recovery the page knows no more who came and went meanwhile.
  if (s.state === 'live') here.load();
};
// This page has no store behind it to load again from, so it says what it lacks.
const onGap = (g: Gap): void => {
  $('gap').hidden = false;
  $('gap').textContent = `Comments may be missing here (${g.reason}).`;
  here.load();
};

const comments = new Map<string, HTMLElement>();
sse.subscribe('comments', { itemId }, {
  on: {
    CommentAdded: (c) => {
      $('empty').hidden = true;
      const row = entry(c.author_name, c.text, c.timestamp * 1000);
      comments.set(c.comment_id, row);
      for (const gone of keep($('comments'), row, 200)) for (const [id, r] of comments) if (r === gone) comments.delete(id);
    },
    CommentUpdated: (c) => {
      const text = comments.get(c.comment_id)?.querySelector('p');
      if (text) text.textContent = c.new_text;
    },
    CommentDeleted: (c) => {
      comments.get(c.comment_id)?.remove();
      comments.delete(c.comment_id);
      $('empty').hidden = comments.size > 0;
    },
  },
  onStatus,
  onGap,
});

const notify = (title: string, text: string): void => {
  $('none').hidden = true;
  keep($('notifications'), entry(title, text, Date.now()), 20);
};
sse.subscribe('notifications', { userId: user }, {
  on: {
    EmailSent: (n) => notify('E-mail sent', `${n.email_type}, to ${n.sent_to}`),
    NewCommentNotification: (n) => notify('New comment', n.message),
    TaskComplete: (t) => notify('Task complete', `${t.task_type}: ${t.result}, after ${(t.duration_ms / 1000).toFixed(1)} s`),
    TaskProgress: (t) => {
      const bar = $<HTMLProgressElement>('task');
      bar.max = t.total;
      bar.value = t.done;
      $('done').textContent = t.done < t.total ? `${t.done} of ${t.total}` : `All ${t.total} done.`;
    },
  },
});

let expiry: ReturnType<typeof setTimeout> | undefined;
const lower = (): void => void ($('banner').hidden = true);
$('dismiss').addEventListener('click', lower);
sse.subscribe('systems', {}, {
  on: {
    SystemAlert: (a) => {
      const left = a.expires_at * 1000 - Date.now();
      if (left <= 0) return;
      $('alert').textContent = a.message;
      $('banner').dataset.severity = a.severity;
      $('banner').hidden = false;
      clearTimeout(expiry);
      expiry = setTimeout(lower, Math.min(left, 2 ** 31 - 1)); // a timer knows no more
    },
  },
});

const draw = chart($('line'), 200);
sse.subscribe('prices', { symbol }, {
  on: {
    PriceChanged: (p) => {
      draw(p.price);
      $('price').textContent = p.price.toFixed(2);
      $('change').textContent = `${p.change < 0 ? '−' : '+'}${Math.abs(p.change).toFixed(2)} %`;
    },
  },
});

// On `runnel dev` the page publishes itself; deployed, this is your service's API.
$('write').addEventListener('submit', async (e) => {
  e.preventDefault();
  const field = $<HTMLTextAreaElement>('text');
  const data = { comment_id: crypto.randomUUID(), item_id: itemId, author_name: `User ${user}`, text: field.value, timestamp: Math.floor(Date.now() / 1000) };
  try {
    const r = await fetch('/publish', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ id: data.comment_id, channel, event_type: 'CommentAdded', data }),
    });
    if (!r.ok) throw new Error((await r.json()).detail ?? r.statusText);
    field.value = '';
    $('answer').textContent = '';
  } catch (why) {
    $('answer').textContent = `Not sent: ${(why as Error).message}`;
  }
});
