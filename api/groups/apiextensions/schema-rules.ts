/**
 * What a schema of a custom resource may say. Expressions are asked to be there, not compiled. Mirrors
 * apis/apiextensions/validation ValidateCustomResourceDefinitionOpenAPISchema and specStandardValidatorV3.
 */
import type { FieldError } from '../../machinery/errors.ts';
import type { FieldPath } from '../../machinery/field-path.ts';
import { forbidden, invalid, notSupported, required } from '../../machinery/field-errors.ts';
import { itemsOf, sortedProperties, type Schema, type SchemaRule } from './schema.ts';

const TYPES = new Set(['array', 'boolean', 'integer', 'number', 'object', 'string']);
const REASONS = new Set([
  'FieldValueDuplicate',
  'FieldValueForbidden',
  'FieldValueInvalid',
  'FieldValueRequired',
]);
const LIST_TYPE = 'x-kubernetes-list-type';
const MAP_TYPE = 'x-kubernetes-map-type';
const MAP_KEYS = 'x-kubernetes-list-map-keys';
const META_FIELDS = ['metadata', 'kind', 'apiVersion'];

/** Where a schema stands. */
interface Place {
  readonly isRoot: boolean;
  readonly isInMeta: boolean;
  /** Why defaults are refused here. */
  readonly noDefaults?: string;
}

export function validateSchema(
  schema: Schema,
  at: FieldPath,
  place: Place = { isRoot: true, isInMeta: false },
): FieldError[] {
  const below: Place = { ...place, isRoot: false };
  const errors = validateStandard(schema, at, place);
  if (schema.uniqueItems === true) {
    const why = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic';
    errors.push(forbidden(at.child('uniqueItems'), why));
  }
  errors.push(...validateAdditional(schema, at, below), ...validateProperties(schema, at, place));
  if (schema.not !== undefined) errors.push(...validateSchema(schema.not, at.child('not'), below));
  for (const list of ['allOf', 'oneOf', 'anyOf'] as const) {
    for (const [index, item] of (schema[list] ?? []).entries())
      errors.push(...validateSchema(item, at.child(list).index(index), below));
  }
  const items = itemsOf(schema);
  if (items !== undefined) errors.push(...validateSchema(items, at.child('items'), below));
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    const place_ = at.child('x-kubernetes-preserve-unknown-fields');
    errors.push(invalid(place_, false, 'must be true or undefined'));
  }
  return [
    ...errors,
    ...validateMapType(schema, at),
    ...validateListType(schema, at),
    ...validateMapKeys(schema, at),
    ...validateKeyProperties(schema, at),
    ...(schema['x-kubernetes-validations'] ?? []).flatMap((rule, index) =>
      validateRule(rule, at.child('x-kubernetes-validations').index(index)),
    ),
  ];
}

/** Members of JSON Schema that are not taken, in upstream's order. */
const UNSUPPORTED = [
  'id',
  'additionalItems',
  'patternProperties',
  'definitions',
  'dependencies',
  '$ref',
] as const;

function validateStandard(schema: Schema, at: FieldPath, { isInMeta, noDefaults }: Place): FieldError[] {
  const { type = '' } = schema;
  const errors: FieldError[] = [];
  if (type !== '' && !TYPES.has(type)) errors.push(notSupported(at.child('type'), type, TYPES));
  if (schema.default !== undefined && noDefaults !== undefined)
    errors.push(forbidden(at.child('default'), `must not be set ${noDefaults}`));
  for (const name of UNSUPPORTED) {
    const value = schema[name];
    if (value !== undefined && value !== '')
      errors.push(forbidden(at.child(name), `${name} is not supported`));
  }
  if (type === 'null')
    errors.push(forbidden(at.child('type'), 'type cannot be set to null, use nullable as an alternative'));
  if (Array.isArray(schema.items) && schema.items.length > 0)
    errors.push(forbidden(at.child('items'), 'items must be a schema object and not an array'));
  if (isInMeta && schema['x-kubernetes-embedded-resource'] === true)
    errors.push(
      forbidden(at.child('x-kubernetes-embedded-resource'), 'must not be used inside of resource meta'),
    );
  return errors;
}

