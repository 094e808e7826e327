/**
 * Strategic merge patch: merge patch that knows the merge keys and strategies of a type's lists, and directives inside
 * the patch (`$patch`, `$setElementOrder/x`, `$deleteFromPrimitiveList/x`, `$retainKeys`).
 * Mirrors apimachinery util/strategicpatch/patch.go StrategicMergeMapPatch.
 */
import { structuredCopy } from '../client.ts';
import { goValue } from '../go-format.ts';
import type { Schema, StructSchema } from '../schema.ts';
import { getMember, isObject, jsonTypeName, PatchError, setMember, type JSONObject } from './errors.ts';
import {
  addAllScalars,
  checkElementTypes,
  mergeKeyOf,
  orderMerged,
  partitionByKey,
  partitionScalars,
  wrongType,
} from './strategic-lists.ts';
import { type FieldRules, lookUp, lookUpList, goKind } from './strategic-fields.ts';

const PATCH = '$patch';
const RETAIN_KEYS = '$retainKeys';
const DELETE_FROM_LIST = '$deleteFromPrimitiveList';
const SET_ORDER = '$setElementOrder';

/**
 * Applies a patch to a document of the given type; none of the arguments is changed. The result shares with the document
 * what the patch does not touch.
 * Throws PatchError: `bad-request` for directives of the wrong shape, `invalid` for lists of lists, `unknown` for
 * what does not fit the type (missing merge keys, unknown fields inside merged objects).
 */
export function applyStrategicMergePatch(
  schema: StructSchema,
  document: unknown,
  patch: unknown,
): JSONObject {
  if (patch !== null && !isObject(patch)) {
    throw new PatchError(
      'bad-request',
      `json: cannot unmarshal ${jsonTypeName(patch)} into Go value of type map[string]interface {}`,
    );
  }
  const given = patch ?? {};
  return mergeObject(copyTouched(isObject(document) ? document : {}, given), structuredCopy(given), schema);
}

/** A copy as deep as the patch looks into it; directives may look anywhere. */
function copyTouched(document: JSONObject, patch: JSONObject): JSONObject {
  if (Object.keys(patch).some((key) => key.startsWith('$'))) return structuredCopy(document);
  const copy = { ...document };
  for (const key of Object.keys(patch)) {
    const member = getMember(document, key);
    const change = patch[key];
    if (member === undefined) continue;
    setMember(
      copy,
      key,
      isObject(member) && isObject(change) ? copyTouched(member, change) : structuredCopy(member),
    );
  }
  return copy;
}

/** Merges `patch` into `original`; both are used up. */
function mergeObject(original: JSONObject, patch: JSONObject, schema: Schema): JSONObject {
  const directive = getMember(patch, PATCH);
  if (directive !== undefined) return applyObjectDirective(directive, patch);
  retainKeys(original, patch);
  mergeOrderedLists(original, patch, schema);
  for (const key of Object.keys(patch)) mergeMember(original, key, patch[key], schema);
  return original;
}

function applyObjectDirective(directive: unknown, patch: JSONObject): JSONObject {
  if (directive === 'replace') {
    delete patch[PATCH];
    return patch;
  }
  if (directive === 'delete') return {};
  throw new PatchError('unknown', `unknown patch type: ${goValue(directive)} in map: ${goValue(patch)}`);
}

/** `$retainKeys`: drops every member of `original` that it does not name. */
function retainKeys(original: JSONObject, patch: JSONObject): void {
  const directive = getMember(patch, RETAIN_KEYS);
  if (directive === undefined) return;
  delete patch[RETAIN_KEYS];
  const refuse = (): PatchError => new PatchError('bad-request', 'invalid patch format of retainKeys');
  if (!Array.isArray(directive)) throw refuse();
  const kept = new Set<unknown>(directive);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || key.startsWith(DELETE_FROM_LIST) || key.startsWith(SET_ORDER)) continue;
    if (!kept.has(key)) throw refuse();
  }
  for (const key of Object.keys(original)) {
    if (!kept.has(key)) delete original[key];
  }
}

/** Name of the list that a directive such as `$setElementOrder/containers` is for. */
function directiveTarget(key: string, prefix: string): string {
  const slash = key.indexOf('/');
  if (slash >= 0 && key.slice(0, slash) === prefix) return key.slice(slash + 1);
  throw new PatchError(
    'bad-request',
    prefix === SET_ORDER
      ? 'invalid patch format of setElementOrder list'
      : 'invalid patch format of primitive list',
  );
}

