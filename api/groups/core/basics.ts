/** Namespaces, nodes, config maps, secrets and service accounts. */
import { defineBehaviour } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path } from '../../machinery/field-path.ts';
import { checkConfigMapKey } from '../../machinery/names.ts';
import {
  forbidden,
  IMMUTABLE_MESSAGE,
  invalid,
  invalidEach,
  required,
  tooLong,
} from '../../machinery/validation.ts';
import type { ConfigMap, Namespace, Node, Secret } from '../../../openapi/generated/core-v1.ts';

const NAME_LABEL = 'kubernetes.io/metadata.name';

export const namespace = defineBehaviour<Namespace>({
  setDefaults: (object) => {
    if ((object.metadata.name ?? '') !== '')
      object.metadata.labels = { ...object.metadata.labels, [NAME_LABEL]: object.metadata.name! };
  },
  prepareForCreate: (object) => {
    object.status = { phase: 'Active' };
    const finalizers = object.spec?.finalizers ?? [];
    object.spec = {
      ...object.spec,
      finalizers: finalizers.includes('kubernetes') ? finalizers : [...finalizers, 'kubernetes'],
    };
  },
  prepareForUpdate: (object, old) => {
    object.spec = { ...object.spec, finalizers: old.spec.finalizers };
  },
  isHeld: ({ spec }) => (spec.finalizers?.length ?? 0) > 0,
  prepareForDeletion: (object) => {
    object.status = { ...object.status, phase: 'Terminating' };
  },
});

export const node = defineBehaviour<Node>({
  setDefaults: ({ status }) => {
    if (status !== undefined && status.allocatable === undefined && status.capacity !== undefined)
      status.allocatable = { ...status.capacity };
  },
});

/** Data of one ConfigMap or Secret may not be larger. */
const DATA_SIZE_BYTES_MAX = 1024 * 1024;

export const configMap = defineBehaviour<ConfigMap>({
  validate: validateConfigMap,
  validateUpdate: (object, old) => [
    ...(old.immutable === true ? immutableErrors(object, old, ['data', 'binaryData']) : []),
    ...validateConfigMap(object),
  ],
});

function validateConfigMap({ data = {}, binaryData = {} }: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(data)) {
    errors.push(...invalidEach(path('data').key(key), key, checkConfigMapKey(key)));
    if (Object.hasOwn(binaryData, key))
      errors.push(invalid(path('data').key(key), key, 'duplicate of key present in binaryData'));
    size += Buffer.byteLength(value);
  }
  for (const [key, value] of Object.entries(binaryData)) {
    errors.push(...invalidEach(path('binaryData').key(key), key, checkConfigMapKey(key)));
    size += Buffer.byteLength(value, 'base64');
  }
  if (size > DATA_SIZE_BYTES_MAX) errors.push(tooLong(path(), '', DATA_SIZE_BYTES_MAX));
  return errors;
}

function immutableErrors<T extends ConfigMap | Secret>(
  object: T,
  old: T,
  members: readonly (keyof T & string)[],
): FieldError[] {
  const text = 'field is immutable when `immutable` is set';
  const errors = object.immutable === true ? [] : [forbidden('immutable', text)];
  for (const member of members)
    if (!equalJSON(object[member], old[member])) errors.push(forbidden(member, text));
  return errors;
}

/** Keys that secrets of a type must have. */
const REQUIRED_KEYS: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
};

export const secret = defineBehaviour<Secret>({
  setDefaults: (object) => {
    object.type ??= 'Opaque';
    mergeStringData(object);
  },
  validate: validateSecret,
  validateUpdate: (object, old) => [
    ...(object.type === old.type ? [] : [invalid('type', object.type, IMMUTABLE_MESSAGE)]),
    ...(old.immutable === true ? immutableErrors(object, old, ['data']) : []),
    ...validateSecret(object),
  ],
});

/** What was given as text becomes data, and is never shown as text again. */
function mergeStringData(object: Secret): void {
  if (object.stringData === undefined) return;
  const encoded = Object.entries(object.stringData).map(
    ([key, value]) => [key, Buffer.from(value).toString('base64')] as const,
  );
  object.data = { ...object.data, ...Object.fromEntries(encoded) };
  delete object.stringData;
}

function validateSecret({ data = {}, type = '', metadata }: Secret): FieldError[] {
  const errors = Object.keys(data).flatMap((key) =>
    invalidEach(path('data').key(key), key, checkConfigMapKey(key)),
  );
  const size = Object.values(data).reduce((sum, value) => sum + Buffer.byteLength(value, 'base64'), 0);
  if (size > DATA_SIZE_BYTES_MAX) errors.push(tooLong('data', '', DATA_SIZE_BYTES_MAX));
  const keys = Object.hasOwn(REQUIRED_KEYS, type) ? REQUIRED_KEYS[type]! : [];
  for (const key of keys) if (!Object.hasOwn(data, key)) errors.push(required(path('data').key(key)));
  if (
    type === 'kubernetes.io/service-account-token' &&
    (metadata.annotations?.['kubernetes.io/service-account.name'] ?? '') === ''
  ) {
    errors.push(required(path('metadata', 'annotations').key('kubernetes.io/service-account.name')));
  }
  return errors;
}
