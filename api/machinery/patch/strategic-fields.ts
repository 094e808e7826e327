/** How the fields of a type are merged by a strategic merge patch. */
import type { FieldSchema, Schema } from '../schema.ts';
import { PatchError } from './errors.ts';

/** How the field of a name merges. */
export interface FieldRules {
  readonly schema: Schema;
  /** `merge`, `replace` or ''. */
  readonly strategy: string;
  readonly mergeKey: string;
}

/** Rules of a field. Throws a PatchError when the type has no such field. */
export function lookUp(schema: Schema, key: string): FieldRules {
  if (schema.kind !== 'struct' && schema.kind !== 'special' && schema.kind !== 'any') {
    throw new PatchError(
      'unknown',
      `merging an object in json but data type is not struct, instead is: ${goKind(schema)}`,
    );
  }
  const field = schema.kind === 'struct' ? schema.byName.get(key) : undefined;
  if (field === undefined) {
    throw new PatchError(
      'unknown',
      `unable to find api field in struct ${shortName(schema)} for the json field "${key}"`,
    );
  }
  return { schema: field.schema, strategy: strategyOf(field), mergeKey: field.patchMergeKey ?? '' };
}

/** Rules of a field that holds a list, with the schema of its items. Throws a PatchError when it holds none. */
export function lookUpList(schema: Schema, key: string): FieldRules {
  const rules = lookUp(schema, key);
  if (rules.schema.kind !== 'list') {
    throw new PatchError('unknown', `expected slice or array type, but got: ${goKind(schema)}`);
  }
  if (rules.schema.items.kind === 'list') throw new PatchError('unknown', 'unexpected slice of slice');
  return { ...rules, schema: rules.schema.items };
}

function strategyOf(field: FieldSchema): string {
  return field.patchStrategy.find((strategy) => strategy !== 'retainKeys') ?? '';
}

function shortName(schema: Schema): string {
  const name = schema.kind === 'struct' || schema.kind === 'special' ? schema.name : 'JSON';
  return name.slice(name.lastIndexOf('.') + 1);
}

/** What Go calls a value of the type, in messages. */
export function goKind(schema: Schema): string {
  switch (schema.kind) {
    case 'list':
      return 'slice';
    case 'scalar':
      return schema.type === 'double' ? 'float64' : schema.type === 'bytes' ? 'slice' : schema.type;
    case 'map':
      return 'map';
    default:
      return 'struct';
  }
}
