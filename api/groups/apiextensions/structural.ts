/** Whether a schema is structural. Mirrors apiextensions-apiserver apiserver/schema validation.go and complete.go. */
import { RE2JS } from 're2js';
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import type { FieldPath } from '../../machinery/field-path.ts';
import { compareText } from '../../machinery/go-format.ts';
import { forbidden, invalid, required } from '../../machinery/field-errors.ts';
import { itemsOf, sortedProperties, type Schema } from './schema.ts';

type Level = 'root' | 'item' | 'field';

const EMPTY_TYPE: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};
const INT_OR_STRING = [{ type: 'integer' }, { type: 'string' }];
const PRESERVE = 'x-kubernetes-preserve-unknown-fields';
const EMBEDDED = 'x-kubernetes-embedded-resource';
const INT_STRING = 'x-kubernetes-int-or-string';

/** Everything that keeps a schema from being structural, sorted by text. */
export function validateStructural(schema: Schema, at: FieldPath): FieldError[] {
  const errors = [...validateInvariants(schema, 'root', at), ...validateComplete(schema, schema, at, at)];
  const text = ({ field, message }: FieldError): string => `${field}: ${message}`;
  return errors.sort((a, b) => compareText(text(a), text(b)));
}

function validateInvariants(schema: Schema, level: Level, at: FieldPath): FieldError[] {
  const { additionalProperties } = schema;
  const items = itemsOf(schema);
  const errors: FieldError[] = [];
  if (schema.type === 'array' && items === undefined)
    errors.push(required(at.child('items'), 'must be specified'));
  if (items !== undefined) errors.push(...validateInvariants(items, 'item', at.child('items')));
  for (const [name, property] of sortedProperties(schema))
    errors.push(...validateInvariants(property, 'field', at.child('properties').key(name)));
  if (additionalProperties !== undefined) {
    const place = at.child('additionalProperties');
    if (level === 'root') errors.push(forbidden(place, 'must not be used at the root'));
    if (typeof additionalProperties === 'object')
      errors.push(...validateInvariants(additionalProperties, 'field', place));
  }
  return [
    ...errors,
    ...validateExtensions(schema, at),
    ...validateValues(schema, at, isIntOrString(schema.anyOf), isIntOrString(schema.allOf?.[0]?.anyOf)),
    ...validateType(schema, level, at),
    ...validateMetaFields(schema, level, at),
  ];
}

function isIntOrString(anyOf: readonly Schema[] | undefined): boolean {
  return equalJSON(anyOf, INT_OR_STRING);
}

function validateExtensions(schema: Schema, at: FieldPath): FieldError[] {
  if (schema[INT_STRING] !== true) return [];
  return ([PRESERVE, EMBEDDED] as const).flatMap((name) =>
    schema[name] === true ? [invalid(at.child(name), true, `must be false if ${INT_STRING} is true`)] : [],
  );
}

function validateType(schema: Schema, level: Level, at: FieldPath): FieldError[] {
  const { type = '' } = schema;
  const isEmbedded = schema[EMBEDDED] === true;
  const place = at.child('type');
  const errors: FieldError[] = [];
  if (isEmbedded && type !== 'object') {
    const why = `must be object if ${EMBEDDED} is true`;
    errors.push(type === '' ? required(place, why) : invalid(place, type, why));
  } else if (type === '' && schema[INT_STRING] !== true && schema[PRESERVE] !== true)
    errors.push(required(place, EMPTY_TYPE[level]));
  if (isEmbedded && schema.additionalProperties !== undefined)
    errors.push(forbidden(at.child('additionalProperties'), `must not be used if ${EMBEDDED} is set`));
  if (level === 'root' && type !== '' && type !== 'object')
    errors.push(invalid(place, type, 'must be object at the root'));
  return errors;
}

/** Type and identity of objects are strings, and their metadata is not theirs to describe. */
function validateMetaFields(schema: Schema, level: Level, at: FieldPath): FieldError[] {
  const isObject = level === 'root' || schema[EMBEDDED] === true;
  const properties = schema.properties ?? {};
  const place = (name: string): FieldPath => at.child('properties').key(name);
  const errors: FieldError[] = [];
  for (const name of ['kind', 'apiVersion']) {
    const property = properties[name];
    if (property !== undefined && isObject && property.type !== 'string')
      errors.push(invalid(place(name).child('type'), property.type ?? '', 'must be string'));
  }
  const { metadata } = properties;
  if (metadata !== undefined) {
    if (isObject && metadata.type !== 'object')
      errors.push(invalid(place('metadata').child('type'), metadata.type ?? '', 'must be object'));
    if (level === 'root' && !isPlainMetadata(metadata)) {
      const why =
        'must not specify anything other than name and generateName, but metadata is implicitly specified';
      errors.push(forbidden(place('metadata'), why));
    }
  }
  if (schema[EMBEDDED] === true && schema[PRESERVE] !== true && Object.keys(properties).length === 0) {
    const why = `must not be empty if ${EMBEDDED} is true without ${PRESERVE}`;
    errors.push(required(at.child('properties'), why));
  }
  return errors;
}

