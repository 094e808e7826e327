/**
 * The OpenAPI 2.0 document in the protobuf form that older kubectl asks for. Field numbers are those of gnostic's
 * OpenAPIv2.proto; what our documents never hold has no line here.
 */
import { WireWriter } from '../api/machinery/protobuf/wire-writer.ts';

type JSONObject = Readonly<Record<string, unknown>>;

export function encodeV2(document: object): Buffer {
  const { swagger, info, paths, definitions } = document as {
    swagger: string;
    info: JSONObject;
    paths: JSONObject;
    definitions: JSONObject;
  };
  const writer = new WireWriter();
  writer.string(1, swagger);
  writer.message(2, (message) => {
    message.string(1, info['title'] as string);
    message.string(2, info['version'] as string);
  });
  writer.message(8, (message) => writeNamed(message, 2, paths, writePathItem));
  writer.message(9, (message) => writeNamed(message, 1, definitions, writeSchema));
  return Buffer.from(writer.finish());
}

/** Maps are lists of name and value. */
function writeNamed(
  writer: WireWriter,
  number: number,
  map: JSONObject,
  write: (writer: WireWriter, value: JSONObject) => void,
): void {
  for (const [name, value] of Object.entries(map)) {
    writer.message(number, (entry) => {
      entry.string(1, name);
      entry.message(2, (message) => write(message, value as JSONObject));
    });
  }
}

const METHODS: Readonly<Record<string, number>> = { get: 2, put: 3, post: 4, delete: 5, patch: 8 };

function writePathItem(writer: WireWriter, item: JSONObject): void {
  for (const [method, number] of Object.entries(METHODS)) {
    const operation = item[method] as JSONObject | undefined;
    if (operation !== undefined) writer.message(number, (message) => writeOperation(message, operation));
  }
}

function writeOperation(writer: WireWriter, operation: JSONObject): void {
  writeStrings(writer, 1, operation['tags']);
  writeString(writer, 3, operation['description']);
  writeString(writer, 5, operation['operationId']);
  writeStrings(writer, 6, operation['produces']);
  writeStrings(writer, 7, operation['consumes']);
  for (const parameter of (operation['parameters'] ?? []) as JSONObject[]) {
    // Parameter { NonBodyParameter { QueryParameterSubSchema } }
    if (parameter['in'] === 'query')
      writer.message(8, (item) =>
        item.message(1, (any) =>
          any.message(2, (other) => other.message(3, (query) => writeQuery(query, parameter))),
        ),
      );
  }
  writeStrings(writer, 10, operation['schemes']);
  writeExtensions(writer, 13, operation);
}

function writeQuery(writer: WireWriter, parameter: JSONObject): void {
  writeString(writer, 2, parameter['in']);
  writeString(writer, 3, parameter['description']);
  writeString(writer, 4, parameter['name']);
  writeString(writer, 6, parameter['type']);
}

function writeSchema(writer: WireWriter, schema: JSONObject): void {
  writeString(writer, 1, schema['$ref']);
  writeString(writer, 2, schema['format']);
  writeString(writer, 4, schema['description']);
  if (schema['default'] !== undefined)
    writer.message(5, (any) => any.string(2, JSON.stringify(schema['default'])));
  writeStrings(writer, 19, schema['required']);
  for (const value of (schema['enum'] ?? []) as unknown[])
    writer.message(20, (any) => any.string(2, JSON.stringify(value)));
  const additional = schema['additionalProperties'] as JSONObject | undefined;
  if (additional !== undefined)
    writer.message(21, (item) => item.message(1, (message) => writeSchema(message, additional)));
  if (schema['type'] !== undefined) writer.message(22, (item) => item.string(1, schema['type'] as string));
  const items = schema['items'] as JSONObject | undefined;
  if (items !== undefined)
    writer.message(23, (item) => item.message(1, (message) => writeSchema(message, items)));
  const properties = schema['properties'] as JSONObject | undefined;
  if (properties !== undefined)
    writer.message(25, (message) => writeNamed(message, 1, properties, writeSchema));
  writeExtensions(writer, 31, schema);
}

/** Vendor extensions, as YAML, of which JSON is a part. */
function writeExtensions(writer: WireWriter, number: number, object: JSONObject): void {
  for (const [name, value] of Object.entries(object)) {
    if (!name.startsWith('x-')) continue;
    writer.message(number, (entry) => {
      entry.string(1, name);
      entry.message(2, (any) => any.string(2, JSON.stringify(value)));
    });
  }
}

function writeString(writer: WireWriter, number: number, value: unknown): void {
  if (typeof value === 'string' && value !== '') writer.string(number, value);
}

function writeStrings(writer: WireWriter, number: number, values: unknown): void {
  for (const value of (values ?? []) as string[]) writer.string(number, value);
}
