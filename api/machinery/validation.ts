/**
 * Builders of field errors, with upstream's text behind the path, and the checks of metadata that hold for every kind.
 * Mirrors apimachinery util/validation/field/errors.go and api/validation/objectmeta.go.
 */
import type { FieldError, FieldErrorType } from './errors.ts';
import { equalJSON } from './equality.ts';
import { path as newPath, type FieldPath } from './field-path.ts';
import { byteLength, compareText, goJSON, goQuote, goStringSlice, isPrintable } from './go-format.ts';
import { parseGroupVersion } from './gvk.ts';
import { checkDNS1123Label, checkLabelValue, checkName, checkQualifiedName, type NameRule } from './names.ts';
import type { ManagedFieldsEntry, ObjectMeta, OwnerReference } from './object-meta.ts';

/** A path, built or written out. */
export type PathOrText = FieldPath | string;

function fieldError(type: FieldErrorType, path: PathOrText, label: string, detail: string): FieldError {
  return { type, field: String(path), message: detail === '' ? label : `${label}: ${detail}` };
}

/** A value as error texts show it: strings quoted, scalars bare, all else as JSON (`undefined` as `null`). */
function shown(value: unknown): string {
  return typeof value === 'string' ? goQuote(value) : goJSON(value);
}

/** `Required value[: detail]`. */
export function required(path: PathOrText, detail = ''): FieldError {
  return fieldError('FieldValueRequired', path, 'Required value', detail);
}

/** `Invalid value: "v": detail`. */
export function invalid(path: PathOrText, value: unknown, detail: string): FieldError {
  return fieldError('FieldValueInvalid', path, `Invalid value: ${shown(value)}`, detail);
}

/** `Unsupported value: "v": supported values: "A", "B"`; a set is listed sorted, an array in its own order. */
export function notSupported(
  path: PathOrText,
  value: unknown,
  allowed: readonly string[] | ReadonlySet<string>,
): FieldError {
  const values = Array.isArray(allowed) ? (allowed as readonly string[]) : [...allowed].sort(compareText);
  const detail = values.length === 0 ? '' : `supported values: ${values.map(goQuote).join(', ')}`;
  return fieldError('FieldValueNotSupported', path, `Unsupported value: ${shown(value)}`, detail);
}

/** `Forbidden[: detail]`. */
export function forbidden(path: PathOrText, detail: string): FieldError {
  return fieldError('FieldValueForbidden', path, 'Forbidden', detail);
}

/** `Duplicate value: "v"`. */
export function duplicate(path: PathOrText, value: unknown): FieldError {
  return fieldError('FieldValueDuplicate', path, `Duplicate value: ${shown(value)}`, '');
}

/** `Not found: "v"`. */
export function notFound(path: PathOrText, value: unknown): FieldError {
  return fieldError('FieldValueNotFound', path, `Not found: ${shown(value)}`, '');
}

/** `Too long: may not be more than N bytes`; a negative `max` is not told. The value is never shown. */
export function tooLong(path: PathOrText, _value: unknown, max: number): FieldError {
  const detail =
    max < 0 ? 'value is too long' : `may not be more than ${max} ${max === 1 ? 'byte' : 'bytes'}`;
  return fieldError('FieldValueTooLong', path, 'Too long', detail);
}

/** `Too many: 5: must have at most 3 items`; a negative number is not told. */
export function tooMany(path: PathOrText, actual: number, max: number): FieldError {
  const detail = max < 0 ? 'has too many items' : `must have at most ${max} ${max === 1 ? 'item' : 'items'}`;
  return fieldError('FieldValueTooMany', path, actual < 0 ? 'Too many' : `Too many: ${actual}`, detail);
}

/** `Internal error: why`. */
export function internal(path: PathOrText, error: unknown): FieldError {
  const why = error instanceof Error ? error.message : String(error);
  return fieldError('InternalError', path, 'Internal error', why);
}

/** Detail of a change to what may not change. */
export const IMMUTABLE_MESSAGE = 'field is immutable';

/** Errors when a value changed; `undefined` is shown as `null`. */
export function validateImmutable(path: PathOrText, value: unknown, old: unknown): FieldError[] {
  return equalJSON(value, old) ? [] : [invalid(path, value, IMMUTABLE_MESSAGE)];
}

