/**
 * Definitions of custom resources. Upstream checks them in its internal form, where what all versions have alike stands
 * once beside them: paths of errors are those of that form. Mirrors apis/apiextensions/validation.
 */
import { defineBehaviour } from '../../definition.ts';
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { byteLength, goQuote, isPrintable } from '../../machinery/go-format.ts';
import { checkDNS1035Label, checkDNS1123Subdomain } from '../../machinery/names.ts';
import {
  forbidden,
  invalid,
  notSupported,
  required,
  validateImmutable,
} from '../../machinery/field-errors.ts';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
  SelectableField,
} from '../../../openapi/generated/apiextensions-v1.ts';
import { isAbsent, validateEach } from '../common/text.ts';
import { validateConversion } from './conversion.ts';
import { validateNames } from './names.ts';
import { validateColumn, validateSelectableFields, validateSubresources } from './columns.ts';
import { validateSchema } from './schema-rules.ts';
import { hasDefaults, type Schema } from './schema.ts';
import { validateStructural } from './structural.ts';

const SPEC = path('spec');
const NAMES = SPEC.child('names');
const VERSIONS = SPEC.child('versions');
const STORED = path('status', 'storedVersions');
const SERVICE_PORT = 443;
const APPROVAL = 'api-approved.kubernetes.io';
const DEPRECATION_LENGTH_MAX = 256;

export const customResourceDefinition = defineBehaviour<CustomResourceDefinition>({
  allowBareFinalizers: true,
  // The name is checked with the spec, which it must agree with.
  nameRule: () => [],
  setDefaults,
  prepareForCreate: (object) => storeVersion(object),
  prepareForUpdate: (object) => storeVersion(object),
  validate: (object) => validateDefinition(object, undefined),
  validateUpdate: (object, old) => validateDefinition(object, old),
  validateStatusUpdate: ({ status }) =>
    validateNames(status?.acceptedNames ?? {}, path('status', 'acceptedNames')),
});

function setDefaults({ spec, status }: CustomResourceDefinition): void {
  if (spec === undefined) return;
  spec.names ??= {} as CustomResourceDefinitionNames;
  const { names } = spec;
  if ((names.singular ?? '') === '' && (names.kind ?? '') !== '') names.singular = names.kind.toLowerCase();
  if ((names.listKind ?? '') === '' && (names.kind ?? '') !== '') names.listKind = `${names.kind}List`;
  spec.conversion ??= { strategy: 'None' };
  const service = spec.conversion.webhook?.clientConfig?.service;
  if (service !== undefined) service.port ??= SERVICE_PORT;
  if (status !== undefined && (status.storedVersions ?? []).length === 0)
    status.storedVersions = storageVersions(spec);
}

function storageVersions(spec: CustomResourceDefinitionSpec): string[] {
  return (spec.versions ?? [])
    .filter(({ storage }) => storage)
    .slice(0, 1)
    .map(({ name }) => name);
}

/** Versions that objects were ever stored in are kept, the present one among them. */
function storeVersion(object: CustomResourceDefinition): void {
  const stored = object.status?.storedVersions ?? [];
  const added = storageVersions(object.spec).filter((name) => !stored.includes(name));
  const storedVersions = [...stored, ...added];
  object.status = { ...object.status, storedVersions } as CustomResourceDefinition['status'];
}

function isEstablished({ status }: CustomResourceDefinition): boolean {
  return (status?.conditions ?? []).some(
    ({ type, status: value }) => type === 'Established' && value === 'True',
  );
}

function validateDefinition(
  object: CustomResourceDefinition,
  old: CustomResourceDefinition | undefined,
): FieldError[] {
  const { metadata, spec, status } = object;
  const errors = old === undefined ? validateName(metadata.name ?? '', spec) : [];
  errors.push(...validateSpec(spec));
  if (old !== undefined) {
    const { names } = spec;
    if (isEstablished(old)) {
      errors.push(...validateImmutable(SPEC.child('scope'), spec.scope, old.spec.scope));
      errors.push(...validateImmutable(NAMES.child('kind'), names?.kind ?? '', old.spec.names.kind));
    }
    errors.push(...validateImmutable(SPEC.child('group'), spec.group ?? '', old.spec.group));
    errors.push(...validateImmutable(NAMES.child('plural'), names?.plural ?? '', old.spec.names.plural));
  }
  return [
    ...errors,
    ...validateNames(status?.acceptedNames ?? {}, path('status', 'acceptedNames')),
    ...validateStoredVersions(status?.storedVersions ?? [], spec.versions ?? []),
    ...validateApproval(object, old),
    ...(spec.preserveUnknownFields === true && old?.spec.preserveUnknownFields !== true
      ? [
          invalid(
            SPEC.child('preserveUnknownFields'),
            true,
            'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
          ),
        ]
      : []),
  ];
}

function validateName(name: string, { names, group = '' }: CustomResourceDefinitionSpec): FieldError[] {
  if (name === '') return [];
  const texts = checkDNS1123Subdomain(name);
  if (name !== `${names?.plural ?? ''}.${group}`) texts.push('must be spec.names.plural+"."+spec.group');
  return texts.map((text) => invalid('metadata.name', name, text));
}

