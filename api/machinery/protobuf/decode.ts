/** Protobuf straight to canonical Kubernetes JSON, for every type with a schema, driven by the field numbers of the facts. */
import { DecodeError } from '../decode-error.ts';
import { setMember, sortedKeys } from '../json.ts';
import type { UnknownObject } from '../object-meta.ts';
import { remembering } from '../remembering.ts';
import { decodeQuantity } from '../scalar-forms.ts';
import type { ListSchema, MapSchema, Schema, SpecialSchema, StructSchema } from '../schema.ts';
import { assembleStruct, newSlots, zeroValue, type StructSlots } from '../struct-assembly.ts';
import { formatDuration } from './duration.ts';
import { jsonSchemaProps, layoutOf, type MessageField, type MessageLayout } from './message-layout.ts';
import { WireReader } from './wire-reader.ts';

/** The canonical object of a message. Throws {@link DecodeError} on malformed input. */
export function decodeProtobuf(schema: StructSchema, bytes: Uint8Array): UnknownObject {
  const reader = new WireReader(bytes, schema.name.split('.').at(-1)!);
  return readStruct(layoutOf(schema), reader) as unknown as UnknownObject;
}

function readStruct(layout: MessageLayout, reader: WireReader): Record<string, unknown> {
  const slots = newSlots(layout.schema);
  readInto(slots, layout, reader);
  return assembleStruct(layout.schema, slots);
}

function readInto(slots: StructSlots, layout: MessageLayout, reader: WireReader): void {
  while (reader.next()) {
    const field = layout.byNumber[reader.number];
    if (field === undefined) reader.skip();
    else if (field.name === '') readInline(slots, layout.schema, field.layout!, reader.nested());
    else readField(slots, field, reader);
  }
}

/** The fields of an inline struct are its owner's, at places of their own. */
function readInline(
  slots: StructSlots,
  owner: StructSchema,
  layout: MessageLayout,
  reader: WireReader,
): void {
  const inner = newSlots(layout.schema);
  readInto(inner, layout, reader);
  for (const [index, value] of inner.entries()) {
    if (value !== undefined) slots[owner.fields.indexOf(layout.schema.fields[index]!)] = value;
  }
}

function readField(slots: StructSlots, field: MessageField, reader: WireReader): void {
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
    else if (schema.special === 'quantity') value = decodeQuantity(reader.string() || '0');
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
  const props = jsonSchemaProps();
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
