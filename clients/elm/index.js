// Connects programs in Elm to streams: by the ports of SsePorts, or by the Sub of
// --elm=sub. What both want is channels; what both are told is
// { channel, what: { event, data } | { status, why } }.
import { createClient } from '@runnel-sse/client';

/**
 * For programs of Sse.element, Sse.document and Sse.application. Call it right after
 * Elm.Main.init, since the first message of a port waits for nobody.
 */
export function ports(app, descriptors, options) {
  const { sseIn, sseOut } = app.ports ?? {};
  if (!sseIn || !sseOut) throw new TypeError('the program has no ports sseIn and sseOut: make it with Sse.element, Sse.document or Sse.application');
  const all = channels(descriptors, options, (channel, what) => sseIn.send({ channel, what }));
  const hear = (said) => (said.want ? all.want(said.want) : console.error(`runnel: ${said.report}`));
  sseOut.subscribe(hear);
  return {
    close() {
      sseOut.unsubscribe(hear);
      all.close();
    },
  };
}

/** The event of a page that the programs' subscriptions decode; nothing else has such a detail. */
const KEY = 'keypress';

/**
 * For programs generated with --elm=sub. A decoder that looks for a field asks
 * whether it is there: so an event whose fields are never there learns what the
 * programs look for. That is done when the page changes, and every `everyMs`.
 */
export function subs(descriptors, options, { page = document, everyMs = 250 } = {}) {
  const ask = (heard) =>
    new Proxy({}, {
      has(_, name) {
        heard(String(name));
        return false;
      },
    });
  const report = ask((text) => console.error(`runnel: ${text}`));
  const tell = (sse) => page.dispatchEvent(new CustomEvent(KEY, { detail: { sse, report } }));
  const all = channels(descriptors, options, (channel, what) => tell({ [channel]: what }));
  let due = false;
  let closed = false;
  const look = () => {
    if (due || closed) return;
    due = true;
    const names = new Set();
    tell(ask((name) => names.add(name)));
    // A program that is at work decodes when it is done.
    queueMicrotask(() => {
      due = false;
      if (!closed) all.want([...names].sort());
    });
  };
  const timer = setInterval(look, everyMs);
  const changes = globalThis.MutationObserver && page.documentElement ? new MutationObserver(look) : null;
  changes?.observe(page.documentElement, { subtree: true, childList: true, characterData: true, attributes: true });
  look();
  return {
    close() {
      closed = true;
      clearInterval(timer);
      changes?.disconnect();
      all.close();
    },
  };
}

/** Keeps open what is wanted, on one client, and nothing else. */
function channels(descriptors, options, deliver) {
  const open = new Map(); // by the channel's name
  // All 64-bit integers come exact, and what Elm has no Int for goes on as a string.
  const client = createClient({ ...descriptors, int64: 'bigint' }, {
    ...options,
    onUnknownEvent(e) {
      open.get(e.channel)?.tell(unknown(e));
      options.onUnknownEvent?.(e);
    },
  });
  return {
    want(names) {
      for (const [name, channel] of open) {
        if (names.includes(name)) continue;
        open.delete(name);
        channel.close();
      }
      for (const name of names) if (!open.has(name)) start(name);
    },
    close() {
      open.clear();
      client.close();
    },
  };

  function start(name) {
    let last = '';
    let was = false; // live
    // Elm is told after it has said what it wants, and never about what it has left.
    const tell = (what) => queueMicrotask(() => open.get(name) === mine && deliver(name, what));
    const mine = { tell, close() {} };
    const become = (status, why = '') => {
      if (status === last) return;
      last = status;
      tell({ status, why });
    };
    open.set(name, mine);
    try {
      const [stream, key] = parse(descriptors, name);
      const on = {};
      for (const [event, d] of Object.entries(descriptors.streams[stream].events)) {
        on[event] = (data) => tell({ event, data: d.int64 ? plain(data) : data });
      }
      const subscription = client.subscribe(stream, key, {
        on,
        onStatus(s) {
          was ||= s.state === 'live';
          if (s.state === 'failed') become('failed', s.error.message);
          else if (s.state !== 'idle') become(s.state === 'connecting' && was ? 'waiting' : s.state);
        },
        onGap: () => tell({ status: 'gap', why: '' }),
        onError: (e) => e.code === 'decode' && tell({ status: 'undecodable', why: e.message }),
      });
      mine.close = () => subscription.close();
    } catch (e) {
      become('failed', e.message);
    }
  }
}

function unknown({ event, raw }) {
  try {
    return { event, data: JSON.parse(raw) };
  } catch {
    return { status: 'undecodable', why: `${event}: not JSON` };
  }
}

/** CommentStream:item:42 to its stream and key; the template says which parts are fields. */
function parse({ streams }, name) {
  const [stream, ...values] = name.split(':');
  const found = Object.entries(streams).find(([, d]) => d.stream === stream);
  if (!found) throw new TypeError(`${name}: no stream ${stream} in the descriptors: generate both again`);
  const [called, { template, key }] = found;
  const parts = template.split(':');
  const fits = parts.length === values.length && parts.every((p, i) => (p.startsWith('{') ? values[i] !== '' : p === values[i]));
  if (!fits) throw new TypeError(`${name}: want ${stream}:${template}, with no colon in a value and none empty`);
  const of = (field) => values[parts.indexOf(`{${field}}`)];
  return [called, Object.fromEntries(Object.entries(key).map(([k, field]) => [k, of(field)]))];
}

/** Integers as Elm reads them: a number where it is exact, else a string, which its decoder refuses. */
function plain(v) {
  if (typeof v === 'bigint') return Number.isSafeInteger(Number(v)) ? Number(v) : String(v);
  if (Array.isArray(v)) return v.map(plain);
  // Not by assignment: a key __proto__ of a map is one like others.
  return v && typeof v === 'object' ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, plain(x)])) : v;
}
