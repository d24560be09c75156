// Publishes an event on `runnel dev`. A deployed service drops it onto the queue instead.
const base = process.env.RUNNEL_URL ?? 'http://127.0.0.1:8080';

export async function publish(channel, event_type, data) {
  const r = await fetch(`${base}/publish`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ channel, event_type, data }),
  });
  if (!r.ok) throw new Error(`${channel} ${event_type}: ${(await r.json()).detail ?? r.statusText}`);
}

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));
