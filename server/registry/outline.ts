/** What tables and lists of metadata show of an object, taken from its JSON without decoding what they do not show. */
import { parseJSON, stringifyJSON } from '../../api/machinery/json.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';

/** Both are made when they are asked for. */
export interface Outline {
  /** The object; `metadata.managedFields` may be left out. */
  readonly object: UnknownObject;
  /** JSON of all of its metadata. */
  readonly metadata: string;
}

const METADATA = Buffer.from(',"metadata":{');
const MANAGED_FIELDS = Buffer.from(',"managedFields":[');
const [QUOTE, BACKSLASH, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x22, 0x5c, 0x5d, 0x7b, 0x7d];
/** Numbers of so many digits may be beyond what the platform's parser reads exactly. */
const LONG_NUMBER = /\d{16}/;

export function parseExactly(text: string): UnknownObject {
  return (LONG_NUMBER.test(text) ? parseJSON(text).value : JSON.parse(text)) as UnknownObject;
}

export function outlineOf(object: UnknownObject): Outline {
  return {
    object,
    get metadata() {
      return stringifyJSON(object.metadata);
    },
  };
}

/**
 * Of compact JSON in canonical form: kind and apiVersion come before metadata, managed fields, often half of an object, last in
 * it. `object`, when it is decoded already, saves decoding it.
 */
export function outlineOfJSON(json: Buffer, object?: UnknownObject): Outline {
  const start = json.indexOf(METADATA) + METADATA.length - 1;
  const end = start < METADATA.length ? -1 : endOfObject(json, start);
  if (end < 0) return outlineOf(object ?? parseExactly(json.toString('utf8')));
  return {
    get object() {
      return object ?? parseExactly(withoutManagedFields(json, start, end));
    },
    get metadata() {
      return json.toString('utf8', start, end);
    },
  };
}

/** The text of an object whose metadata stand between the two indexes. */
function withoutManagedFields(json: Buffer, start: number, end: number): string {
  const at = json.indexOf(MANAGED_FIELDS, start);
  if (at < 0 || at >= end || json[end - 2] !== CLOSE_BRACKET) return json.toString('utf8');
  return `${json.toString('utf8', 0, at)}${json.toString('utf8', end - 1)}`;
}

/** Index behind the object that begins at `start`; -1 when it does not end. */
function endOfObject(json: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < json.length; at++) {
    const byte = json[at];
    if (byte === QUOTE) at = endOfText(json, at);
    else if (byte === OPEN_BRACE) depth++;
    else if (byte === CLOSE_BRACE && --depth === 0) return at + 1;
  }
  return -1;
}

/** Index of the quote that ends the text which begins at `start`. */
function endOfText(json: Buffer, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  return at;
}
