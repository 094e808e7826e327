/** The facts as plain OpenAPI schemas, for generating TypeScript types: structure only, no descriptions or extensions. */
import type { FieldFacts, TypeFacts, TypesFile } from './facts/schema.ts';

export interface PlainSchema {
  $ref?: string;
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  properties?: Record<string, PlainSchema>;
  required?: string[];
  items?: PlainSchema;
  additionalProperties?: PlainSchema | boolean;
  oneOf?: PlainSchema[];
}

/** Members that every stored object of a kind has, whatever OpenAPI says of requests. */
const ALWAYS_PRESENT = new Set(['metadata', 'spec', 'status']);

const SCALARS: Readonly<Record<string, PlainSchema>> = {
  string: { type: 'string' },
  bytes: { type: 'string' },
  bool: { type: 'boolean' },
  int32: { type: 'integer' },
  int64: { type: 'integer' },
  uint32: { type: 'integer' },
  uint64: { type: 'integer' },
  double: { type: 'number' },
  any: {},
};

/** One schema per definition name. Enumerations stay strings: objects may hold values no validation has seen yet. */
export function typeSchemas(file: TypesFile): Record<string, PlainSchema> {
  return Object.fromEntries(Object.entries(file.types).map(([name, facts]) => [name, schemaOf(file, facts)]));
}

function schemaOf(file: TypesFile, facts: TypeFacts): PlainSchema {
  if (facts.protobufItems !== undefined)
    return { type: 'array', items: expressionSchema(facts.protobufItems) };
  switch (facts.special) {
    case 'quantity':
    case 'time':
    case 'microtime':
    case 'duration':
      return { type: 'string' };
    case 'int-or-string':
      return { oneOf: [{ type: 'integer' }, { type: 'string' }] };
    case 'raw-extension':
    case 'fields-v1':
      return { type: 'object', additionalProperties: {} };
    case 'json':
    case 'json-schema-props-or-array':
    case 'json-schema-props-or-bool':
    case 'json-schema-props-or-string-array':
      return {};
    case undefined:
      return structSchema(file, facts);
  }
}

function structSchema(file: TypesFile, facts: TypeFacts): PlainSchema {
  const properties: Record<string, PlainSchema> = {};
  const required: string[] = [];
  const isKind = facts.gvk !== undefined;
  const add = (fields: readonly FieldFacts[]): void => {
    for (const field of fields) {
      if (field.inline === true) {
        add(file.types[field.type]!.fields);
        continue;
      }
      properties[field.json!] = expressionSchema(field.type);
      const isAlwaysThere =
        isKind && field.pointer !== true && ALWAYS_PRESENT.has(field.json!) && field.type.startsWith('io.');
      if (field.required === true || isAlwaysThere) required.push(field.json!);
    }
  };
  add(facts.fields);
  return { type: 'object', properties, ...(required.length === 0 ? {} : { required }) };
}

function expressionSchema(expression: string): PlainSchema {
  if (expression.startsWith('[]')) return { type: 'array', items: expressionSchema(expression.slice(2)) };
  if (expression.startsWith('map[string]')) {
    return { type: 'object', additionalProperties: expressionSchema(expression.slice('map[string]'.length)) };
  }
  return SCALARS[expression] ?? { $ref: `#/components/schemas/${expression}` };
}