/** Errors when a number is below zero. */
export function validateNonnegative(path: PathOrText, value: number): FieldError[] {
  return value < 0 ? [invalid(path, value, 'must be greater than or equal to 0')] : [];
}

/** One `invalid` a text that a check of names.ts returned. */
export function invalidEach(path: PathOrText, value: unknown, details: readonly string[]): FieldError[] {
  return details.map((detail) => invalid(path, value, detail));
}

/** All annotations of an object together, keys and values, in bytes. */
export const ANNOTATIONS_SIZE_BYTES_MAX = 262144;

/** Keys and values of labels. Errors name the map, not the key. */
export function validateLabels(
  labels: Readonly<Record<string, string>> | undefined,
  path: PathOrText,
): FieldError[] {
  if (labels === undefined || areLabels(labels)) return [];
  return sortedEntries(labels).flatMap(([key, value]) => [
    ...invalidEach(path, key, checkQualifiedName(key)),
    ...invalidEach(path, value, checkLabelValue(value)),
  ]);
}

function areLabels(labels: Readonly<Record<string, string>>): boolean {
  for (const key in labels)
    if (checkQualifiedName(key).length > 0 || checkLabelValue(labels[key]!).length > 0) return false;
  return true;
}

/** Keys of annotations and their size together. */
export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  path: PathOrText,
): FieldError[] {
  if (annotations === undefined) return [];
  let bytes = 0;
  const errors = sortedEntries(annotations).flatMap(([key, value]) => {
    bytes += byteLength(key) + byteLength(value);
    return invalidEach(path, key, checkQualifiedName(key.toLowerCase()));
  });
  if (bytes > ANNOTATIONS_SIZE_BYTES_MAX) errors.push(tooLong(path, '', ANNOTATIONS_SIZE_BYTES_MAX));
  return errors;
}

function sortedEntries(map: Readonly<Record<string, string>>): [string, string][] {
  const entries = Object.entries(map);
  return entries.length < 2 ? entries : entries.sort(([a], [b]) => compareText(a, b));
}

