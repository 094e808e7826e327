/** What Go's decoder says of data that does not fit a type. */
import type { Schema, StructSchema } from './schema.ts';

/** The data does not fit the type. The message is that of Go's decoder. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** For a value where a whole object of the type should be. */
export function newNotAnObject(schema: StructSchema, value: unknown): DecodeError {
  return new DecodeError(
    `json: cannot unmarshal ${jsonTypeName(value)} into Go value of type ${goStructName(schema)}`,
  );
}

/** For a value of the wrong type; `owner` is the struct whose field is read, `path` where it stands from the root. */
export function newMismatch(
  schema: Schema,
  value: unknown,
  owner: StructSchema | undefined,
  path: readonly (string | number)[],
): DecodeError {
  const names = path.filter((part) => typeof part === 'string').join('.');
  const struct = owner === undefined ? '' : owner.name.split('.').at(-1);
  return new DecodeError(
    `json: cannot unmarshal ${shownValue(schema, value)} into Go struct field ${struct}.${names} of type ${goTypeName(schema)}`,
  );
}

/** Numbers are told where a number would do. */
function shownValue(schema: Schema, value: unknown): string {
  if (typeof value !== 'number' && typeof value !== 'bigint') return jsonTypeName(value);
  const isNumeric = schema.kind === 'scalar' && schema.type !== 'string' && schema.type !== 'bool';
  return isNumeric ? `number ${value}` : 'number';
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
