/**
 * Typed decoding: JSON data into the canonical form of its type. Canonical means what Go's encoder would write after
 * decoding: keys in struct order, zero values dropped or written as the tags say, quantities and times in their normal
 * form. Decoding is idempotent, so it also brings an object that was changed in memory back into canonical form.
 */
import { builtInSchema } from './built-in-schemas.ts';
import { structuredCopy } from './client.ts';
import { newMismatch, newNotAnObject, type DecodeError } from './decode-error.ts';
import { formatPath, setMember, sortedKeys, stringifyJSON } from './json.ts';
import type { UnknownObject } from './object-meta.ts';
import { canonicalBase64, canonicalTime, decodeQuantity, isIntegerOf } from './scalar-forms.ts';
import type { ListSchema, MapSchema, ScalarSchema, Schema, SpecialSchema, StructSchema } from './schema.ts';
import { isZero, planOf, writeZero, zeroValue, type FieldPlan } from './struct-assembly.ts';

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
    throw newNotAnObject(schema, value);
  }
  const object = decoder.struct(schema, value as Record<string, unknown>, base);
  return { object: object as UnknownObject, unknownFields: decoder.unknownFields };
}

/** `object` in canonical form again after it was changed in memory; `base` as in {@link DecodeOptions}. */
export function canonicalize(schema: StructSchema, object: unknown, base?: object): UnknownObject {
  return decodeObject(schema, object, { base }).object;
}

/** Compact JSON of a canonical object, without a newline behind it. */
export function encodeObject(object: unknown): Buffer {
  return Buffer.from(stringifyJSON(object));
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
        return decodeQuantity(value);
      case 'time':
      case 'microtime':
        if (typeof value === 'string') return canonicalTime(schema.special, value);
        throw this.#mismatch(schema, value);
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

  #mismatch(schema: Schema, value: unknown): DecodeError {
    return newMismatch(schema, value, this.#owner, this.#path);
  }
}

/** The member or item of a base; undefined unless it is an object, for nothing is gained by sharing others. */
function baseAt(base: Base, at: string | number): Base {
  if (typeof base !== 'object' || base === null) return undefined;
  const below = (base as Record<string | number, unknown>)[at];
  return typeof below === 'object' && below !== null ? below : undefined;
}
