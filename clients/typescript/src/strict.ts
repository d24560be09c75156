// What decoding takes beyond JSON.parse: no 64-bit integer is silently rounded, it
// is exact or the event is reported; and the shape that the definition has. Loaded
// where there are such integers, or the shape is asked for.
import type { Box, Strict } from './decode.js';
import type { Shape } from './types.js';

/** Calls f for each value at a path below `it`, with the boxes that hold it; `*` is every member. */
function each(boxes: readonly Box[], path: string, f: (boxes: readonly Box[], name: string) => void): void {
  const walk = (at: readonly unknown[], [head = '', ...rest]: readonly string[]): void => {
    const box = at[0];
    if (typeof box !== 'object' || !box) return;
    for (const name of head === '*' ? Object.keys(box) : Object.hasOwn(box, head) ? [head] : [])
      if (rest.length) walk(at.map((b) => (b as Box)[name]), rest);
      else f(at as readonly Box[], name);
  };
  walk(boxes, `it.${path}`.split('.'));
}

/** The text with its long integers as strings, which lose nothing. */
const exact = (text: string) => text.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (s) => (/^-?\d{16,}$/.test(s) ? `"${s}"` : s));

/** What is wrong with a value, or ''. */
function wrong(v: unknown, shape: Shape, path: string): string {
  const fault = (want: string) => `${path || 'its data'} is ${v === null ? 'null' : Array.isArray(v) ? 'a list' : typeof v}, want ${want}`;
  if (typeof shape === 'string') {
    const ok = shape === 'any' ? v !== undefined : shape === 'integer' ? typeof v === 'bigint' || Number.isInteger(v) : typeof v === shape;
    return ok ? '' : fault(shape);
  }
  if ('optional' in shape) return v === undefined || v === null ? '' : wrong(v, shape.optional, path);
  if ('oneOf' in shape) return shape.oneOf.includes(v as string) ? '' : fault(`one of ${shape.oneOf.join(', ')}`);
  if ('list' in shape) return Array.isArray(v) ? first(v.keys(), (i) => wrong(v[i], shape.list, `${path}.${i}`)) : fault('a list');
  if (typeof v !== 'object' || v === null || Array.isArray(v)) return fault('an object');
  const box = v as Box;
  if ('map' in shape) return first(Object.keys(box), (k) => wrong(box[k], shape.map, `${path}.${k}`));
  return first(Object.keys(shape.fields), (k) => wrong(Object.hasOwn(box, k) ? box[k] : undefined, shape.fields[k]!, path ? `${path}.${k}` : k));
}

function first<T>(list: Iterable<T>, f: (x: T) => string): string {
  for (const x of list) {
    const s = f(x);
    if (s) return s;
  }
  return '';
}

function bigints(box: Box, paths: readonly string[], text: string): void {
  const twin = { it: JSON.parse(exact(text)) as unknown };
  for (const path of paths)
    each([box, twin], path, ([b, t], name) => {
      if (Number.isInteger(b![name])) b![name] = BigInt(t![name] as string | number);
    });
}

function rounded(box: Box, paths: readonly string[]): string {
  let which = '';
  for (const path of paths)
    each([box], path, ([b], name) => {
      // Whatever was beyond it is still so when it was rounded.
      if (typeof b![name] === 'number' && !Number.isSafeInteger(b![name])) which = path;
    });
  return which && `${which} is beyond 2^53 and would be rounded`;
}

export const strict =
  (big: boolean, shapes: boolean): Strict =>
  (box, { int64 = [], fields }, text) => {
    if (big && int64.length) bigints(box, int64, text);
    return (!big && rounded(box, int64)) || (shapes && fields ? wrong(box.it, { fields }, '') : '');
  };