function validateStoredVersions(
  stored: readonly string[],
  versions: readonly CustomResourceDefinitionVersion[],
): FieldError[] {
  if (stored.length === 0) return [invalid(STORED, stored, 'must have at least one stored version')];
  // A version that is there twice is looked for twice.
  const left = new Set(stored);
  const missing = versions.flatMap(({ name, storage }) =>
    left.delete(name) || !storage ? [] : [invalid(STORED, stored, `must have the storage version ${name}`)],
  );
  const gone = validateEach(stored, STORED, (name, at) =>
    versions.some((version) => version.name === name)
      ? []
      : [
          invalid(
            at,
            name,
            `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`,
          ),
        ],
  );
  return [...missing, ...gone];
}

/** Groups of the community need the approval of its reviewers. */
function validateApproval(object: CustomResourceDefinition, old?: CustomResourceDefinition): FieldError[] {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(object.spec.group ?? '')) return [];
  const state = ({ metadata }: CustomResourceDefinition): string => {
    const text = metadata.annotations?.[APPROVAL] ?? '';
    if (text === '') return 'missing';
    return text.startsWith('unapproved') || /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/]+/.test(text)
      ? 'given'
      : 'invalid';
  };
  const now = state(object);
  if (now === 'given' || (old !== undefined && state(old) === now)) return [];
  const at = path('metadata', 'annotations').key(APPROVAL);
  const reference = 'see https://github.com/kubernetes/enhancements/pull/1111';
  const must = `protected groups must have approval annotation ${goQuote(APPROVAL)}`;
  if (now === 'missing') return [required(at, `${must}, ${reference}`)];
  const why = `${must} with either a URL or a reason starting with "unapproved", ${reference}`;
  return [invalid(at, object.metadata.annotations?.[APPROVAL], why)];
}

/** Whether all versions have the same in a member. */
function isShared(
  versions: readonly CustomResourceDefinitionVersion[],
  member: 'schema' | 'subresources' | 'additionalPrinterColumns' | 'selectableFields',
): boolean {
  return versions.every((version) => equalJSON(version[member], versions[0]![member]));
}

function validateSpec(spec: CustomResourceDefinitionSpec): FieldError[] {
  const { group = '', scope = '' } = spec;
  const errors: FieldError[] = [];
  const groupTexts = checkDNS1123Subdomain(group);
  if (group === '') errors.push(required(SPEC.child('group')));
  else if (groupTexts.length > 0) errors.push(invalid(SPEC.child('group'), group, groupTexts.join(',')));
  else if (!group.includes('.'))
    errors.push(invalid(SPEC.child('group'), group, 'should be a domain with at least one dot'));
  const scopes = ['Cluster', 'Namespaced'];
  if (scope === '') errors.push(required(SPEC.child('scope')));
  else if (!scopes.includes(scope)) errors.push(notSupported(SPEC.child('scope'), scope, scopes));
  return [...errors, ...validateVersions(spec), ...validateSharedParts(spec), ...validateConversion(spec)];
}

function schemaOf({ schema }: CustomResourceDefinitionVersion): Schema | undefined {
  return schema?.openAPIV3Schema as Schema | undefined;
}

function hasStatus({ subresources }: CustomResourceDefinitionVersion): boolean {
  return !isAbsent(subresources?.status);
}

function validateVersions(spec: CustomResourceDefinitionSpec): FieldError[] {
  const versions = spec.versions ?? [];
  const errors =
    versions.some((version) => schemaOf(version) !== undefined) && isShared(versions, 'schema')
      ? []
      : validateEach(versions, VERSIONS, (version, at) =>
          schemaOf(version) === undefined ? [required(at.child('schema', 'openAPIV3Schema'))] : [],
        );
  if (spec.preserveUnknownFields === true && versions.some((version) => hasDefaults(schemaOf(version)))) {
    const why = 'must be false in order to use defaults in the schema';
    errors.push(invalid(SPEC.child('preserveUnknownFields'), true, why));
  }
  errors.push(...validateEach(versions, VERSIONS, (version, at) => validateVersion(version, versions, at)));
  const names = versions.map(({ name }) => name);
  if (new Set(names).size < names.length)
    errors.push(invalid(VERSIONS, versions, 'must contain unique version names'));
  if (versions.filter(({ storage }) => storage).length !== 1)
    errors.push(invalid(VERSIONS, versions, 'must have exactly one version marked as storage version'));
  const first = names[0] ?? '';
  const texts = first === '' ? [] : checkDNS1035Label(first);
  if (texts.length > 0) errors.push(invalid(SPEC.child('version'), first, texts.join(',')));
  return errors;
}