export interface LabelSelectorObject {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

/** A `metav1.LabelSelector`. */
export function validateLabelSelector(
  selector: LabelSelectorObject | undefined,
  path: FieldPath,
  options: { readonly allowInvalidValues?: boolean } = {},
): FieldError[] {
  if (selector === undefined) return [];
  const errors = validateLabels(selector.matchLabels, path.child('matchLabels'));
  (selector.matchExpressions ?? []).forEach((expression, index) => {
    const at = path.child('matchExpressions').index(index);
    const values = expression.values ?? [];
    switch (expression.operator) {
      case 'In':
      case 'NotIn':
        if (values.length === 0) {
          errors.push(required(at.child('values'), "must be specified when `operator` is 'In' or 'NotIn'"));
        }
        break;
      case 'Exists':
      case 'DoesNotExist':
        if (values.length > 0) {
          errors.push(
            forbidden(
              at.child('values'),
              "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            ),
          );
        }
        break;
      default:
        errors.push(invalid(at.child('operator'), expression.operator, 'not a valid selector operator'));
    }
    errors.push(...invalidEach(at.child('key'), expression.key, checkQualifiedName(expression.key)));
    if (options.allowInvalidValues === true) return;
    values.forEach((value, valueIndex) => {
      errors.push(...invalidEach(at.child('values').index(valueIndex), value, checkLabelValue(value)));
    });
  });
  return errors;
}

/** In bytes. */
export const FIELD_MANAGER_LENGTH_MAX = 128;

/** Text of which nothing but its length has to be looked at. */
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/** Name of a field manager; empty is fine. */
export function validateFieldManager(manager: string, path: PathOrText): FieldError[] {
  if (manager.length <= FIELD_MANAGER_LENGTH_MAX && PRINTABLE_ASCII.test(manager)) return [];
  const errors: FieldError[] = [];
  if (byteLength(manager) > FIELD_MANAGER_LENGTH_MAX)
    errors.push(tooLong(path, '', FIELD_MANAGER_LENGTH_MAX));
  let position = 0;
  for (const character of manager) {
    if (!isPrintable(character)) {
      const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
      errors.push(invalid(path, manager, `invalid character U+${code} (at position ${position})`));
    }
    position += byteLength(character);
  }
  return errors;
}

function validateOwnerReferences(
  references: readonly OwnerReference[] | undefined,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  let firstController = '';
  for (const reference of references ?? []) {
    const version = parseGroupVersion(reference.apiVersion ?? '');
    if (version === undefined) {
      errors.push(invalid(path.child('apiVersion'), reference.apiVersion ?? '', 'version must not be empty'));
    }
    for (const name of ['kind', 'name', 'uid'] as const) {
      if ((reference[name] ?? '') === '') errors.push(invalid(path.child(name), '', 'must not be empty'));
    }
    if (version?.group === '' && version.version === 'v1' && reference.kind === 'Event') {
      errors.push(invalid(path, reference, '/v1, Kind=Event is disallowed from being an owner'));
    }
    if (reference.controller !== true) continue;
    const controller = `${reference.kind}/${reference.name}`;
    if (firstController === '') firstController = controller;
    else {
      errors.push(
        invalid(
          path,
          references,
          `Only one reference can have Controller set to true. Found "true" in references for ${firstController} and ${controller}`,
        ),
      );
    }
  }
  return errors;
}

/** Names of finalizers; orphaning and foreground deletion exclude each other. */
function validateFinalizers(finalizers: readonly string[] | undefined, path: PathOrText): FieldError[] {
  const names = finalizers ?? [];
  const errors = names.flatMap((name) => invalidEach(path, name, checkQualifiedName(name)));
  if (names.includes('orphan') && names.includes('foregroundDeletion')) {
    errors.push(invalid(path, names, 'finalizer orphan and foregroundDeletion cannot be both set'));
  }
  return errors;
}

const SUBRESOURCE_LENGTH_MAX = 256;

function validateManagedFields(
  entries: readonly ManagedFieldsEntry[] | undefined,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, entry] of (entries ?? []).entries()) {
    const at = path.index(index);
    if (entry.operation !== 'Apply' && entry.operation !== 'Update') {
      errors.push(invalid(at.child('operation'), entry.operation ?? '', 'must be `Apply` or `Update`'));
    }
    if ((entry.fieldsType ?? '') !== '' && entry.fieldsType !== 'FieldsV1') {
      errors.push(invalid(at.child('fieldsType'), entry.fieldsType, 'must be `FieldsV1`'));
    }
    errors.push(...validateFieldManager(entry.manager ?? '', at.child('manager')));
    if (byteLength(entry.subresource ?? '') > SUBRESOURCE_LENGTH_MAX) {
      errors.push(tooLong(at.child('subresource'), '', SUBRESOURCE_LENGTH_MAX));
    }
  }
  return errors;
}

const STANDARD_FINALIZERS = ['kubernetes', 'orphan', 'foregroundDeletion'];

/** Built-in kinds want finalizers with a domain, but for the old ones. Mirrors core validation validateKubeFinalizerName. */
export function validateFinalizerDomains(
  finalizers: readonly string[] | undefined,
  path: FieldPath,
): FieldError[] {
  const why = 'name is neither a standard finalizer name nor is it fully qualified';
  return (finalizers ?? []).flatMap((name, index) =>
    name.includes('/') || STANDARD_FINALIZERS.includes(name) ? [] : [invalid(path.index(index), name, why)],
  );
}

export interface ObjectMetaRules {
  readonly namespaced: boolean;
  /** Default `dns-subdomain`. */
  readonly nameRule?: NameRule;
  /** Default `metadata`. */
  readonly path?: FieldPath;
}

/** Where metadata are, and its members, that are named on every write. */
class MetaPaths {
  readonly generateName: FieldPath;
  readonly name: FieldPath;
  readonly namespace: FieldPath;
  readonly uid: FieldPath;
  readonly resourceVersion: FieldPath;
  readonly generation: FieldPath;
  readonly creationTimestamp: FieldPath;
  readonly deletionTimestamp: FieldPath;
  readonly deletionGracePeriodSeconds: FieldPath;
  readonly labels: FieldPath;
  readonly annotations: FieldPath;
  readonly ownerReferences: FieldPath;
  readonly finalizers: FieldPath;
  readonly managedFields: FieldPath;

