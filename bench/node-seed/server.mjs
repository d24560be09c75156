// A server in the manner of the text that Runnel began with: a Map from channel
// to a Set of responses, and a write in a loop. It is what one would write in
// an afternoon, and what bench/ compares with. Usage: node server.mjs PORT
import { createServer } from 'node:http';

const sseConnections = new Map(); // channel -> Set<Response>

function follow(req, res) {
  const [, , streamType, key] = req.url.split('/');
  const fullChannel = `${streamType}:${key}`;

  res.writeHead(200, {
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-cache',
    'Connection': 'keep-alive',
    'Access-Control-Allow-Origin': '*',
  });

  if (!sseConnections.has(fullChannel)) {
    sseConnections.set(fullChannel, new Set());
  }
  sseConnections.get(fullChannel).add(res);

  req.on('close', () => {
    sseConnections.get(fullChannel)?.delete(res);
    if (sseConnections.get(fullChannel)?.size === 0) {
      sseConnections.delete(fullChannel);
    }
  });

  res.write('data: {"type":"connected","channel":"' + fullChannel + '"}\n\n');
}

function broadcastToChannel(channel, eventType, data) {
  const connections = sseConnections.get(channel);
  if (!connections) return;

  const sseData = `event: ${eventType}\ndata: ${JSON.stringify(data)}\n\n`;

  for (const connection of connections) {
    try {
      connection.write(sseData);
    } catch (error) {
      connections.delete(connection);
    }
  }
}

function publish(req, res) {
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    const { channel, event_type: eventType, data } = JSON.parse(Buffer.concat(chunks));
    broadcastToChannel(channel, eventType, data);
    res.writeHead(204).end();
  });
}

createServer((req, res) => {
  if (req.method === 'GET' && req.url.startsWith('/sse/')) follow(req, res);
  else if (req.method === 'POST' && req.url === '/publish') publish(req, res);
  else res.writeHead(404).end();
}).listen(Number(process.argv[2]), '127.0.0.1');
