/**
 * JSON Patch, RFC 6902, with the leniencies of the library upstream uses (evanphx/json-patch v4): negative indexes count
 * from the end, `replace` of a missing member adds it, a missing `value` is null, a missing member is tested as null.
 */
import { structuredCopy } from '../client.ts';
import { equalJSON } from '../equality.ts';
import { getMember, isObject, jsonTypeName, PatchError, setMember, type JSONObject } from './errors.ts';

/** Most operations of one patch; more are refused with 413. */
export const JSON_PATCH_OPERATIONS_MAX = 10000;

const OPERATION_MEMBERS = new Set(['op', 'from', 'path', 'value']);

type Container = JSONObject | unknown[];

interface Place {
  readonly container: Container;
  readonly key: string;
}

/** Holds the document, since an operation may replace it whole. */
interface Root {
  document: unknown;
}

/** Texts of what strict field validation finds in a patch: members that operations do not have. */
export function jsonPatchStrictErrors(patch: unknown): string[] {
  if (!Array.isArray(patch)) return [];
  return patch.flatMap((operation, index) =>
    Object.keys(isObject(operation) ? operation : {})
      .filter((key) => !OPERATION_MEMBERS.has(key))
      .map((key) => `json patch unknown field "[${index}].${key}"`),
  );
}

/**
 * Applies all operations or none: neither argument is changed. Throws PatchError: `bad-request` when the patch is not a
 * list of operations, `invalid` when one does not apply or a test fails.
 */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  const root: Root = { document: structuredCopy(document) };
  for (const operation of checkOperations(patch)) apply(root, operation);
  return root.document;
}

function checkOperations(patch: unknown): JSONObject[] {
  if (patch === null) return [];
  if (!Array.isArray(patch)) {
    throw new PatchError(
      'bad-request',
      `error decoding patch: json: cannot unmarshal ${jsonTypeName(patch)} into Go value of type []handlers.jsonPatchOp`,
    );
  }
  return patch.map((operation: unknown) => {
    if (operation === null) return {};
    if (!isObject(operation)) {
      throw new PatchError(
        'bad-request',
        `error decoding patch: json: cannot unmarshal ${jsonTypeName(operation)} into Go value of type handlers.jsonPatchOp`,
      );
    }
    for (const name of ['op', 'from', 'path']) {
      const member = getMember(operation, name) ?? '';
      if (typeof member === 'string') continue;
      throw new PatchError(
        'bad-request',
        `error decoding patch: json: cannot unmarshal ${jsonTypeName(member)} into Go struct field jsonPatchOp.${name} of type string`,
      );
    }
    return operation;
  });
}

function apply(root: Root, operation: JSONObject): void {
  const kind = (getMember(operation, 'op') ?? 'unknown') as string;
  switch (kind) {
    case 'add':
      return add(root, 'add', pathOf(operation, kind), valueOf(operation));
    case 'remove':
      return remove(locate(root, kind, pathOf(operation, kind)), kind);
    case 'replace':
      return replace(root, pathOf(operation, kind), valueOf(operation));
    case 'move': {
      const place = locate(root, kind, fromOf(operation, kind));
      const value = read(place, kind);
      remove(place, kind);
      return add(root, kind, pathOf(operation, kind), value);
    }
    case 'copy': {
      const value = read(locate(root, kind, fromOf(operation, kind)), kind);
      return add(root, kind, pathOf(operation, kind), structuredCopy(value));
    }
    case 'test':
      return test(root, pathOf(operation, kind), valueOf(operation));
    default:
      throw new PatchError('invalid', `Unexpected kind: ${kind}`);
  }
}

function valueOf(operation: JSONObject): unknown {
  return structuredCopy(getMember(operation, 'value') ?? null);
}

function pathOf(operation: JSONObject, kind: string): string {
  const path = getMember(operation, 'path');
  if (typeof path === 'string') return path;
  throw new PatchError('invalid', `${kind} operation failed to decode path: missing value`);
}

