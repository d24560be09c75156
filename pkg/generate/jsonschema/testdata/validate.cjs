// Reads [{schema, data: [text…]}…] and writes, for each, whether the official
// meta-schema of 2020-12 accepts the schema, and which data the schema accepts.
const path = require('node:path');
const { createRequire } = require('node:module');
const need = createRequire(path.join(process.argv[2], 'package.json'));
const Ajv = need('ajv/dist/2020').default;
const formats = need('ajv-formats').default;
let text = '';
process.stdin.on('data', (b) => (text += b));
process.stdin.on('end', () => {
  const out = JSON.parse(text).map(({ schema, data }) => {
    const ajv = new Ajv({ strict: true, allErrors: true, validateSchema: true });
    formats(ajv);
    try {
      const check = ajv.compile(schema);
      return { fault: '', accepts: data.map((d) => check(JSON.parse(d))) };
    } catch (e) {
      return { fault: e.message, accepts: [] };
    }
  });
  process.stdout.write(JSON.stringify(out));
});