function validateAdditional(schema: Schema, at: FieldPath, below: Place): FieldError[] {
  const { additionalProperties: additional, properties = {} } = schema;
  if (additional === undefined) return [];
  const place = at.child('additionalProperties');
  const errors =
    Object.keys(properties).length > 0 && additional !== true
      ? [forbidden(place, 'additionalProperties and properties are mutual exclusive')]
      : [];
  if (typeof additional === 'boolean') return errors;
  const noDefaults = below.isInMeta
    ? 'inside additionalProperties applying to object metadata'
    : below.noDefaults;
  return [...errors, ...validateSchema(additional, place, { ...below, noDefaults })];
}

function validateProperties(
  schema: Schema,
  at: FieldPath,
  { isRoot, isInMeta, noDefaults }: Place,
): FieldError[] {
  const isObject = isRoot || schema['x-kubernetes-embedded-resource'] === true;
  return sortedProperties(schema).flatMap(([name, property]) => {
    const isMeta = isObject && META_FIELDS.includes(name);
    return validateSchema(property, at.child('properties').key(name), {
      isRoot: false,
      isInMeta: isInMeta || isMeta,
      noDefaults: isMeta && isRoot ? `in top-level ${name}` : noDefaults,
    });
  });
}

/** The type that an extension asks for. */
function validateTypeFor(schema: Schema, extension: string, wanted: string, at: FieldPath): FieldError[] {
  if (schema.type === wanted) return [];
  const why = `must be ${wanted} if ${extension} is specified`;
  const place = at.child('type');
  return [(schema.type ?? '') === '' ? required(place, why) : invalid(place, schema.type, why)];
}

function validateMapType(schema: Schema, at: FieldPath): FieldError[] {
  const mapType = schema[MAP_TYPE];
  if (mapType === undefined) return [];
  const errors = validateTypeFor(schema, MAP_TYPE, 'object', at);
  if (mapType !== 'atomic' && mapType !== 'granular')
    errors.push(notSupported(at.child(MAP_TYPE), mapType, ['atomic', 'granular']));
  return errors;
}

function validateListType(schema: Schema, at: FieldPath): FieldError[] {
  const listType = schema[LIST_TYPE];
  if (listType === undefined) return [];
  const errors = validateTypeFor(schema, LIST_TYPE, 'array', at);
  const items = itemsOf(schema);
  if (errors.length === 0 && listType === 'set' && items !== undefined) {
    const why = 'must be atomic as item of a list with x-kubernetes-list-type=set';
    if (items.type === 'array' && (items[LIST_TYPE] ?? 'atomic') !== 'atomic')
      errors.push(invalid(at.child('items', LIST_TYPE), items[LIST_TYPE], why));
    // Upstream shows the list type of the item, which an object has not.
    if (items.type === 'object' && items[MAP_TYPE] !== 'atomic')
      errors.push(invalid(at.child('items', MAP_TYPE), items[LIST_TYPE], why));
  }
  if (!['atomic', 'set', 'map'].includes(listType))
    errors.push(notSupported(at.child(LIST_TYPE), listType, ['atomic', 'set', 'map']));
  return errors;
}