  constructor(at: FieldPath) {
    this.generateName = at.child('generateName');
    this.name = at.child('name');
    this.namespace = at.child('namespace');
    this.uid = at.child('uid');
    this.resourceVersion = at.child('resourceVersion');
    this.generation = at.child('generation');
    this.creationTimestamp = at.child('creationTimestamp');
    this.deletionTimestamp = at.child('deletionTimestamp');
    this.deletionGracePeriodSeconds = at.child('deletionGracePeriodSeconds');
    this.labels = at.child('labels');
    this.annotations = at.child('annotations');
    this.ownerReferences = at.child('ownerReferences');
    this.finalizers = at.child('finalizers');
    this.managedFields = at.child('managedFields');
  }
}

const METADATA = new MetaPaths(newPath('metadata'));

/** Metadata of a new object, after its name was generated. */
export function validateObjectMeta(meta: ObjectMeta, rules: ObjectMetaRules): FieldError[] {
  const at = rules.path === undefined ? METADATA : new MetaPaths(rules.path);
  const rule = rules.nameRule ?? 'dns-subdomain';
  const errors: FieldError[] = [];
  const generateName = meta.generateName ?? '';
  if (generateName !== '') {
    errors.push(...invalidEach(at.generateName, generateName, checkName(rule, generateName, true)));
  }
  const name = meta.name ?? '';
  if (name === '') errors.push(required(at.name, 'name or generateName is required'));
  else errors.push(...invalidEach(at.name, name, checkName(rule, name)));
  const namespace = meta.namespace ?? '';
  if (!rules.namespaced) {
    if (namespace !== '') errors.push(forbidden(at.namespace, 'not allowed on this type'));
  } else if (namespace === '') errors.push(required(at.namespace));
  else errors.push(...invalidEach(at.namespace, namespace, checkDNS1123Label(namespace)));
  errors.push(
    ...validateNonnegative(at.generation, meta.generation ?? 0),
    ...validateLabels(meta.labels, at.labels),
    ...validateAnnotations(meta.annotations, at.annotations),
    ...validateOwnerReferences(meta.ownerReferences, at.ownerReferences),
    ...validateFinalizers(meta.finalizers, at.finalizers),
    ...validateManagedFields(meta.managedFields, at.managedFields),
  );
  return errors;
}

/** Metadata of a changed object against what is stored. */
export function validateObjectMetaUpdate(meta: ObjectMeta, old: ObjectMeta, path?: FieldPath): FieldError[] {
  const at = path === undefined ? METADATA : new MetaPaths(path);
  const errors: FieldError[] = [];
  if (old.deletionTimestamp !== undefined) {
    const known = new Set(old.finalizers);
    const added = [...new Set(meta.finalizers)].filter((name) => !known.has(name)).sort(compareText);
    if (added.length > 0) {
      errors.push(
        forbidden(
          at.finalizers,
          `no new finalizers can be added if the object is being deleted, found new finalizers ${goStringSlice(added)}`,
        ),
      );
    }
  }
  if ((meta.resourceVersion ?? '') === '') {
    errors.push(invalid(at.resourceVersion, '', 'must be specified for an update'));
  }
  if ((meta.generation ?? 0) < (old.generation ?? 0)) {
    errors.push(invalid(at.generation, meta.generation ?? 0, 'must not be decremented'));
  }
  errors.push(
    ...validateImmutable(at.name, meta.name ?? '', old.name ?? ''),
    ...validateImmutable(at.namespace, meta.namespace ?? '', old.namespace ?? ''),
    ...validateImmutable(at.uid, meta.uid ?? '', old.uid ?? ''),
    ...validateImmutable(at.creationTimestamp, meta.creationTimestamp, old.creationTimestamp),
    ...validateImmutable(at.deletionTimestamp, meta.deletionTimestamp, old.deletionTimestamp),
    ...validateImmutable(
      at.deletionGracePeriodSeconds,
      meta.deletionGracePeriodSeconds,
      old.deletionGracePeriodSeconds,
    ),
    ...validateLabels(meta.labels, at.labels),
    ...validateAnnotations(meta.annotations, at.annotations),
    ...validateOwnerReferences(meta.ownerReferences, at.ownerReferences),
    ...validateManagedFields(meta.managedFields, at.managedFields),
  );
  return errors;
}
