// The stream format, case by case: the cases are those of the Go reader.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { overFetch } from '../dist/fetch.js';
import { MAX_EVENT, parser } from '../dist/parser.js';
import { random } from './random.js';
import { serve, stream } from './server.js';

const cases = JSON.parse(fs.readFileSync(new URL('../../../pkg/sse/testdata/cases.json', import.meta.url), 'utf8'));

/** What a parser makes of chunks. */
function parsed(chunks, id = '') {
  const said = { events: [], lastID: id, retry: null };
  const p = parser(
    id,
    (type, data, at) => said.events.push(`${type}|${at}|${data}`),
    (at) => (said.lastID = at),
    (ms) => (said.retry = ms),
  );
  for (const c of chunks) p.write(c);
  return said;
}

const wanted = (c, said) => {
  assert.deepEqual(said.events, c.want ?? []);
  if (c.lastID !== undefined) assert.equal(said.lastID, c.lastID);
  assert.equal(said.retry, c.retry ?? null);
};

test('there are as many cases as in Go', () => assert.ok(cases.length > 150, `${cases.length}`));

for (const c of cases) {
  test(`format: ${c.name}`, () => {
    const bytes = Buffer.from(c.in, 'base64');
    wanted(c, parsed([bytes]));
    wanted(c, parsed([...bytes].map((b) => Uint8Array.of(b))));
    for (let i = 0; i <= bytes.length; i++) wanted(c, parsed([bytes.subarray(0, i), bytes.subarray(i)]));
  });
}

test('format: over a socket, by fetch', async (t) => {
  let body = Buffer.alloc(0);
  const server = await serve((_, socket) => (stream(socket, body), socket.end()));
  t.after(() => server.close());
  for (const c of cases) {
    body = Buffer.from(c.in, 'base64');
    const said = { events: [], lastID: '', retry: null };
    await overFetch(fetch)({
      url: new URL(server.url),
      id: '',
      token: null,
      credentials: false,
      signal: new AbortController().signal,
      heard: () => {},
      frame: (type, data, id) => said.events.push(`${type}|${id}|${data}`),
      place: (id) => (said.lastID = id),
      retry: (ms) => (said.retry = ms),
    });
    assert.doesNotThrow(() => wanted(c, said), c.name);
  }
});

test('any chunking of any stream gives the same events', () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  const pieces = ['data', 'id', 'event', 'retry', ':', ':', ' ', '\n', '\n', '\r', '\r\n', '\n\n', '1', 'a', '\0', '\ufeff', '\u2028', 'é', '😀', '{"x":1}', 'data: ', 'id: 7\n'];
  const r = random(seed);
  for (let n = 0; n < 2000; n++) {
    let text = Buffer.from(Array.from({ length: Math.floor(r() * 40) }, () => pieces[Math.floor(r() * pieces.length)]).join(''));
    if (r() < 0.2) text = Buffer.concat([text, Buffer.from([0xe2, 0x82]), text]);
    const chunks = [];
    for (let i = 0; i < text.length; ) {
      const j = Math.min(text.length, i + Math.floor(r() * 5));
      chunks.push(text.subarray(i, j));
      i = j;
    }
    assert.deepEqual(parsed(chunks), parsed([text]), `SEED=${seed}, stream ${n}: ${JSON.stringify(text.toString('latin1'))}`);
  }
});

test('a line of 24 MB takes as long as its bytes, however it is cut', () => {
  /** The least of three times, in ms, that a line takes in chunks of 1000 bytes. */
  const time = (mb) => {
    const line = Buffer.from(`data: ${'x'.repeat(mb << 20)}\n\n`);
    const chunks = [];
    for (let i = 0; i < line.length; i += 1000) chunks.push(line.subarray(i, i + 1000));
    let least = Infinity;
    for (let i = 0; i < 3; i++) {
      let got = 0;
      const p = parser('', (_, data) => (got = data.length), () => {}, () => {});
      const began = performance.now();
      for (const c of chunks) {
        p.write(c);
        if (performance.now() - began > 20_000) assert.fail(`${mb} MB take more than 20 s`);
      }
      least = Math.min(least, performance.now() - began);
      assert.equal(got, mb << 20);
    }
    return least;
  };
  const [short, long] = [time(12), time(48)];
  // 4 times the bytes: 4 times as long, and 16 if a chunk cost what came before it.
  assert.ok(long < 10 * short, `12 MB: ${short} ms, 48 MB: ${long} ms`);
});

test('an event without an end is refused in time', () => {
  const p = parser('', () => {}, () => {}, () => {}, 1000);
  assert.throws(() => p.write(Buffer.from(`data: ${'x'.repeat(2000)}`)), RangeError);
  assert.ok(MAX_EVENT >= 24 << 20);
});
