/**
 * Protobuf for every type with a schema, straight between wire bytes and canonical Kubernetes JSON, driven by the field
 * numbers of the facts. Go writes non-pointer scalars even when they are zero; so does this, byte for byte.
 */
import {
  zeroValue,
  assembleStruct,
  DecodeError,
  newSlots,
  quantity,
  sortedKeys,
  type StructSlots,
} from './codec.ts';
import { setMember, stringifyJSON } from './json.ts';
import type { UnknownObject } from './object-meta.ts';
import { builtInSchema } from './built-in-schemas.ts';
import { remembering } from './remembering.ts';
import { WireReader, WireWriter } from './protobuf-wire.ts';
import type {
  ListSchema,
  MapSchema,
  ProtobufField,
  ScalarSchema,
  Schema,
  SpecialSchema,
  StructSchema,
} from './schema.ts';

/** First bytes of every Kubernetes protobuf body. */
export const PROTOBUF_MAGIC = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

/** The message of a canonical object, without envelope; kind and apiVersion are not part of it. */
export function encodeProtobuf(schema: StructSchema, object: object): Uint8Array {
  const writer = new WireWriter();
  writeStruct(writer, layoutOf(schema), object as Record<string, unknown>);
  return writer.finish();
}

/** The canonical object of a message. Throws {@link DecodeError} on malformed input. */
export function decodeProtobuf(schema: StructSchema, bytes: Uint8Array): UnknownObject {
  const reader = new WireReader(bytes, schema.name.split('.').at(-1)!);
  return readStruct(layoutOf(schema), reader) as unknown as UnknownObject;
}

export interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Uint8Array;
  readonly contentEncoding: string;
  readonly contentType: string;
}

/** `k8s\0` and a runtime.Unknown around the message. */
export function encodeEnvelope(
  type: { readonly apiVersion: string; readonly kind: string },
  raw: Uint8Array,
): Uint8Array {
  const typeMeta = new WireWriter();
  typeMeta.string(1, type.apiVersion);
  typeMeta.string(2, type.kind);
  const unknown = new WireWriter(PROTOBUF_MAGIC);
  unknown.bytes(1, typeMeta.finish());
  unknown.bytes(2, raw);
  unknown.string(3, '');
  unknown.string(4, '');
  return unknown.finish();
}

/** Takes an envelope apart. Throws {@link DecodeError} without the magic bytes or on malformed input. */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  if (bytes.length < 4 || !PROTOBUF_MAGIC.equals(bytes.subarray(0, 4))) {
    throw new DecodeError(
      'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]',
    );
  }
  const envelope: { -readonly [K in keyof Envelope]: Envelope[K] } = {
    apiVersion: '',
    kind: '',
    raw: new Uint8Array(),
    contentEncoding: '',
    contentType: '',
  };
  const reader = new WireReader(bytes.subarray(4), 'Unknown');
  while (reader.next()) {
    if (reader.number === 1) {
      const typeMeta = new WireReader(reader.bytes(), 'TypeMeta');
      while (typeMeta.next()) {
        if (typeMeta.number === 1) envelope.apiVersion = typeMeta.string();
        else if (typeMeta.number === 2) envelope.kind = typeMeta.string();
        else typeMeta.skip();
      }
    } else if (reader.number === 2) envelope.raw = reader.bytes();
    else if (reader.number === 3) envelope.contentEncoding = reader.string();
    else if (reader.number === 4) envelope.contentType = reader.string();
    else reader.skip();
  }
  return envelope;
}

/** A field as it is written and read, with what its schema says at hand. */
class FieldPlan {
  readonly number: number;
  /** Member of the object; '' for an inline struct, whose members are the object's own. */
  readonly name: string;
  readonly schema: Schema;
  /** A list with one field of the message per item. */
  readonly isRepeated: boolean;
  /** Not written when there is no value; other fields are written with the zero value then. */
  readonly isOptional: boolean;
  /** Place among the fields of the struct; -1 for an inline struct. */
  readonly index: number;
  #layout: Layout | undefined;

  constructor({ number, field, inline }: ProtobufField, owner: StructSchema) {
    this.index = field === undefined ? -1 : owner.fields.indexOf(field);
    this.number = number;
    this.name = field?.name ?? '';
    this.schema = inline ?? field!.schema;
    this.isRepeated = this.schema.kind === 'list' && this.schema.protobufItems !== true;
    this.isOptional = field?.pointer === true || this.schema.kind === 'list' || this.schema.kind === 'map';
  }

