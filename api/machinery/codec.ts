/**
 * Typed decoding: JSON data into the canonical form of its type. Canonical means what Go's encoder would write after
 * decoding: keys in struct order, zero values dropped or written as the tags say, quantities and times in their normal
 * form. Decoding is idempotent, so it also brings an object that was changed in memory back into canonical form.
 */
import { structuredCopy } from './client.ts';
import { remembering } from './remembering.ts';
import { formatMicroTime, formatTime } from './clock.ts';
import { formatPath, setMember, stringifyJSON } from './json.ts';
import type { UnknownObject } from './object-meta.ts';
import { canonicalQuantity, QUANTITY_ERROR } from './quantity.ts';
import { builtInSchema } from './built-in-schemas.ts';
import type {
  FieldSchema,
  ListSchema,
  MapSchema,
  ScalarSchema,
  Schema,
  SpecialSchema,
  StructSchema,
} from './schema.ts';

/** The data does not fit the type. The message is that of Go's decoder. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

export interface Decoded {
  readonly object: UnknownObject;
  /** Paths of members the type does not have, for example `spec.containers[0].bogus`, in the order met. */
  readonly unknownFields: readonly string[];
}

export interface DecodeOptions {
  /**
   * A canonical object of the same type, never to be changed. Members of `value` that are its very own, not just equal to
   * it, are taken over as they are: the result shares them.
   */
  readonly base?: object;
  /** Copies what the type does not look into, which the result shares with `value` otherwise. */
  readonly isCopying?: boolean;
}

/** Decodes `value` as the struct. Throws {@link DecodeError} when a value has the wrong type. */
export function decodeObject(
  schema: StructSchema,
  value: unknown,
  { base, isCopying = false }: DecodeOptions = {},
): Decoded {
  const decoder = new Decoder(isCopying);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DecodeError(
      `json: cannot unmarshal ${jsonTypeName(value)} into Go value of type ${goStructName(schema)}`,
    );
  }
  const object = decoder.struct(schema, value as Record<string, unknown>, base);
  return { object: object as UnknownObject, unknownFields: decoder.unknownFields };
}

/** `object` in canonical form again after it was changed in memory; `base` as in {@link DecodeOptions}. */
export function canonicalize(schema: StructSchema, object: unknown, base?: object): UnknownObject {
  return decodeObject(schema, object, { base }).object;
}

/** Values of the fields of a struct, by their place in `schema.fields`; undefined and null for what is not there. */
export type StructSlots = unknown[];

export function newSlots(schema: StructSchema): StructSlots {
  const slots: StructSlots = [];
  slots.length = schema.fields.length;
  return slots;
}

/** The canonical struct of values that are canonical themselves. */
export function assembleStruct(schema: StructSchema, slots: StructSlots): Record<string, unknown> {
  const { fields } = planOf(schema);
  const object: Record<string, unknown> = {};
  for (let index = 0; index < fields.length; index++) {
    const field = fields[index]!;
    const value = slots[index];
    if (value === undefined || value === null) {
      if (field.isWrittenWhenAbsent) writeZero(field, object);
    } else if (field.isKeptWhenZero || !isZero(field.schema, value, field.omit as 'empty' | 'zero')) {
      object[field.name] = value;
    }
  }
  return object;
}

/** Compact JSON of a canonical object, without a newline behind it. */
export function encodeObject(object: unknown): Buffer {
  return Buffer.from(stringifyJSON(object));
}

/** What decoding needs to know of a field, in one shape for all of them. */
class FieldPlan {
  readonly name: string;
  readonly schema: Schema;
  readonly pointer: boolean;
  readonly omit: FieldSchema['omit'];
  readonly isText: boolean;
  readonly isKeptWhenZero: boolean;
  readonly isWrittenWhenAbsent: boolean;

  constructor({ name, schema, pointer, omit }: FieldSchema) {
    this.name = name;
    this.schema = schema;
    this.pointer = pointer;
    this.omit = omit;
    this.isText = schema.kind === 'scalar' && schema.type === 'string';
    this.isKeptWhenZero = pointer || omit === 'always';
    this.isWrittenWhenAbsent = omit === 'always' || (omit === 'empty' && !pointer && writesWhenZero(schema));
  }
}

