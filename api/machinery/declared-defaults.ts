import type { FieldSchema, Schema, StructSchema } from './schema.ts';

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