function isPlainMetadata({ type: _type, default: _default, properties = {}, ...rest }: Schema): boolean {
  const named = Object.keys(properties).every((name) => name === 'name' || name === 'generateName');
  return named && Object.values(rest).every((value) => value === undefined);
}

function validateValues(schema: Schema, at: FieldPath, skipAnyOf: boolean, skipFirst: boolean): FieldError[] {
  const nested = (list: 'anyOf' | 'allOf' | 'oneOf', skip: (index: number) => boolean): FieldError[] =>
    (schema[list] ?? []).flatMap((item, index) =>
      validateNested(item, at.child(list).index(index), skip(index)),
    );
  return [
    ...(skipAnyOf ? [] : nested('anyOf', () => false)),
    ...nested('allOf', (index) => skipFirst && index === 0),
    ...nested('oneOf', () => false),
    ...(schema.not === undefined ? [] : validateNested(schema.not, at.child('not'), false)),
    ...validatePattern(schema.pattern ?? '', at.child('pattern')),
  ];
}

function validatePattern(pattern: string, at: FieldPath): FieldError[] {
  try {
    RE2JS.compile(pattern);
    return [];
  } catch (error) {
    return [
      invalid(at, pattern, `must be a valid regular expression, but isn't: ${(error as Error).message}`),
    ];
  }
}

/** Members that only the schema itself may have, with what they must be below a junctor. */
const FORBIDDEN_NESTED: readonly [keyof Schema, string][] = [
  ['default', 'must be undefined to be structural'],
  ['title', 'must be empty to be structural'],
  ['description', 'must be empty to be structural'],
  ['nullable', 'must be false to be structural'],
  [PRESERVE, 'must be false to be structural'],
  [EMBEDDED, 'must be false to be structural'],
  [INT_STRING, 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'],
  ['x-kubernetes-list-type', 'must be undefined to be structural'],
  ['x-kubernetes-map-type', 'must be undefined to be structural'],
  ['x-kubernetes-validations', 'must be empty to be structural'],
];

function validateNested(schema: Schema, at: FieldPath, skipAnyOf: boolean): FieldError[] {
  const items = itemsOf(schema);
  const errors = validateValues(schema, at, skipAnyOf, false);
  if (items !== undefined) errors.push(...validateNested(items, at.child('items'), false));
  for (const [name, property] of sortedProperties(schema))
    errors.push(...validateNested(property, at.child('properties').key(name), false));
  if ((schema.type ?? '') !== '') errors.push(forbidden(at.child('type'), 'must be empty to be structural'));
  if (schema.additionalProperties !== undefined)
    errors.push(forbidden(at.child('additionalProperties'), 'must be undefined to be structural'));
  for (const [name, why] of FORBIDDEN_NESTED) {
    const value = schema[name];
    if (value !== undefined && value !== false && value !== '') errors.push(forbidden(at.child(name), why));
  }
  if (schema.properties?.['metadata'] !== undefined) {
    const place = at.child('properties').key('metadata');
    errors.push(forbidden(place, 'must not be specified in a nested context'));
  }
  return errors;
}

/** What junctors say of a field must be said of one that is specified outside of them. */
function validateComplete(nested: Schema, schema: Schema, at: FieldPath, from: FieldPath): FieldError[] {
  const lists = (['allOf', 'anyOf', 'oneOf'] as const).flatMap((list) =>
    (nested[list] ?? []).map((item, index) => [item, from.child(list).index(index)] as const),
  );
  const all = nested.not === undefined ? lists : [[nested.not, from.child('not')] as const, ...lists];
  return all.flatMap(([item, place]) => validateNestedComplete(item, schema, at, place));
}

function validateNestedComplete(
  nested: Schema,
  schema: Schema,
  at: FieldPath,
  from: FieldPath,
): FieldError[] {
  const errors = validateComplete(nested, schema, at, from);
  const missing = (place: FieldPath, defined: FieldPath): FieldError =>
    required(place, `because it is defined in ${String(defined)}`);
  const items = itemsOf(nested);
  if (items !== undefined) {
    const own = itemsOf(schema);
    const [place, defined] = [at.child('items'), from.child('items')];
    errors.push(
      ...(own === undefined ? [missing(place, defined)] : validateNestedComplete(items, own, place, defined)),
    );
  }
  for (const [name, property] of sortedProperties(nested)) {
    const own = schema.properties?.[name];
    const [place, defined] = [at.child('properties').key(name), from.child('properties').key(name)];
    errors.push(
      ...(own === undefined
        ? [missing(place, defined)]
        : validateNestedComplete(property, own, place, defined)),
    );
  }
  return errors;
}
