// A server that says what a test wants, byte for byte, one answer a connection.
import net from 'node:net';

/**
 * Starts a server on a free port. `answer(req, socket, n)` is called with each
 * request, n from 0; req is { method, url, query, headers, body }.
 */
export async function serve(answer) {
  const requests = [];
  const sockets = new Set();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const [first, ...lines] = text.slice(0, end).split('\r\n');
      const headers = Object.fromEntries(lines.map((l) => [l.slice(0, l.indexOf(':')).toLowerCase(), l.slice(l.indexOf(':') + 1).trim()]));
      const length = +(headers['content-length'] ?? 0);
      if (text.length < end + 4 + length) return;
      const [method, url] = first.split(' ');
      const req = { method, url, query: new URL(url, 'http://x').searchParams, headers, body: text.slice(end + 4) };
      text = '';
      requests.push(req);
      answer(req, socket, requests.length - 1);
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    open: () => sockets.size,
    close() {
      for (const s of sockets) s.destroy();
      server.close();
    },
  };
}

/** The head of an answer whose body ends with the connection. */
export const head = (status = 200, headers = {}) =>
  `HTTP/1.1 ${status} Said\r\n${Object.entries({ 'Content-Type': 'text/event-stream', Connection: 'close', ...headers })
    .map(([k, v]) => `${k}: ${v}\r\n`)
    .join('')}\r\n`;

export const stream = (socket, body, headers = {}) => socket.write(Buffer.concat([Buffer.from(head(200, headers)), Buffer.from(body)]));

export const refuse = (socket, status, { headers = {}, body = '' } = {}) =>
  socket.end(head(status, { 'Content-Type': 'application/problem+json', 'Content-Length': Buffer.byteLength(body), ...headers }) + body);

/** An event of the channel in our envelope. */
export const event = (id, type, data, channel = 'S:all') => `${id === undefined ? '' : `id: ${id}\n`}event: ${type}\ndata: {"channel":"${channel}","data":${JSON.stringify(data)}}\n\n`;

export const connected = (id, channels = ['S:all'], more = {}) =>
  `retry: 10\nid: ${id}\ndata: ${JSON.stringify({
    type: 'connected',
    connection: 'process.random',
    recovered: true,
    channels: channels.map((channel) => ({ channel, resumed: false, recovered: true })),
    heartbeat_ms: 15000,
    lease_ms: 900000,
    ...more,
  })}\n\n`;

export const descriptors = (int64 = 'number') => ({
  protocol: 1,
  int64,
  streams: {
    s: { stream: 'S', template: 'all', key: {}, events: { A: {}, B: { int64: ['n', 'list.*.m'] } } },
    rooms: { stream: 'Room', template: 'room:{room_id}', key: { roomId: 'room_id' }, events: { A: { fields: { n: 'integer', who: { optional: 'string' } } } } },
  },
});

/** Waits until f is true, or says what it waited for. */
export async function until(f, what = f.toString(), ms = 10_000) {
  const late = Date.now() + ms;
  while (!f()) {
    if (Date.now() > late) throw new Error(`did not come: ${what}`);
    await new Promise((done) => setTimeout(done, 2));
  }
}
