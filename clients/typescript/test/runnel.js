// A real `runnel dev` for tests, and why there is none.
import { execFile, execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { until } from './server.js';

const binary = path.join(path.dirname(new URL(import.meta.url).pathname), '../../../bin/runnel');
export const missing = fs.existsSync(binary) ? false : 'bin/runnel is not built (make clients/test builds it)';
if (missing && process.env.CI) throw new Error(`in CI nothing may be missing: ${missing}`);

/** Starts one on free ports, or where an earlier one was; `origins` are the pages that may read it. */
export async function dev({ origins = [], addr = '127.0.0.1:0', data } = {}) {
  const child = spawn(binary, ['dev', '--addr', addr, '--control-addr', '127.0.0.1:0', ...(data ? ['--data', data] : []), ...origins.flatMap((o) => ['--allow-origin', o])]);
  let said = '';
  child.stdout.on('data', (b) => (said += b));
  child.stderr.on('data', (b) => (said += b));
  await until(() => /for tickets/.test(said), 'runnel dev');
  const [, url] = /serves (http:\S+?),? /.exec(said);
  const [, control] = /and (http:\S+) for tickets/.exec(said);
  return {
    url,
    control,
    async publish(channel, type, data) {
      await promisify(execFile)(binary, ['publish', '--url', url, channel, type, JSON.stringify(data)]);
    },
    /** Messages in one request: quicker than a process for each. */
    async publishAll(messages) {
      const r = await fetch(`${url}/publish`, { method: 'POST', headers: { 'Content-Type': 'application/x-ndjson' }, body: messages.map((m) => JSON.stringify(m)).join('\n') });
      if (!r.ok) throw new Error(await r.text());
    },
    subscribers: async (channel) => (await (await fetch(`${control}/presence/${channel}`)).json()).subscribers,
    stop: () => new Promise((done) => (child.exitCode ?? child.signalCode) !== null ? done() : (child.once('exit', done), child.kill())),
  };
}

export const mint = (subject, ttl = '1h') => execFileSync(binary, ['token', '--sub', subject, '--ttl', ttl]).toString().trim();