interface StructPlan {
  readonly fields: readonly FieldPlan[];
  readonly indexes: ReadonlyMap<string, number>;
  /** Indexes, ascending. */
  readonly writtenWhenAbsent: readonly number[];
}

const plans = new WeakMap<StructSchema, StructPlan>();

function planOf(schema: StructSchema): StructPlan {
  let plan = plans.get(schema);
  if (plan === undefined) {
    const fields = schema.fields.map((field) => new FieldPlan(field));
    plan = {
      fields,
      indexes: new Map(fields.map(({ name }, index) => [name, index])),
      writtenWhenAbsent: fields.flatMap((field, index) => (field.isWrittenWhenAbsent ? [index] : [])),
    };
    plans.set(schema, plan);
  }
  return plan;
}

/** A part of {@link DecodeOptions.base}. */
type Base = unknown;

class Decoder {
  readonly unknownFields: string[] = [];
  readonly #path: (string | number)[] = [];
  readonly #isCopying: boolean;
  /** The struct and field that is being read, for messages. */
  #owner: StructSchema | undefined;

  constructor(isCopying: boolean) {
    this.#isCopying = isCopying;
  }

  /** Goes by the members that are there and the fields that are written without: most fields of large types are neither. */
  struct(schema: StructSchema, input: Record<string, unknown>, base: Base): Record<string, unknown> {
    const plan = planOf(schema);
    const present: number[] = [];
    let isOrdered = true;
    let hasUnknown = false;
    for (const key of Object.keys(input)) {
      const index = plan.indexes.get(key);
      if (index === undefined) hasUnknown = true;
      else if (input[key] !== undefined && input[key] !== null) {
        if (present.length > 0 && index < present[present.length - 1]!) isOrdered = false;
        present.push(index);
      }
    }
    if (!isOrdered) present.sort((a, b) => a - b);
    const object: Record<string, unknown> = {};
    const outer = this.#owner;
    let next = 0;
    for (const needed of plan.writtenWhenAbsent) {
      while (next < present.length && present[next]! < needed)
        this.#member(schema, plan.fields[present[next++]!]!, input, object, base);
      if (present[next] !== needed) writeZero(plan.fields[needed]!, object);
    }
    while (next < present.length) this.#member(schema, plan.fields[present[next++]!]!, input, object, base);
    this.#owner = outer;
    if (hasUnknown) this.#unknown(schema, input, object);
    return object;
  }

