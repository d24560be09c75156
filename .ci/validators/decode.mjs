// Reads { streams: source, cases: [{ stream, event, text }, …] } and decodes each
// text as the client library does, by the generated descriptors: prints what the
// data is, a bigint as 7n, or why it was refused.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';

const { streams, cases } = JSON.parse(readFileSync(0, 'utf8'));
const dir = mkdtempSync(join(tmpdir(), 'decode-'));
const client = join(dir, 'node_modules', '@runnel-sse', 'client');
const source = join(import.meta.dirname, '..', '..', 'clients', 'typescript', 'src');
const script = (text) =>
  ts.transpileModule(text, { compilerOptions: { target: 'ES2022', module: 'ESNext', verbatimModuleSyntax: true } }).outputText;
try {
  mkdirSync(client, { recursive: true });
  for (const name of readdirSync(source).filter((n) => n.endsWith('.ts')))
    writeFileSync(join(client, name.replace(/ts$/, 'js')), script(readFileSync(join(source, name), 'utf8')));
  writeFileSync(join(client, 'package.json'), '{"type":"module","exports":{".":"./index.js"}}');
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  writeFileSync(join(dir, 'streams.js'), script(streams));

  const { descriptors } = await import(join(dir, 'streams.js'));
  const { decode } = await import(join(client, 'decode.js'));
  const { strict } = await import(join(client, 'strict.js'));
  const results = cases.map(({ stream, event, text }) => {
    const got = decode(event, descriptors.streams[stream].events[event], text, strict(descriptors.int64 === 'bigint', true));
    return got instanceof Error ? `${got.code}: ${got.message}` : JSON.stringify(got.data, (_, v) => (typeof v === 'bigint' ? `${v}n` : v));
  });
  console.log(JSON.stringify(results));
} finally {
  rmSync(dir, { recursive: true });
}
