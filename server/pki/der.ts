/** The little of DER that certificates need. */

type Part = Uint8Array;

/** One element: tag, length, contents. */
function element(tag: number, ...contents: readonly Part[]): Buffer {
  const body = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

export const sequence = (...contents: readonly Part[]): Buffer => element(0x30, ...contents);
export const set = (...contents: readonly Part[]): Buffer => element(0x31, ...contents);
/** `[number]`, constructed. */
export const context = (number: number, ...contents: readonly Part[]): Buffer =>
  element(0xa0 | number, ...contents);
/** `[number]`, primitive. */
export const contextBytes = (number: number, contents: Part): Buffer => element(0x80 | number, contents);
export const boolean = (value: boolean): Buffer => element(0x01, Buffer.from([value ? 0xff : 0]));
export const octets = (contents: Part): Buffer => element(0x04, contents);
export const utf8 = (text: string): Buffer => element(0x0c, Buffer.from(text));

/** A non-negative integer from its big-endian bytes. */
export function integer(bytes: Part): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0);
  const trimmed = start < 0 ? Buffer.from([0]) : Buffer.from(bytes.subarray(start));
  return element(0x02, trimmed[0]! >= 0x80 ? Buffer.concat([Buffer.from([0]), trimmed]) : trimmed);
}

/** Bits that fill whole bytes, or a named bit list with `unused` bits at the end. */
export function bits(bytes: Part, unused = 0): Buffer {
  return element(0x03, Buffer.from([unused]), bytes);
}

/** An object identifier in dotted form. */
export function oid(text: string): Buffer {
  const [first, second, ...rest] = text.split('.').map(Number) as [number, number, ...number[]];
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const groups = [part & 0x7f];
    for (let left = part >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return element(0x06, Buffer.from(bytes));
}

/** A time: the two-digit form up to 2049, the four-digit one after. */
export function time(epochMs: number): Buffer {
  const text = `${new Date(epochMs).toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
  return Number(text.slice(0, 4)) < 2050
    ? element(0x17, Buffer.from(text.slice(2)))
    : element(0x18, Buffer.from(text));
}