  #member(
    owner: StructSchema,
    field: FieldPlan,
    input: Record<string, unknown>,
    object: Record<string, unknown>,
    base: Base,
  ): void {
    const { name } = field;
    const value = input[name];
    if (field.isText && typeof value === 'string') {
      // Most members are; nothing can go wrong with them.
      if (value !== '' || field.isKeptWhenZero) object[name] = value;
      return;
    }
    const below = baseAt(base, name);
    if (value === below) {
      object[name] = value;
      return;
    }
    this.#owner = owner;
    this.#path.push(name);
    this.#field(field, value, object, below);
    this.#path.pop();
  }

  #unknown(schema: StructSchema, input: Record<string, unknown>, object: Record<string, unknown>): void {
    for (const key of Object.keys(input)) {
      if (schema.byName.has(key) || input[key] === undefined) continue;
      if (schema.preserveUnknown) setMember(object, key, input[key]);
      else this.unknownFields.push(formatPath([...this.#path, key]));
    }
  }

  #field(field: FieldPlan, value: unknown, object: Record<string, unknown>, base: Base): void {
    const { schema } = field;
    const decoded = this.#value(schema, value, base);
    if (!field.isKeptWhenZero && isZero(schema, decoded, field.omit as 'empty' | 'zero')) return;
    object[field.name] = decoded;
  }

  #value(schema: Schema, value: unknown, base?: Base): unknown {
    switch (schema.kind) {
      case 'scalar':
        return this.#scalar(schema, value);
      case 'struct':
        if (typeof value !== 'object' || Array.isArray(value)) throw this.#mismatch(schema, value);
        return this.struct(schema, value as Record<string, unknown>, base);
      case 'list':
        return this.#list(schema, value, base);
      case 'map':
        return this.#map(schema, value);
      case 'special':
        return this.#special(schema, value);
      case 'any':
        return this.#isCopying ? structuredCopy(value) : value;
    }
  }

  #scalar(schema: ScalarSchema, value: unknown): unknown {
    switch (schema.type) {
      case 'string':
        if (typeof value === 'string') return value;
        break;
      case 'bool':
        if (typeof value === 'boolean') return value;
        break;
      case 'bytes':
        if (typeof value === 'string') return canonicalBase64(value);
        break;
      case 'double':
        if (typeof value === 'number') return value;
        if (typeof value === 'bigint') return Number(value);
        break;
      default:
        if (isIntegerOf(schema.type, value)) return value;
    }
    throw this.#mismatch(schema, value);
  }

  #list(schema: ListSchema, value: unknown, base?: Base): unknown[] {
    if (!Array.isArray(value)) throw this.#mismatch(schema, value);
    const { items } = schema;
    return value.map((item: unknown, index) => {
      if (item === null || item === undefined) return zeroValue(items);
      const below = baseAt(base, index);
      if (item === below) return item;
      this.#path.push(index);
      const decoded = this.#value(items, item, below);
      this.#path.pop();
      return decoded;
    });
  }

  #map(schema: MapSchema, value: unknown): Record<string, unknown> {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw this.#mismatch(schema, value);
    const input = value as Record<string, unknown>;
    const object: Record<string, unknown> = {};
    for (const key of sortedKeys(input)) {
      const member = input[key];
      if (member === undefined) continue;
      this.#path.push(key);
      setMember(object, key, member === null ? zeroValue(schema.values) : this.#value(schema.values, member));
      this.#path.pop();
    }
    return object;
  }

  #special(schema: SpecialSchema, value: unknown): unknown {
    switch (schema.special) {
      case 'quantity':
        return quantity(value);
      case 'time':
        return this.#time(schema, value, formatTime);
      case 'microtime':
        return this.#time(schema, value, formatMicroTime);
      case 'int-or-string':
        if (typeof value === 'string' || isIntegerOf('int32', value)) return value;
        throw this.#mismatch(schema, value);
      case 'duration':
        if (typeof value === 'string') return value;
        throw this.#mismatch(schema, value);
      case 'raw-extension':
      case 'json':
        return this.#isCopying ? structuredCopy(value) : value;
      case 'fields-v1':
        // Sets of fields are never changed.
        return value;
      default:
        return this.#schemaProps(schema, value);
    }
  }

  /** The members of a CustomResourceDefinition's schema that may be a schema or something simpler. */
  #schemaProps(schema: SpecialSchema, value: unknown): unknown {
    const props = builtInSchema('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps');
    if (Array.isArray(value) && schema.special === 'json-schema-props-or-array')
      return this.#list({ kind: 'list', items: props, listType: 'atomic', mapKeys: [] }, value);
    if (Array.isArray(value) && schema.special === 'json-schema-props-or-string-array') {
      return this.#list(
        { kind: 'list', items: { kind: 'scalar', type: 'string' }, listType: 'atomic', mapKeys: [] },
        value,
      );
    }
    if (typeof value === 'boolean' && schema.special === 'json-schema-props-or-bool') return value;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw this.#mismatch(schema, value);
    return this.struct(props, value as Record<string, unknown>, undefined);
  }

  #time(schema: SpecialSchema, value: unknown, format: (epochMs: number) => string): string {
    if (typeof value !== 'string') throw this.#mismatch(schema, value);
    const epochMs = epochMsOf(value);
    if (Number.isNaN(epochMs)) {
      const layout =
        schema.special === 'time' ? '2006-01-02T15:04:05Z07:00' : '2006-01-02T15:04:05.000000Z07:00';
      throw new DecodeError(
        `parsing time ${JSON.stringify(value)} as "${layout}": cannot parse ${JSON.stringify(value)} as "2006"`,
      );
    }
    if (schema.special === 'microtime') return microTime(value, epochMs);
    return format(epochMs);
  }

  #mismatch(schema: Schema, value: unknown): DecodeError {
    const owner = this.#owner === undefined ? '' : this.#owner.name.split('.').at(-1);
    const path = this.#path.filter((part) => typeof part === 'string').join('.');
    const shown =
      typeof value === 'number' || typeof value === 'bigint'
        ? schema.kind === 'scalar' && schema.type !== 'string' && schema.type !== 'bool'
          ? `number ${value}`
          : 'number'
        : jsonTypeName(value);
    return new DecodeError(
      `json: cannot unmarshal ${shown} into Go struct field ${owner}.${path} of type ${goTypeName(schema)}`,
    );
  }
}

