// Reads [document, …] and prints what AsyncAPI's own parser finds wrong in each, and
// what it finds: [{ wrong: [message, …], channels: [address, …], messages: 3 }, …].
// What is advice (a license, tags) is left out.
import { readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';

const parser = new Parser();
const results = [];
for (const text of JSON.parse(readFileSync(0, 'utf8'))) {
  const { document, diagnostics } = await parser.parse(text);
  const wrong = diagnostics.filter((d) => d.severity <= 1).map((d) => `${d.code} at ${d.path.join('.')}: ${d.message}`);
  if (!document && !wrong.length) wrong.push('no document, and no reason');
  results.push({
    wrong,
    channels: document?.channels().all().map((c) => c.address()) ?? [],
    messages: document?.messages().all().length ?? 0,
  });
}
console.log(JSON.stringify(results));