/** `$setElementOrder/x`: merges list x, then puts it in the given order. Takes what it handled out of the patch. */
function mergeOrderedLists(original: JSONObject, patch: JSONObject, schema: Schema): void {
  for (const directive of Object.keys(patch)) {
    if (!directive.startsWith(SET_ORDER)) continue;
    const order = listOf(patch[directive])!;
    delete patch[directive];
    const key = directiveTarget(directive, SET_ORDER);
    const originalList = listOf(getMember(original, key));
    const patchList = listOf(getMember(patch, key));
    const rules = lookUpList(schema, key);
    if (patchList !== undefined) checkAgainstOrder(patchList, order, rules.mergeKey);
    if (originalList === undefined && patchList === undefined) continue;
    const isMaps = checkElementTypes(originalList ?? [], patchList ?? []);
    const before =
      isMaps && rules.strategy === 'merge'
        ? placesAfterMerge(originalList ?? [], patchList ?? [], rules.mergeKey)
        : (originalList ?? []);
    const merged = mergeOrderedList(originalList, patchList, rules);
    const [patched, serverOnly] =
      rules.mergeKey === '' ? partitionScalars(merged, order) : partitionByKey(merged, order, rules.mergeKey);
    setMember(
      original,
      key,
      orderMerged({ patched, serverOnly, order, before, mergeKey: rules.mergeKey, isMaps }),
    );
    delete patch[key];
  }
}

/**
 * The list that `$setElementOrder` takes the places of server-only items from. Upstream merges into the slice it later
 * reads them from: items the patch deletes make room at its end, which added items fill as far as the length goes.
 */
function placesAfterMerge(
  original: readonly unknown[],
  patch: readonly unknown[],
  mergeKey: string,
): unknown[] {
  const items = patch as readonly JSONObject[];
  const isDeletion = (item: JSONObject): boolean => getMember(item, PATCH) === 'delete';
  const deleted = new Set(items.filter(isDeletion).map((item) => getMember(item, mergeKey)));
  const kept = original.filter((item) => !deleted.has(getMember(item as JSONObject, mergeKey)));
  if (items.some((item) => getMember(item, PATCH) === 'replace')) return kept;
  const known = new Set(kept.map((item) => getMember(item as JSONObject, mergeKey)));
  const added = items.filter((item) => !isDeletion(item) && !known.has(getMember(item, mergeKey)));
  return [...kept, ...added].slice(0, original.length);
}

function mergeOrderedList(
  original: unknown[] | undefined,
  patch: unknown[] | undefined,
  rules: FieldRules,
): unknown[] {
  if (patch === undefined) return original ?? [];
  if (original === undefined) return withoutDirectives(patch) as unknown[];
  return mergeListField(original, patch, rules, false);
}

/** Undefined stays; anything else must be a list. */
function listOf(value: unknown): unknown[] | undefined {
  if (value === undefined || Array.isArray(value)) return value as unknown[] | undefined;
  throw wrongType('[]interface {}', value);
}

/** Items of the patch must be in the order list too, in the same order. */
function checkAgainstOrder(patch: readonly unknown[], order: readonly unknown[], mergeKey: string): void {
  if (patch.length === 0 || order.length === 0) return;
  if (mergeKey !== '') {
    const stray = patch.find((item) => !isObject(item));
    if (stray !== undefined) throw wrongType('map[string]interface {}', stray);
  }
  const directiveOf = (item: unknown): unknown => (isObject(item) ? getMember(item, PATCH) : undefined);
  const changed = patch.filter((item) => directiveOf(item) !== 'delete');
  let next = 0;
  let place = 0;
  while (next < changed.length && place < order.length) {
    const item = changed[next];
    if (directiveOf(item) !== undefined) next++;
    else {
      const other = order[place++];
      const same =
        mergeKey === '' ? item === other : mergeKeyOf(item, mergeKey) === mergeKeyOf(other, mergeKey);
      if (same) next++;
    }
  }
  if (next >= changed.length) return;
  throw new PatchError(
    'unknown',
    `The order in patch list:\n${goValue(patch)}\n doesn't match ${SET_ORDER} list:\n${goValue(order)}\n`,
  );
}

function mergeMember(original: JSONObject, patchKey: string, patchValue: unknown, schema: Schema): void {
  const isDeletion = patchKey.startsWith(DELETE_FROM_LIST);
  const key = isDeletion ? directiveTarget(patchKey, DELETE_FROM_LIST) : patchKey;
  if (patchValue === null) {
    delete original[key];
    return;
  }
  const current = getMember(original, key);
  if (current === undefined || jsonTypeName(current) !== jsonTypeName(patchValue)) {
    if (isDeletion) return;
    const value = withoutDirectives(withoutNulls(patchValue));
    if (value === undefined) delete original[key];
    else setMember(original, key, value);
    return;
  }
  setMember(original, key, mergeValue(current, patchValue, schema, key, isDeletion));
}