  /** Layout of the struct that the field is, or that its items are. Looked up on first use: types contain themselves. */
  get layout(): Layout | undefined {
    if (this.#layout !== undefined) return this.#layout;
    const struct = this.schema.kind === 'list' ? this.schema.items : this.schema;
    return struct.kind === 'struct' ? (this.#layout = layoutOf(struct)) : undefined;
  }
}

interface Layout {
  readonly schema: StructSchema;
  /** In the order of their numbers, which is the order that Go writes. */
  readonly fields: readonly FieldPlan[];
  readonly byNumber: readonly (FieldPlan | undefined)[];
}

const layouts = new WeakMap<StructSchema, Layout>();

function layoutOf(schema: StructSchema): Layout {
  let layout = layouts.get(schema);
  if (layout === undefined) {
    const fields = schema.protobuf
      .map((field) => new FieldPlan(field, schema))
      .sort((a, b) => a.number - b.number);
    const byNumber: (FieldPlan | undefined)[] = [];
    for (const field of fields) byNumber[field.number] = field;
    layouts.set(schema, (layout = { schema, fields, byNumber }));
  }
  return layout;
}

const NOTHING: Readonly<Record<string, unknown>> = {};

function writeStruct(writer: WireWriter, { fields }: Layout, object: Record<string, unknown>): void {
  for (const field of fields) {
    if (field.name === '') writeNested(writer, field.number, field.layout!, object);
    else writeField(writer, field, object[field.name]);
  }
}

function writeNested(writer: WireWriter, number: number, layout: Layout, object: unknown): void {
  const start = writer.begin(number);
  writeStruct(writer, layout, object as Record<string, unknown>);
  writer.end(start);
}

function writeField(writer: WireWriter, field: FieldPlan, value: unknown): void {
  const { number, schema, layout } = field;
  if (value === undefined || value === null) {
    if (field.isOptional) return;
    value = undefined;
  }
  if (field.isRepeated) {
    for (const item of value as unknown[]) {
      if (layout === undefined) writeValue(writer, number, (schema as ListSchema).items, item);
      else writeNested(writer, number, layout, item ?? NOTHING);
    }
  } else if (layout !== undefined && schema.kind === 'struct') {
    writeNested(writer, number, layout, value ?? NOTHING);
  } else if (schema.kind === 'map') {
    writeMap(writer, number, schema, value as Record<string, unknown>);
  } else {
    writeValue(writer, number, schema, value);
  }
}

function writeMap(writer: WireWriter, number: number, schema: MapSchema, map: Record<string, unknown>): void {
  for (const key of sortedKeys(map)) {
    const start = writer.begin(number);
    writer.string(1, key);
    writeValue(writer, 2, schema.values, map[key]);
    writer.end(start);
  }
}

function writeValue(writer: WireWriter, number: number, schema: Schema, value: unknown): void {
  if (schema.kind === 'scalar') {
    writeScalar(writer, number, schema, value);
    return;
  }
  const start = writer.begin(number);
  writeMessage(writer, schema, value);
  writer.end(start);
}

function writeMessage(writer: WireWriter, schema: Exclude<Schema, ScalarSchema>, value: unknown): void {
  switch (schema.kind) {
    case 'struct':
      writeStruct(writer, layoutOf(schema), (value ?? NOTHING) as Record<string, unknown>);
      break;
    case 'special':
      writeSpecial(writer, schema, value);
      break;
    case 'list':
      for (const item of (value ?? []) as unknown[]) writeValue(writer, 1, schema.items, item);
      break;
    default:
      throw new Error(`a ${schema.kind} has no protobuf form`);
  }
}

function writeScalar(writer: WireWriter, number: number, { type }: ScalarSchema, value: unknown): void {
  switch (type) {
    case 'string':
      writer.string(number, (value as string | undefined) ?? '');
      break;
    case 'bytes':
      if (value !== undefined) writer.bytes(number, Buffer.from(value as string, 'base64'));
      break;
    case 'bool':
      writer.varint(number, value === true ? 1 : 0);
      break;
    case 'double':
      writer.double(number, (value as number | undefined) ?? 0);
      break;
    default:
      writer.varint(number, (value as number | bigint | undefined) ?? 0);
  }
}

function writeSpecial(writer: WireWriter, schema: SpecialSchema, value: unknown): void {
  switch (schema.special) {
    case 'quantity':
      writer.string(1, (value as string | undefined) ?? '0');
      break;
    case 'time':
    case 'microtime':
      writeTime(writer, value as string | null | undefined);
      break;
    case 'duration':
      writer.varint(1, durationNanos((value as string | undefined) ?? '0s'));
      break;
    case 'int-or-string':
      writer.varint(1, typeof value === 'string' ? 1 : 0);
      writer.varint(2, typeof value === 'number' ? value : 0);
      writer.string(3, typeof value === 'string' ? value : '');
      break;
    case 'raw-extension':
    case 'fields-v1':
    case 'json':
      if (value !== undefined) writer.bytes(1, Buffer.from(stringifyJSON(value)));
      break;
    default:
      writeSchemaProps(writer, schema, value);
  }
}

/** A timestamp; the zero time is an empty message. */
function writeTime(writer: WireWriter, text: string | null | undefined): void {
  if (text === undefined || text === null) return;
  const { seconds, nanos } = timestampOf(text);
  writer.varint(1, seconds);
  writer.varint(2, nanos);
}

const timestampOf = remembering((text: string) => {
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? '';
  return { seconds: Math.floor(Date.parse(text) / 1000), nanos: Number(fraction.padEnd(9, '0').slice(0, 9)) };
});

const JSON_SCHEMA_PROPS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';

function writeSchemaProps(writer: WireWriter, schema: SpecialSchema, value: unknown): void {
  const props = builtInSchema(JSON_SCHEMA_PROPS);
  const writeProps = (number: number, object: unknown): void => {
    writeNested(writer, number, layoutOf(props), object);
  };
  if (schema.special === 'json-schema-props-or-bool') {
    writer.varint(1, value === false ? 0 : 1);
    if (typeof value === 'object') writeProps(2, value);
  } else if (Array.isArray(value)) {
    for (const item of value as unknown[]) {
      if (schema.special === 'json-schema-props-or-array') writeProps(2, item);
      else writer.string(2, item as string);
    }
  } else if (value !== undefined) writeProps(1, value);
}

function readStruct(layout: Layout, reader: WireReader): Record<string, unknown> {
  const slots = newSlots(layout.schema);
  readInto(slots, layout, reader);
  return assembleStruct(layout.schema, slots);
}

function readInto(slots: StructSlots, layout: Layout, reader: WireReader): void {
  while (reader.next()) {
    const field = layout.byNumber[reader.number];
    if (field === undefined) reader.skip();
    else if (field.name === '') readInline(slots, layout.schema, field.layout!, reader.nested());
    else readField(slots, field, reader);
  }
}

/** The fields of an inline struct are its owner's, at places of their own. */
function readInline(slots: StructSlots, owner: StructSchema, layout: Layout, reader: WireReader): void {
  const inner = newSlots(layout.schema);
  readInto(inner, layout, reader);
  for (const [index, value] of inner.entries()) {
    if (value !== undefined) slots[owner.fields.indexOf(layout.schema.fields[index]!)] = value;
  }
}

function readField(slots: StructSlots, field: FieldPlan, reader: WireReader): void {
  const { index, schema, layout } = field;
  if (field.isRepeated) {
    const { items } = schema as ListSchema;
    const list = (slots[index] ??= []) as unknown[];
    if (layout !== undefined) list.push(readStruct(layout, reader.nested()));
    else if (items.kind === 'scalar' && reader.isPackedFor(items.type)) {
      for (const packed = reader.nested(); packed.hasMore;) list.push(packed.packedScalar(items.type));
    } else list.push(readValue(items, reader));
  } else if (schema.kind === 'map') {
    slots[index] = readMapEntry((slots[index] ?? {}) as Record<string, unknown>, schema, reader.nested());
  } else if (layout !== undefined && schema.kind === 'struct') {
    slots[index] = readStruct(layout, reader.nested());
  } else {
    slots[index] = readValue(schema, reader);
  }
}

/** The map with one entry more, keys in order. */
function readMapEntry(
  map: Record<string, unknown>,
  schema: MapSchema,
  entry: WireReader,
): Record<string, unknown> {
  let key = '';
  let value: unknown;
  while (entry.next()) {
    if (entry.number === 1) key = entry.string();
    else if (entry.number === 2) value = readValue(schema.values, entry);
    else entry.skip();
  }
  const before = Object.keys(map);
  setMember(map, key, value ?? zeroValue(schema.values));
  const last = before.at(-1);
  if (last === undefined || last < key) return map;
  const sorted: Record<string, unknown> = {};
  for (const name of sortedKeys(map)) setMember(sorted, name, map[name]);
  return sorted;
}

function readValue(schema: Schema, reader: WireReader): unknown {
  switch (schema.kind) {
    case 'scalar':
      return reader.scalar(schema.type);
    case 'struct':
      return readStruct(layoutOf(schema), reader.nested());
    case 'special':
      return readSpecial(schema, reader.nested());
    case 'list':
      return readItems(schema, reader.nested());
    default:
      throw new DecodeError(`a ${schema.kind} has no protobuf form`);
  }
}

function readItems(schema: ListSchema, reader: WireReader): unknown[] {
  const items: unknown[] = [];
  while (reader.next()) {
    if (reader.number === 1) items.push(readValue(schema.items, reader));
    else reader.skip();
  }
  return items;
}

function readSpecial(schema: SpecialSchema, reader: WireReader): unknown {
  switch (schema.special) {
    case 'time':
    case 'microtime':
      return readTime(schema, reader);
    case 'int-or-string':
      return readIntOrString(reader);
    case 'json-schema-props-or-array':
    case 'json-schema-props-or-bool':
    case 'json-schema-props-or-string-array':
      return readSchemaProps(schema, reader);
    default:
      break;
  }
  let value: unknown = null;
  while (reader.next()) {
    if (reader.number !== 1) reader.skip();
    else if (schema.special === 'quantity') value = quantity(reader.string() || '0');
    else if (schema.special === 'duration') value = formatDuration(reader.scalar('int64') as number | bigint);
    else value = parseRaw(reader.bytes());
  }
  return value;
}

function parseRaw(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown;
  } catch (error) {
    throw new DecodeError(`json: ${(error as Error).message}`);
  }
}

function readTime(schema: SpecialSchema, reader: WireReader): string | null {
  let seconds: number | undefined;
  let nanos = 0;
  while (reader.next()) {
    if (reader.number === 1) seconds = Number(reader.scalar('int64'));
    else if (reader.number === 2) nanos = Number(reader.scalar('int32'));
    else reader.skip();
  }
  if (seconds === undefined && nanos === 0) return null;
  const base = textOfSecond(seconds ?? 0);
  if (base === '') throw new DecodeError('proto: timestamp out of range');
  if (schema.special === 'time') return `${base}Z`;
  return `${base}.${String(Math.abs(nanos)).padStart(9, '0').slice(0, 6)}Z`;
}

/** Date and time of day; '' for what is no time of RFC 3339. */
const textOfSecond = remembering((seconds: number) => {
  const date = new Date(seconds * 1000);
  const text = Number.isNaN(date.getTime()) ? '' : date.toISOString();
  return /^\d{4}-/.test(text) ? text.slice(0, 19) : '';
});

function readIntOrString(reader: WireReader): string | number {
  let type = 0;
  let number = 0;
  let text = '';
  while (reader.next()) {
    if (reader.number === 1) type = Number(reader.scalar('int64'));
    else if (reader.number === 2) number = Number(reader.scalar('int32'));
    else if (reader.number === 3) text = reader.string();
    else reader.skip();
  }
  return type === 1 ? text : number;
}

function readSchemaProps(schema: SpecialSchema, reader: WireReader): unknown {
  const props = builtInSchema(JSON_SCHEMA_PROPS);
  let allows = false;
  let single: unknown;
  const list: unknown[] = [];
  while (reader.next()) {
    const isBool = schema.special === 'json-schema-props-or-bool';
    if (reader.number === 1 && isBool) allows = reader.scalar('bool') as boolean;
    else if (reader.number === 1 || (reader.number === 2 && isBool))
      single = readStruct(layoutOf(props), reader.nested());
    else if (reader.number === 2 && schema.special === 'json-schema-props-or-array')
      list.push(readStruct(layoutOf(props), reader.nested()));
    else if (reader.number === 2) list.push(reader.string());
    else reader.skip();
  }
  if (single !== undefined) return single;
  return schema.special === 'json-schema-props-or-bool' ? allows : list;
}

const UNIT_NANOS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** Nanoseconds of a Go duration such as `1h2m3.5s`. */
function durationNanos(text: string): bigint {
  let total = 0n;
  for (const [, whole, fraction = '', unit] of text.matchAll(/(\d*)(?:\.(\d+))?(ns|us|\u00b5s|ms|s|m|h)/g)) {
    total += (BigInt(`${whole}${fraction}` || '0') * UNIT_NANOS[unit!]!) / 10n ** BigInt(fraction.length);
  }
  return text.startsWith('-') ? -total : total;
}

/** As Go prints a duration: `1h2m3.5s`, `0s`, `1.5ms`. */
function formatDuration(nanos: number | bigint): string {
  const total = BigInt(nanos);
  if (total === 0n) return '0s';
  const sign = total < 0n ? '-' : '';
  const size = total < 0n ? -total : total;
  for (const unit of ['ns', 'µs', 'ms'] as const) {
    const next = UNIT_NANOS[unit]! * 1000n;
    if (size < next) return `${sign}${decimal(size, UNIT_NANOS[unit]!)}${unit}`;
  }
  const hours = size / UNIT_NANOS['h']!;
  const minutes = (size / UNIT_NANOS['m']!) % 60n;
  const seconds = decimal(size % UNIT_NANOS['m']!, UNIT_NANOS['s']!);
  return `${sign}${hours > 0n ? `${hours}h` : ''}${hours > 0n || minutes > 0n ? `${minutes}m` : ''}${seconds}s`;
}

function decimal(value: bigint, unit: bigint): string {
  const rest = value % unit;
  if (rest === 0n) return String(value / unit);
  const digits = String(rest).padStart(String(unit).length - 1, '0');
  return `${value / unit}.${digits.replace(/0+$/, '')}`;
}