/** What differs between versions, where it differs. */
function validateVersion(
  version: CustomResourceDefinitionVersion,
  versions: readonly CustomResourceDefinitionVersion[],
  at: FieldPath,
): FieldError[] {
  const { name = '' } = version;
  const texts = checkDNS1035Label(name);
  const errors = texts.length > 0 ? [invalid(at.child('name'), name, texts.join(','))] : [];
  for (const why of deprecationTexts(version))
    errors.push(invalid(at.child('deprecationWarning'), version.deprecationWarning, why));
  if (!isShared(versions, 'schema'))
    errors.push(
      ...validateValidation(schemaOf(version), hasStatus(version), at.child('schema', 'openAPIV3Schema')),
    );
  if (!isShared(versions, 'subresources'))
    errors.push(...validateSubresources(version.subresources, at.child('subresources')));
  if (!isShared(versions, 'additionalPrinterColumns'))
    errors.push(
      ...validateEach(version.additionalPrinterColumns, at.child('additionalPrinterColumns'), validateColumn),
    );
  const fields = version.selectableFields ?? [];
  if (fields.length === 0 || isShared(versions, 'selectableFields')) return errors;
  const schema = isShared(versions, 'schema') ? undefined : schemaOf(version);
  const place = at.child('selectableFields');
  const why = 'may only be set when `version.schema.openAPIV3Schema` is not included';
  return [
    ...errors,
    ...(schema === undefined ? [invalid(place, '', why)] : validateSelectableFields(fields, schema, place)),
  ];
}

function deprecationTexts({
  deprecated,
  deprecationWarning: text,
}: CustomResourceDefinitionVersion): string[] {
  if (isAbsent(text)) return [];
  if (deprecated !== true) return ['can only be set for deprecated versions'];
  const texts: string[] = [];
  if (byteLength(text) > DEPRECATION_LENGTH_MAX)
    texts.push(`must be <= ${DEPRECATION_LENGTH_MAX} characters long`);
  if (text === '') texts.push('must not be an empty string');
  let index = 0;
  for (const character of text) {
    if (!isPrintable(character)) {
      const what = 'must only contain printable UTF-8 characters; non-printable character found at index';
      texts.push(`${what} ${index}`);
      break;
    }
    index += byteLength(character);
  }
  return texts;
}

/** What all versions have alike, and the names. */
function validateSharedParts(spec: CustomResourceDefinitionSpec): FieldError[] {
  const { names } = spec;
  const versions = spec.versions ?? [];
  const given = names ?? ({} as CustomResourceDefinitionNames);
  const errors = (['plural', 'singular', 'kind', 'listKind'] as const).flatMap((name) =>
    (given[name] ?? '') === '' ? [required(NAMES.child(name))] : [],
  );
  errors.push(...validateNames(given, NAMES));
  const [first] = versions;
  if (first === undefined) return errors;
  if (isShared(versions, 'schema')) {
    const at = SPEC.child('validation', 'openAPIV3Schema');
    errors.push(...validateValidation(schemaOf(first), versions.some(hasStatus), at));
  }
  if (isShared(versions, 'subresources'))
    errors.push(...validateSubresources(first.subresources, SPEC.child('subresources')));
  if (isShared(versions, 'additionalPrinterColumns')) {
    const at = SPEC.child('additionalPrinterColumns');
    errors.push(...validateEach(first.additionalPrinterColumns, at, validateColumn));
  }
  const fields = first.selectableFields ?? [];
  if (fields.length > 0 && isShared(versions, 'selectableFields'))
    errors.push(...validateSharedFields(fields, versions));
  return errors;
}

function validateSharedFields(
  fields: readonly SelectableField[],
  versions: readonly CustomResourceDefinitionVersion[],
): FieldError[] {
  const at = SPEC.child('selectableFields');
  const schema = schemaOf(versions[0]!);
  if (schema === undefined || !isShared(versions, 'schema'))
    return [invalid(at, '', 'may only be set when validations.schema is included')];
  return validateSelectableFields(fields, schema, at);
}

/** Members of the root that stay allowed beside a status subresource, in the words of Go. */
const ROOT_MEMBERS =
  'Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations';
const ROOT_NAMES = new Set(
  ROOT_MEMBERS.split(' ').map((name) => name.charAt(0).toLowerCase() + name.slice(1)),
)
  .add('x-kubernetes-preserve-unknown-fields')
  .add('x-kubernetes-validations');

function validateValidation(schema: Schema | undefined, withStatus: boolean, at: FieldPath): FieldError[] {
  if (schema === undefined) return [];
  const errors: FieldError[] = [];
  const { type = '' } = schema;
  if (withStatus && type !== '' && type !== 'object') {
    const why =
      'only "object" is allowed as the type at the root of the schema if the status subresource is enabled';
    errors.push(invalid(at.child('type'), type, why));
  } else if (withStatus && Object.keys(schema).some((name) => !ROOT_NAMES.has(name))) {
    const why = `only [${ROOT_MEMBERS}] fields are allowed at the root of the schema if the status subresource is enabled`;
    errors.push(invalid(at, schema, why));
  }
  if (schema.nullable === true)
    errors.push(forbidden(at.child('nullable'), 'nullable cannot be true at the root'));
  return [...errors, ...validateStructural(schema, at), ...validateSchema(schema, at)];
}