/** Both values are of the same JSON type. */
function mergeValue(
  current: unknown,
  patch: unknown,
  schema: Schema,
  key: string,
  isDeletion: boolean,
): unknown {
  if (Array.isArray(current) && Array.isArray(patch)) {
    return mergeListField(current, patch, lookUpList(schema, key), isDeletion);
  }
  if (isObject(current) && isObject(patch)) {
    const rules = lookUp(schema, key);
    return rules.strategy === 'replace' ? patch : mergeObject(current, patch, rules.schema);
  }
  return patch;
}

function mergeListField(
  original: unknown[],
  patch: unknown[],
  rules: FieldRules,
  isDeletion: boolean,
): unknown[] {
  if (rules.strategy !== 'merge' && !isDeletion) return patch;
  if (original.length === 0 && patch.length === 0) return original;
  const isMaps = checkElementTypes(original, patch);
  if (!isMaps && isDeletion) {
    const gone = new Set(patch);
    return original.filter((item) => !gone.has(item));
  }
  const { mergeKey } = rules;
  let before = original;
  let changes = patch;
  let merged: unknown[];
  if (isMaps) {
    if (mergeKey === '') {
      throw new PatchError('unknown', `cannot merge lists without merge key for ${goKind(rules.schema)}`);
    }
    ({ original: before, patch: changes } = applyItemDirectives(original, patch, mergeKey));
    merged = mergeItems(before, changes as JSONObject[], rules);
  } else merged = addAllScalars(original, patch);
  const [patched, serverOnly] =
    mergeKey === '' ? partitionScalars(merged, changes) : partitionByKey(merged, changes, mergeKey);
  return orderMerged({ patched, serverOnly, order: changes, before, mergeKey, isMaps });
}

/** Items with `$patch`: `delete` takes the item of that key away, `replace` anywhere makes the patch the whole list. */
function applyItemDirectives(
  original: readonly unknown[],
  patch: readonly unknown[],
  mergeKey: string,
): { original: unknown[]; patch: unknown[] } {
  const plain: unknown[] = [];
  const deleted = new Set<unknown>();
  let isReplaced = false;
  for (const item of patch as JSONObject[]) {
    const directive = getMember(item, PATCH);
    if (directive === undefined) plain.push(item);
    else if (directive === 'delete') deleted.add(mergeKeyOf(item, mergeKey));
    else if (directive === 'replace') isReplaced = true;
    else if (directive === 'merge') {
      throw new PatchError('unknown', 'merging lists cannot yet be specified in the patch');
    } else {
      throw new PatchError('unknown', `unknown patch type: ${goValue(directive)} in map: ${goValue(item)}`);
    }
  }
  if (isReplaced) return { original: plain, patch: [] };
  const kept = original.filter((item) => !deleted.has(getMember(item as JSONObject, mergeKey)));
  return { original: kept, patch: plain };
}

/** Merges items of the same merge key, adds the others behind. `original` stays as it is, its items change. */
function mergeItems(
  original: readonly unknown[],
  patch: readonly JSONObject[],
  rules: FieldRules,
): unknown[] {
  const merged = [...original] as JSONObject[];
  const places = new Map<unknown, number>();
  merged.forEach((item, index) => {
    const key = getMember(item, rules.mergeKey);
    if (key !== undefined && !places.has(key)) places.set(key, index);
  });
  for (const item of patch) {
    const key = mergeKeyOf(item, rules.mergeKey);
    const place = places.get(key);
    if (place === undefined) {
      places.set(key, merged.length);
      merged.push(item);
    } else merged[place] = mergeObject(merged[place]!, structuredCopy(item), rules.schema);
  }
  return merged;
}

/** A copy without null members at any depth. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  const kept: JSONObject = {};
  for (const key of Object.keys(value)) {
    if (value[key] !== null) setMember(kept, key, withoutNulls(value[key]));
  }
  return kept;
}

/** A copy without the objects that carry `$patch`; undefined when the value is one itself. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((item) => item !== undefined);
  if (!isObject(value)) return value;
  if (getMember(value, PATCH) !== undefined) return undefined;
  const kept: JSONObject = {};
  for (const key of Object.keys(value)) {
    const member = withoutDirectives(value[key]);
    if (member !== undefined) setMember(kept, key, member);
  }
  return kept;
}