/** The member or item of a base; undefined unless it is an object, for nothing is gained by sharing others. */
function baseAt(base: Base, at: string | number): Base {
  if (typeof base !== 'object' || base === null) return undefined;
  const below = (base as Record<string | number, unknown>)[at];
  return typeof below === 'object' && below !== null ? below : undefined;
}

function writeZero({ name, pointer, schema }: FieldPlan, object: Record<string, unknown>): void {
  object[name] = pointer ? null : zeroValue(schema);
}

/** What Go writes for a value that was never set. */
export function zeroValue(schema: Schema): unknown {
  switch (schema.kind) {
    case 'struct':
      return assembleStruct(schema, []);
    case 'scalar':
      return schema.type === 'string'
        ? ''
        : schema.type === 'bool'
          ? false
          : schema.type === 'bytes'
            ? null
            : 0;
    case 'special':
      if (schema.special === 'quantity') return '0';
      if (schema.special === 'int-or-string') return 0;
      return schema.special === 'duration' ? '0s' : null;
    default:
      return null;
  }
}

/** Epoch milliseconds of an RFC 3339 time; NaN for any other text. */
const epochMsOf = remembering((text: string) =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : NaN,
);

function isZero(schema: Schema, value: unknown, omit: 'empty' | 'zero'): boolean {
  switch (schema.kind) {
    case 'scalar':
      return value === '' || value === 0 || value === false;
    case 'list':
      return (value as unknown[]).length === 0;
    case 'map':
      return Object.keys(value as object).length === 0;
    case 'struct':
      return omit === 'zero' && Object.keys(value as object).length === 0;
    default:
      return false;
  }
}

/** Go writes structs even when they are empty; omitempty does not hold for them. */
function writesWhenZero(schema: Schema): boolean {
  return schema.kind === 'struct' || schema.kind === 'special';
}

const rememberedQuantity = remembering(canonicalQuantity);

/** Canonical text of a quantity. Throws {@link DecodeError}. */
export function quantity(value: unknown): string {
  const text = typeof value === 'number' || typeof value === 'bigint' ? String(value) : value;
  if (typeof text !== 'string') throw new DecodeError(QUANTITY_ERROR);
  try {
    return rememberedQuantity(text);
  } catch (error) {
    throw new DecodeError((error as Error).message);
  }
}

const INTEGER_RANGES = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
} as const;

function isIntegerOf(type: keyof typeof INTEGER_RANGES, value: unknown): boolean {
  if (typeof value === 'number' ? !Number.isInteger(value) : typeof value !== 'bigint') return false;
  if (typeof value === 'number' && (value | 0) === value && (value >= 0 || type === 'int32')) return true;
  if (type === 'int64' && typeof value === 'number') return Number.isSafeInteger(value);
  const [min, max] = INTEGER_RANGES[type];
  const exact = BigInt(value as number | bigint);
  return exact >= min && exact <= max;
}

function canonicalBase64(text: string): string {
  const compact = text.replaceAll(/[\r\n]/g, '');
  const bad = /[^A-Za-z0-9+/=]|=(?!=?$)/.exec(compact);
  if (bad !== null || compact.length % 4 !== 0)
    throw new DecodeError(`illegal base64 data at input byte ${bad?.index ?? compact.length}`);
  return compact;
}

