// Reads [{ schema, data: [text, …] }, …] and prints for each schema which of the
// data it takes: [[true, false, …], …]. A schema that the meta-schema of 2020-12
// does not take, or that ajv finds odd, is an error.
import { readFileSync } from 'node:fs';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const cases = JSON.parse(readFileSync(0, 'utf8'));
const results = cases.map(({ schema, data }) => {
  const ajv = new Ajv2020.default({ strict: true, strictTypes: true, strictRequired: true, allErrors: false });
  addFormats.default(ajv);
  const parsed = JSON.parse(schema);
  if (!ajv.validateSchema(parsed)) throw new Error(`${parsed.$id}: ${ajv.errorsText()}`);
  const validate = ajv.compile(parsed);
  return data.map((text) => validate(JSON.parse(text)));
});
console.log(JSON.stringify(results));
