/**
 * Protobuf for every type with a schema, straight between wire bytes and canonical Kubernetes JSON, driven by the field
 * numbers of the facts. Go writes non-pointer scalars even when they are zero; so does this, byte for byte.
 */
import { canonicalize, DecodeError, sortedKeys } from './codec.ts';
import { setMember, stringifyJSON } from './json.ts';
import type { UnknownObject } from './object-meta.ts';
import { builtInSchema } from './built-in-schemas.ts';
import { WireReader, WireWriter } from './protobuf-wire.ts';
import type {
  FieldSchema,
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
  writeStruct(writer, schema, object as Record<string, unknown>);
  return writer.finish();
}

/** The canonical object of a message. Throws {@link DecodeError} on malformed input. */
export function decodeProtobuf(schema: StructSchema, bytes: Uint8Array): UnknownObject {
  return canonicalize(schema, readStruct(schema, new WireReader(bytes, schema.name.split('.').at(-1)!)));
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

const orderedFields = new WeakMap<StructSchema, readonly ProtobufField[]>();

/** Go writes fields in the order of their numbers. */
function fieldsOf(schema: StructSchema): readonly ProtobufField[] {
  let fields = orderedFields.get(schema);
  if (fields === undefined) {
    fields = [...schema.protobuf].sort((a, b) => a.number - b.number);
    orderedFields.set(schema, fields);
  }
  return fields;
}

function writeStruct(writer: WireWriter, schema: StructSchema, object: Record<string, unknown>): void {
  for (const { number, field, inline } of fieldsOf(schema)) {
    if (inline !== undefined) writer.message(number, (nested) => writeStruct(nested, inline, object));
    else writeField(writer, number, field!, object[field!.name]);
  }
}

function writeField(writer: WireWriter, number: number, field: FieldSchema, value: unknown): void {
  const { schema } = field;
  const absent = value === undefined || value === null;
  if (absent && (field.pointer || schema.kind === 'list' || schema.kind === 'map')) return;
  if (schema.kind === 'list' && !(schema.protobufItems === true)) {
    for (const item of value as unknown[]) writeValue(writer, number, schema.items, item);
  } else if (schema.kind === 'map') {
    writeMap(writer, number, schema, value as Record<string, unknown>);
  } else {
    writeValue(writer, number, schema, value ?? undefined);
  }
}

function writeMap(writer: WireWriter, number: number, schema: MapSchema, map: Record<string, unknown>): void {
  for (const key of sortedKeys(map)) {
    writer.message(number, (entry) => {
      entry.string(1, key);
      writeValue(entry, 2, schema.values, map[key]);
    });
  }
}

function writeValue(writer: WireWriter, number: number, schema: Schema, value: unknown): void {
  switch (schema.kind) {
    case 'scalar':
      writeScalar(writer, number, schema, value);
      break;
    case 'struct':
      writer.message(number, (nested) =>
        writeStruct(nested, schema, (value ?? {}) as Record<string, unknown>),
      );
      break;
    case 'special':
      writeSpecial(writer, number, schema, value);
      break;
    case 'list':
      writer.message(number, (nested) => {
        for (const item of (value ?? []) as unknown[]) writeValue(nested, 1, schema.items, item);
      });
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

function writeSpecial(writer: WireWriter, number: number, schema: SpecialSchema, value: unknown): void {
  switch (schema.special) {
    case 'quantity':
      writer.message(number, (nested) => nested.string(1, (value as string | undefined) ?? '0'));
      break;
    case 'time':
    case 'microtime':
      writer.message(number, (nested) => writeTime(nested, value as string | null | undefined));
      break;
    case 'duration':
      writer.message(number, (nested) =>
        nested.varint(1, durationNanos((value as string | undefined) ?? '0s')),
      );
      break;
    case 'int-or-string':
      writer.message(number, (nested) => {
        nested.varint(1, typeof value === 'string' ? 1 : 0);
        nested.varint(2, typeof value === 'number' ? value : 0);
        nested.string(3, typeof value === 'string' ? value : '');
      });
      break;
    case 'raw-extension':
    case 'fields-v1':
    case 'json':
      writer.message(number, (nested) => {
        if (value !== undefined) nested.bytes(1, Buffer.from(stringifyJSON(value)));
      });
      break;
    default:
      writer.message(number, (nested) => writeSchemaProps(nested, schema, value));
  }
}

/** A timestamp; the zero time is an empty message. */
function writeTime(writer: WireWriter, text: string | null | undefined): void {
  if (text === undefined || text === null) return;
  const epochMs = Date.parse(text);
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? '';
  writer.varint(1, Math.floor(epochMs / 1000));
  writer.varint(2, Number(fraction.padEnd(9, '0').slice(0, 9)));
}

const JSON_SCHEMA_PROPS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';

function writeSchemaProps(writer: WireWriter, schema: SpecialSchema, value: unknown): void {
  const props = builtInSchema(JSON_SCHEMA_PROPS);
  const writeProps = (number: number, object: unknown): void =>
    writer.message(number, (nested) => writeStruct(nested, props, object as Record<string, unknown>));
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

function readStruct(schema: StructSchema, reader: WireReader): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  readInto(object, schema, reader);
  return object;
}

function readInto(object: Record<string, unknown>, schema: StructSchema, reader: WireReader): void {
  while (reader.next()) {
    const found = schema.protobuf.find(({ number }) => number === reader.number);
    if (found === undefined) reader.skip();
    else if (found.inline !== undefined) readInto(object, found.inline, reader.nested());
    else readField(object, found.field!, reader);
  }
}

function readField(object: Record<string, unknown>, { name, schema }: FieldSchema, reader: WireReader): void {
  if (schema.kind === 'list' && schema.protobufItems !== true) {
    const list = (object[name] ??= []) as unknown[];
    if (schema.items.kind === 'scalar' && reader.isPackedFor(schema.items.type)) {
      for (const packed = reader.nested(); packed.hasMore;) list.push(packed.packedScalar(schema.items.type));
    } else list.push(readValue(schema.items, reader));
  } else if (schema.kind === 'map') {
    readMapEntry((object[name] ??= {}) as Record<string, unknown>, schema, reader.nested());
  } else {
    object[name] = readValue(schema, reader);
  }
}

function readMapEntry(map: Record<string, unknown>, schema: MapSchema, entry: WireReader): void {
  let key = '';
  let value: unknown;
  while (entry.next()) {
    if (entry.number === 1) key = entry.string();
    else if (entry.number === 2) value = readValue(schema.values, entry);
    else entry.skip();
  }
  setMember(map, key, value ?? null);
}

function readValue(schema: Schema, reader: WireReader): unknown {
  switch (schema.kind) {
    case 'scalar':
      return reader.scalar(schema.type);
    case 'struct':
      return readStruct(schema, reader.nested());
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
    else if (schema.special === 'quantity') value = reader.string() || '0';
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
  const date = new Date((seconds ?? 0) * 1000);
  if (Number.isNaN(date.getTime())) throw new DecodeError('proto: timestamp out of range');
  const base = date.toISOString().slice(0, 19);
  if (!/^\d{4}-/.test(base)) throw new DecodeError('proto: timestamp out of range');
  if (schema.special === 'time') return `${base}Z`;
  return `${base}.${String(Math.abs(nanos)).padStart(9, '0').slice(0, 6)}Z`;
}

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
      single = readStruct(props, reader.nested());
    else if (reader.number === 2 && schema.special === 'json-schema-props-or-array')
      list.push(readStruct(props, reader.nested()));
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
  for (const [, whole, fraction = '', unit] of text.matchAll(/(\d*)(?:\.(\d+))?(ns|us|µs|ms|s|m|h)/g)) {
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
