/**
 * `kubectl apply` without `--server-side` keeps what it applied in an annotation. A server-side apply by `kubectl` goes on
 * from there. Mirrors apimachinery util/managedfields internal/lastapplied.go, lastappliedmanager.go and
 * lastappliedupdater.go.
 */
import { ANNOTATIONS_SIZE_BYTES_MAX } from '../label-validation.ts';
import { structuredCopy } from '../client.ts';
import { JSONError, parseJSON, stringifyJSON } from '../json.ts';
import type { UnknownObject } from '../object-meta.ts';
import { compareValues } from './compare.ts';
import { difference, EMPTY_SET, hasPath, type FieldSet } from './field-set.ts';
import { fieldSetOf } from './field-set-of.ts';
import { findMisfits, TypedError } from './typed-value.ts';
import type { Conflict, TypedObject } from './updater.ts';

const LAST_APPLIED_ANNOTATION = 'kubectl.kubernetes.io/last-applied-configuration';
/** The manager whose applies take the annotation into account. */
export const LAST_APPLIED_MANAGER = 'kubectl';

/** Conflicts on fields that are no longer as the client-side apply left them. */
export function conflictsBesidesLastApplied(
  conflicts: readonly Conflict[],
  live: TypedObject,
): readonly Conflict[] {
  const allowed = fieldsAsLastApplied(live);
  return conflicts.filter(({ path }) => !hasPath(allowed, path));
}

/** Fields that the annotation has as the object has them. */
function fieldsAsLastApplied({ value, apiVersion, type }: TypedObject): FieldSet {
  const text = (value as UnknownObject).metadata.annotations?.[LAST_APPLIED_ANNOTATION] ?? '';
  if (text === '') return EMPTY_SET;
  try {
    const config = parseJSON(text).value as UnknownObject;
    const misfits = findMisfits(type, config, false).length + findMisfits(type, value, false).length;
    if (misfits > 0 || config?.apiVersion !== apiVersion) return EMPTY_SET;
    const { removed, written } = compareValues(type, config, value);
    return difference(difference(fieldSetOf(type, config), written), removed);
  } catch (error) {
    if (error instanceof JSONError || error instanceof TypedError) return EMPTY_SET;
    throw error;
  }
}

/** Brings the annotation of `object` up to the applied configuration, in place, when it has one. */
export function updateLastApplied(object: UnknownObject, config: UnknownObject): void {
  const { annotations } = object.metadata;
  if ((annotations?.[LAST_APPLIED_ANNOTATION] ?? '') === '') return;
  annotations![LAST_APPLIED_ANNOTATION] = lastAppliedText(config);
  let size = 0;
  for (const [key, value] of Object.entries(annotations!))
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
  if (size > ANNOTATIONS_SIZE_BYTES_MAX) delete annotations![LAST_APPLIED_ANNOTATION];
}

/** The configuration as the annotation holds it: keys sorted, the annotation itself left out, a newline behind. */
function lastAppliedText(config: UnknownObject): string {
  const copy = sortedCopy(structuredCopy(config)) as UnknownObject;
  const annotations = copy.metadata?.annotations;
  if (typeof annotations === 'object' && annotations !== null) delete annotations[LAST_APPLIED_ANNOTATION];
  return `${stringifyJSON(copy)}\n`;
}

function sortedCopy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedCopy);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([key, member]) => [key, sortedCopy(member)]));
}
