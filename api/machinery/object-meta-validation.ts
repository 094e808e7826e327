/** The checks of metadata that hold for every kind. Mirrors apimachinery api/validation/objectmeta.go. */
import type { FieldError } from './errors.ts';
import {
  forbidden,
  invalid,
  invalidEach,
  required,
  tooLong,
  validateImmutable,
  validateNonnegative,
  type PathOrText,
} from './field-errors.ts';
import { path as newPath, type FieldPath } from './field-path.ts';
import { byteLength, compareText, goStringSlice, isPrintable } from './go-format.ts';
import { parseGroupVersion } from './gvk.ts';
import { validateAnnotations, validateLabels } from './label-validation.ts';
import { checkDNS1123Label, checkName, checkQualifiedName, type NameRule } from './names.ts';
import type { ManagedFieldsEntry, ObjectMeta, OwnerReference } from './object-meta.ts';

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
