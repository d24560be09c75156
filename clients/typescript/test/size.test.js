// What a page has to load for the core: what is loaded on demand is not in it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

test('the core is under 6 kB gzipped', async () => {
  const { outputFiles } = await build({ entryPoints: [new URL('../dist/index.js', import.meta.url).pathname], bundle: true, minify: true, splitting: true, format: 'esm', outdir: '/out', write: false });
  const sizes = Object.fromEntries(outputFiles.map((f) => [f.path.replace('/out/', ''), gzipSync(f.contents, { level: 9 }).length]));
  // The entry, and the chunks that it imports at once.
  const entry = outputFiles.find((f) => f.path.endsWith('/index.js'));
  const needed = new Set();
  const need = (f) => {
    if (!f || needed.has(f.path)) return;
    needed.add(f.path);
    for (const [, name] of f.text.matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)) need(outputFiles.find((g) => g.path.endsWith(`/${name}`)));
  };
  need(entry);
  const core = gzipSync(Buffer.concat(outputFiles.filter((f) => needed.has(f.path)).map((f) => f.contents)), { level: 9 }).length;
  const fetching = core + Object.entries(sizes).find(([name]) => name.startsWith('fetch'))[1];
  console.log(`core ${core} bytes gzipped, ${fetching} with the fetch transport; all parts`, sizes);
  assert.ok(core < 6000, `${core}`);
});