function validateMapKeys(schema: Schema, at: FieldPath): FieldError[] {
  const keys = schema[MAP_KEYS] ?? [];
  const listType = schema[LIST_TYPE];
  const errors: FieldError[] = [];
  if (keys.length > 0 && listType !== 'map') {
    const why = `must be map if ${MAP_KEYS} is non-empty`;
    const place = at.child(LIST_TYPE);
    errors.push(listType === undefined ? required(place, why) : invalid(place, listType, why));
  }
  if (listType !== 'map') return errors;
  if (keys.length === 0)
    errors.push(required(at.child(MAP_KEYS), `must not be empty if ${LIST_TYPE} is map`));
  const items = itemsOf(schema);
  if (schema.items === undefined)
    errors.push(required(at.child('items'), `must have a schema if ${LIST_TYPE} is map`));
  else if (items === undefined)
    errors.push(
      invalid(at.child('items'), schema.items, `must only have a single schema if ${LIST_TYPE} is map`),
    );
  else if (items.type !== 'object')
    errors.push(
      invalid(
        at.child('items', 'type'),
        items.type ?? '',
        `must be object if parent array's ${LIST_TYPE} is map`,
      ),
    );
  else errors.push(...validateKeys(keys, items, at));
  return errors;
}

function validateKeys(keys: readonly string[], items: Schema, at: FieldPath): FieldError[] {
  return keys.flatMap((key, index) => {
    const property = items.properties?.[key];
    const errors: FieldError[] = [];
    if (property === undefined)
      errors.push(invalid(at.child(MAP_KEYS), keys, 'entries must all be names of item properties'));
    else if (property.type === 'array' || property.type === 'object') {
      const place = at.child('items', 'properties').key(key).child('type');
      // Upstream shows the type of the item, not of the property.
      errors.push(invalid(place, items.type, `must be a scalar type if parent array's ${LIST_TYPE} is map`));
    }
    if (keys.indexOf(key) < index)
      errors.push(invalid(at.child(MAP_KEYS), keys, 'must not contain duplicate entries'));
    return errors;
  });
}

/** Keys of a map list are always there: required or defaulted, and never null. */
function validateKeyProperties(schema: Schema, at: FieldPath): FieldError[] {
  const listType = schema[LIST_TYPE];
  const items = itemsOf(schema);
  if (items === undefined || (listType !== 'set' && listType !== 'map')) return [];
  const errors: FieldError[] = [];
  if (items.nullable === true)
    errors.push(
      forbidden(at.child('items', 'nullable'), `cannot be nullable when ${LIST_TYPE} is ${listType}`),
    );
  if (listType !== 'map') return errors;
  for (const key of schema[MAP_KEYS] ?? []) {
    const property = items.properties?.[key];
    if (property === undefined) continue;
    const place = at.child('items', 'properties').key(key);
    const reason = `this property is in ${MAP_KEYS}, so it`;
    if (items.required?.includes(key) !== true && property.default === undefined)
      errors.push(
        required(place.child('default'), `${reason} must have a default or be a required property`),
      );
    if (property.nullable === true)
      errors.push(forbidden(place.child('nullable'), `${reason} cannot be nullable`));
  }
  return errors;
}

const hasNewlines = (text: string): boolean => /[\n\r]/.test(text);

function validateRule(item: SchemaRule, at: FieldPath): FieldError[] {
  const { rule = '', message = '', messageExpression = '', reason, fieldPath = '' } = item;
  const errors: FieldError[] = [];
  const place = at.child('message');
  if (rule.trim() === '') errors.push(required(at.child('rule'), 'rule is not specified'));
  else if (message !== '' && message.trim() === '')
    errors.push(invalid(place, message, 'must be non-empty if specified'));
  else if (hasNewlines(message.trim())) errors.push(invalid(place, message, 'must not contain line breaks'));
  else if (hasNewlines(rule.trim()) && message.trim() === '')
    errors.push(required(place, 'message must be specified if rule contains line breaks'));
  if (messageExpression !== '' && messageExpression.trim() === '')
    errors.push(required(at.child('messageExpression'), 'messageExpression must be non-empty if specified'));
  if (reason !== undefined && !REASONS.has(reason))
    errors.push(notSupported(at.child('reason'), reason, REASONS));
  if (fieldPath !== '' && fieldPath.trim() === '')
    errors.push(invalid(at.child('fieldPath'), fieldPath, 'must be non-empty if specified'));
  if (hasNewlines(fieldPath))
    errors.push(invalid(at.child('fieldPath'), fieldPath, 'must not contain line breaks'));
  return errors;
}
