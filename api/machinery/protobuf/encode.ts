/**
 * Canonical Kubernetes JSON to protobuf, for every type with a schema, driven by the field numbers of the facts. Go writes
 * non-pointer scalars even when they are zero; so does this, byte for byte.
 */
import { sortedKeys, stringifyJSON } from '../json.ts';
import { remembering } from '../remembering.ts';
import type { ListSchema, MapSchema, ScalarSchema, Schema, SpecialSchema, StructSchema } from '../schema.ts';
import { durationNanos } from './duration.ts';
import { jsonSchemaProps, layoutOf, type MessageField, type MessageLayout } from './message-layout.ts';
import { WireWriter } from './wire-writer.ts';

/** The message of a canonical object, without envelope; kind and apiVersion are not part of it. */
export function encodeProtobuf(schema: StructSchema, object: object): Uint8Array {
  const writer = new WireWriter();
  writeStruct(writer, layoutOf(schema), object as Record<string, unknown>);
  return writer.finish();
}

const NOTHING: Readonly<Record<string, unknown>> = {};

function writeStruct(writer: WireWriter, { fields }: MessageLayout, object: Record<string, unknown>): void {
  for (const field of fields) {
    if (field.name === '') writeNested(writer, field.number, field.layout!, object);
    else writeField(writer, field, object[field.name]);
  }
}

function writeNested(writer: WireWriter, number: number, layout: MessageLayout, object: unknown): void {
  const start = writer.begin(number);
  writeStruct(writer, layout, object as Record<string, unknown>);
  writer.end(start);
}

function writeField(writer: WireWriter, field: MessageField, value: unknown): void {
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

function writeSchemaProps(writer: WireWriter, schema: SpecialSchema, value: unknown): void {
  const props = jsonSchemaProps();
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