function fromOf(operation: JSONObject, kind: string): string {
  const from = getMember(operation, 'from');
  if (typeof from === 'string') return from;
  throw new PatchError('invalid', `${kind} operation failed to decode from: missing value`);
}

function decodeKey(key: string): string {
  return key.replace(/~[01]/g, (escape) => (escape === '~1' ? '/' : '~'));
}

/** Walks to the container that a path's last key is in. */
function locate(root: Root, kind: string, path: string): Place {
  const missing = (): PatchError =>
    new PatchError(
      'invalid',
      `${kind} operation does not apply: doc is missing path: "${path}": missing value`,
    );
  const keys = path.split('/').slice(1).map(decodeKey);
  const key = keys.pop();
  if (key === undefined || !isContainer(root.document)) throw missing();
  let container = root.document;
  for (const step of keys) {
    const next = Array.isArray(container)
      ? container[indexOf(step, container.length) ?? -1]
      : getMember(container, step);
    if (!isContainer(next)) throw missing();
    container = next;
  }
  return { container, key };
}

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null;
}

/** Index of an existing item; undefined when there is none. */
function indexOf(key: string, length: number): number | undefined {
  if (!/^[+-]?[0-9]+$/.test(key)) return undefined;
  const index = Number(key) < 0 ? Number(key) + length : Number(key);
  return index >= 0 && index < length ? index : undefined;
}

/** Index of an existing item, or an error. */
function existingIndex(place: Place & { readonly container: unknown[] }, kind: string): number {
  const index = indexOf(place.key, place.container.length);
  if (index !== undefined) return index;
  throw new PatchError(
    'invalid',
    `error in ${kind} for path: '${place.key}': Unable to access invalid index: ${place.key}: invalid index referenced`,
  );
}

function isListPlace(place: Place): place is Place & { readonly container: unknown[] } {
  return Array.isArray(place.container);
}

/** The value at a place; null for a missing member. */
function read(place: Place, kind: string): unknown {
  if (isListPlace(place)) return place.container[existingIndex(place, kind)];
  return getMember(place.container as JSONObject, place.key) ?? null;
}

function remove(place: Place, kind: string): void {
  if (isListPlace(place)) {
    place.container.splice(existingIndex(place, kind), 1);
    return;
  }
  if (!Object.hasOwn(place.container, place.key)) {
    throw new PatchError(
      'invalid',
      `error in ${kind} for path: '${place.key}': Unable to remove nonexistent key: ${place.key}: missing value`,
    );
  }
  delete (place.container as JSONObject)[place.key];
}

function add(root: Root, kind: string, path: string, value: unknown): void {
  const place = locate(root, kind, path);
  if (!isListPlace(place)) {
    setMember(place.container as JSONObject, place.key, value);
    return;
  }
  const list = place.container;
  // One place more than there are items: an item may be added behind the last.
  const index = place.key === '-' ? list.length : indexOf(place.key, list.length + 1);
  if (index === undefined) {
    throw new PatchError(
      'invalid',
      `error in ${kind} for path: '${path}': Unable to access invalid index: ${place.key}: invalid index referenced`,
    );
  }
  list.splice(index, 0, value);
}

function replace(root: Root, path: string, value: unknown): void {
  if (path === '') {
    if (!isContainer(value))
      throw new PatchError('invalid', 'replace operation value must be object or array');
    root.document = value;
    return;
  }
  const place = locate(root, 'replace', path);
  if (isListPlace(place)) place.container[existingIndex(place, 'replace')] = value;
  else setMember(place.container as JSONObject, place.key, value);
}

function test(root: Root, path: string, value: unknown): void {
  const found = path === '' ? root.document : read(locate(root, 'test', path), 'test');
  if (!equalJSON(found, value)) throw new PatchError('invalid', `testing value ${path} failed: test failed`);
}
