/** JSON Merge Patch, RFC 7386. */
import { structuredCopy } from '../client.ts';
import { getMember, isObject, jsonTypeName, PatchError, setMember, type JSONObject } from './errors.ts';

/**
 * Merges a patch into a document; neither is changed. Nulls delete, and do not survive inside values that are new.
 * Throws PatchError `bad-request` when the patch is not an object.
 */
export function applyMergePatch(document: unknown, patch: unknown): unknown {
  if (patch === null || patch === undefined) throw new PatchError('bad-request', 'Invalid JSON Patch');
  if (!isObject(patch)) {
    throw new PatchError(
      'bad-request',
      `error decoding patch: json: cannot unmarshal ${jsonTypeName(patch)} into Go value of type map[string]interface {}`,
    );
  }
  return merge(document, patch);
}

function merge(current: unknown, patch: unknown): unknown {
  if (!isObject(current)) return pruned(patch);
  if (!isObject(patch)) return structuredCopy(patch);
  const merged: JSONObject = {};
  for (const key of Object.keys(current)) {
    const change = getMember(patch, key);
    if (change === null) continue;
    const value = current[key];
    if (change === undefined) setMember(merged, key, structuredCopy(value));
    else setMember(merged, key, value === null ? pruned(change) : merge(value, change));
  }
  for (const key of Object.keys(patch)) {
    if (patch[key] !== null && !Object.hasOwn(current, key)) setMember(merged, key, pruned(patch[key]));
  }
  return merged;
}

/** A copy without null members at any depth; null items of lists stay. */
function pruned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(pruned);
  if (!isObject(value)) return value;
  const kept: JSONObject = {};
  for (const key of Object.keys(value)) {
    if (value[key] !== null) setMember(kept, key, pruned(value[key]));
  }
  return kept;
}
