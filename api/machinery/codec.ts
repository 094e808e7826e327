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
import {
  isZero,
  planOf,
  writeZero,
  zeroOf,
  zeroValue,
  type FieldPlan,
  type StructPlan,
} from './struct-assembly.ts';

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
  /** Takes over what is canonical of `value`, which is given away. */
  readonly isTaking?: boolean;
}

/** Decodes `value` as the struct. Throws {@link DecodeError} when a value has the wrong type. */
export function decodeObject(
  schema: StructSchema,
  value: unknown,
  { base, isCopying = false, isTaking = false }: DecodeOptions = {},
): Decoded {
  const decoder = new Decoder(isCopying, isTaking);
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
  readonly #isTaking: boolean;
  /** The struct and field that is being read, for messages. */
  #owner: StructSchema | undefined;

  constructor(isCopying: boolean, isTaking: boolean) {
    this.#isCopying = isCopying;
    this.#isTaking = isTaking;
  }

  /** Goes by the members that are there and the fields that are written without: most fields of large types are neither. */
  struct(schema: StructSchema, input: Record<string, unknown>, base: Base): Record<string, unknown> {
    const plan = planOf(schema);
    const { fields, writtenWhenAbsent } = plan;
    const present: number[] = [];
    let isOrdered = true;
    let isWhole = true;
    let hasUnknown = false;
    for (const key in input) {
      const index = plan.indexes.get(key);
      if (index === undefined) hasUnknown = true;
      else if (input[key] === undefined || (input[key] === null && !fields[index]!.isWrittenWhenAbsent))
        isWhole = false;
      else {
        let at = present.length;
        for (; at > 0 && present[at - 1]! > index; at--) present[at] = present[at - 1]!;
        if (at < present.length) isOrdered = false;
        present[at] = index;
      }
    }
    // Made when the input cannot be the result itself.
    let object: Record<string, unknown> | undefined =
      this.#isTaking && isOrdered && isWhole && !hasUnknown ? undefined : {};
    const outer = this.#owner;
    let needed = 0;
    for (let at = 0; at < present.length; at++) {
      const index = present[at]!;
      for (; needed < writtenWhenAbsent.length && writtenWhenAbsent[needed]! < index; needed++)
        writeZero(fields[writtenWhenAbsent[needed]!]!, (object ??= firstMembers(plan, input, present, at)));
      if (writtenWhenAbsent[needed] === index) needed++;
      const field = fields[index]!;
      const decoded = this.#member(schema, field, input[field.name], base);
      if (object === undefined) {
        if (decoded === input[field.name]) continue;
        object = firstMembers(plan, input, present, at);
      }
      if (decoded !== undefined) object[field.name] = decoded;
    }
    for (; needed < writtenWhenAbsent.length; needed++)
      writeZero(
        fields[writtenWhenAbsent[needed]!]!,
        (object ??= firstMembers(plan, input, present, present.length)),
      );
    this.#owner = outer;
    if (hasUnknown) this.#unknown(schema, input, object!);
    return object ?? input;
  }

  /** The value of a member; undefined when it is not written. */
  #member(owner: StructSchema, field: FieldPlan, value: unknown, base: Base): unknown {
    // Most members are; nothing can go wrong with them.
    if (field.isText && typeof value === 'string')
      return value !== '' || field.isKeptWhenZero ? value : undefined;
    if (value === null) return zeroOf(field);
    const below = baseAt(base, field.name);
    if (value === below) return value;
    this.#owner = owner;
    this.#path.push(field.name);
    const { schema } = field;
    const decoded = this.#value(schema, value, below);
    this.#path.pop();
    return field.isKeptWhenZero || !isZero(schema, decoded, field.omit as 'empty' | 'zero')
      ? decoded
      : undefined;
  }

  #unknown(schema: StructSchema, input: Record<string, unknown>, object: Record<string, unknown>): void {
    for (const key of Object.keys(input)) {
      if (schema.byName.has(key) || input[key] === undefined) continue;
      if (schema.preserveUnknown) setMember(object, key, input[key]);
      else this.unknownFields.push(formatPath([...this.#path, key]));
    }
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
    let isTaken = this.#isTaking;
    const list = value.map((item: unknown, index) => {
      if (item === null || item === undefined) {
        isTaken = false;
        return zeroValue(items);
      }
      const below = baseAt(base, index);
      if (item === below) return item;
      this.#path.push(index);
      const decoded = this.#value(items, item, below);
      this.#path.pop();
      if (decoded !== item) isTaken = false;
      return decoded;
    });
    return isTaken ? value : list;
  }

  #map(schema: MapSchema, value: unknown): Record<string, unknown> {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw this.#mismatch(schema, value);
    const input = value as Record<string, unknown>;
    const keys = sortedKeys(input);
    const { values } = schema;
    if (this.#isTaking && values.kind === 'scalar' && values.type === 'string' && isTextMap(input, keys))
      return input;
    const object: Record<string, unknown> = {};
    for (const key of keys) {
      const member = input[key];
      if (member === undefined) continue;
      this.#path.push(key);
      setMember(object, key, member === null ? zeroValue(values) : this.#value(values, member));
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

/** The first `count` of the members of a struct that are there, which are canonical. */
function firstMembers(
  { fields }: StructPlan,
  input: Readonly<Record<string, unknown>>,
  present: readonly number[],
  count: number,
): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (let at = 0; at < count; at++) {
    const { name } = fields[present[at]!]!;
    object[name] = input[name];
  }
  return object;
}

/** Whether the map has these keys, in this order, and texts as values. */
function isTextMap(map: Readonly<Record<string, unknown>>, keys: readonly string[]): boolean {
  let at = 0;
  for (const key in map) if (key !== keys[at++] || typeof map[key] !== 'string') return false;
  return true;
}

/** The member or item of a base; undefined unless it is an object, for nothing is gained by sharing others. */
function baseAt(base: Base, at: string | number): Base {
  if (typeof base !== 'object' || base === null) return undefined;
  const below = (base as Record<string | number, unknown>)[at];
  return typeof below === 'object' && below !== null ? below : undefined;
}