/** Keeps microseconds that a number of milliseconds cannot. */
function microTime(text: string, epochMs: number): string {
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? '';
  return `${formatMicroTime(epochMs).slice(0, 20)}${fraction.padEnd(6, '0').slice(0, 6)}Z`;
}

/** Keys in the order of their UTF-8 bytes, as Go sorts them. */
export function sortedKeys(object: Readonly<Record<string, unknown>>): string[] {
  const keys = Object.keys(object);
  if (keys.length < 2) return keys;
  const ascii = keys.every((key) => !/[^ -~]/.test(key));
  return ascii ? keys.sort() : keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function jsonTypeName(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (value === null) return 'null';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'bigint' ? 'number' : typeof value;
}

function goStructName(schema: StructSchema): string {
  const parts = schema.name.split('.');
  return `${parts.at(-2)}.${parts.at(-1)}`;
}

const SPECIAL_GO_NAMES: Readonly<Record<string, string>> = {
  time: 'string',
  microtime: 'string',
  duration: 'string',
  quantity: 'resource.Quantity',
  'int-or-string': 'int32',
  'raw-extension': 'runtime.RawExtension',
  'fields-v1': 'v1.FieldsV1',
};

function goTypeName(schema: Schema): string {
  switch (schema.kind) {
    case 'struct':
      return goStructName(schema);
    case 'list':
      return `[]${goTypeName(schema.items)}`;
    case 'map':
      return `map[string]${goTypeName(schema.values)}`;
    case 'scalar':
      return schema.type === 'bytes' ? '[]uint8' : schema.type === 'double' ? 'float64' : schema.type;
    case 'special':
      return SPECIAL_GO_NAMES[schema.special] ?? `v1.${schema.name.split('.').at(-1)}`;
    case 'any':
      return 'interface {}';
  }
}

/**
 * Fills in the defaults that are declared on the fields of the type, in place, wherever the field is absent and its struct
 * is there. Key order is not kept: canonicalize afterwards.
 */
export function applyDeclaredDefaults(schema: Schema, value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (schema.kind === 'list') {
    if (!hasDefaults(schema.items)) return;
    for (const item of value as unknown[]) applyDeclaredDefaults(schema.items, item);
  } else if (schema.kind === 'map') {
    if (!hasDefaults(schema.values)) return;
    for (const member of Object.values(value)) applyDeclaredDefaults(schema.values, member);
  } else if (schema.kind === 'struct') {
    const object = value as Record<string, unknown>;
    for (const field of defaultedFields(schema)) {
      if (field.default !== undefined && (object[field.name] === undefined || object[field.name] === null)) {
        object[field.name] = copyDefault(field.default);
      }
      applyDeclaredDefaults(field.schema, object[field.name]);
    }
  }
}

const fieldsWithDefaults = new WeakMap<StructSchema, readonly FieldSchema[]>();

/** The fields with a default, on themselves or anywhere below: few of those of large types. */
function defaultedFields(schema: StructSchema): readonly FieldSchema[] {
  let fields = fieldsWithDefaults.get(schema);
  if (fields === undefined) {
    fields = schema.fields.filter((field) => field.default !== undefined || hasDefaults(field.schema));
    fieldsWithDefaults.set(schema, fields);
  }
  return fields;
}

function copyDefault(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? (JSON.parse(JSON.stringify(value)) as unknown) : value;
}

const withDefaults = new WeakMap<Schema, boolean>();

/** Whether a default stands anywhere below; most types have none and need no walk. */
function hasDefaults(schema: Schema): boolean {
  if (schema.kind === 'list') return hasDefaults(schema.items);
  if (schema.kind === 'map') return hasDefaults(schema.values);
  if (schema.kind !== 'struct') return false;
  const known = withDefaults.get(schema);
  if (known !== undefined) return known;
  // A type that contains itself is judged by its other fields.
  withDefaults.set(schema, false);
  const found = schema.fields.some((field) => field.default !== undefined || hasDefaults(field.schema));
  withDefaults.set(schema, found);
  return found;
}
