/** Schemas of the built-in types, compiled from the facts on first use. */
import types from '../../openapi/facts/types.json' with { type: 'json' };
import type { FieldFacts, TypeFacts, TypesFile } from '../../openapi/facts/schema.ts';
import type {
  FieldSchema,
  ListSchema,
  MapSchema,
  ProtobufField,
  ScalarSchema,
  Schema,
  StructSchema,
} from './schema.ts';

/** Compiles the types of one facts file; {@link builtInSchema} is the one for the built-in facts. */
class SchemaSet {
  readonly #file: TypesFile;
  readonly #schemas = new Map<string, Schema>();

  constructor(file: TypesFile) {
    this.#file = file;
  }

  /** Schema of a struct by definition name. Throws when there is none. */
  struct(name: string): StructSchema {
    const schema = this.#named(name);
    if (schema.kind !== 'struct') throw new Error(`${name} is not a struct`);
    return schema;
  }

  /** Schema of a type expression of the facts. */
  expression(expression: string): Schema {
    const known = this.#schemas.get(expression);
    if (known !== undefined) return known;
    const schema = this.#compileExpression(expression);
    this.#schemas.set(expression, schema);
    return schema;
  }

  #compileExpression(expression: string): Schema {
    if (expression.startsWith('[]')) return list(this.expression(expression.slice(2)));
    if (expression.startsWith('map[string]'))
      return map(this.expression(expression.slice('map[string]'.length)));
    if (expression.startsWith('io.')) return this.#named(expression);
    if (expression === 'any') return { kind: 'any' };
    return { kind: 'scalar', type: expression as ScalarSchema['type'] };
  }

  #named(name: string): Schema {
    const known = this.#schemas.get(name);
    if (known !== undefined) return known;
    const facts = this.#file.types[name];
    if (facts === undefined) throw new Error(`no facts about ${name}`);
    const schema = this.#compileNamed(name, facts);
    this.#schemas.set(name, schema);
    return schema;
  }

  #compileNamed(name: string, facts: TypeFacts): Schema {
    if (facts.special !== undefined) return { kind: 'special', special: facts.special, name };
    if (facts.protobufItems !== undefined)
      return { ...list(this.expression(facts.protobufItems)), protobufItems: true };
    return this.#struct(name, facts);
  }

  #struct(name: string, facts: TypeFacts): StructSchema {
    const fields: FieldSchema[] = [];
    const byName = new Map<string, FieldSchema>();
    const protobuf: ProtobufField[] = [];
    for (const field of facts.fields) {
      if (field.inline === true) {
        const inner = this.struct(field.type);
        for (const member of inner.fields) fields.push(member);
        if (field.number !== undefined) protobuf.push({ number: field.number, wire: 'bytes', inline: inner });
        continue;
      }
      const compiled = this.#field(field);
      fields.push(compiled);
      if (field.number !== undefined)
        protobuf.push({ number: field.number, wire: field.wire ?? 'bytes', field: compiled });
    }
    for (const field of fields) byName.set(field.name, field);
    return {
      kind: 'struct',
      name,
      fields,
      byName,
      atomic: facts.structType === 'atomic',
      protobuf,
      preserveUnknown: false,
    };
  }

  /** The schema of the field's type is looked up on first use: types may contain themselves. */
  #field(facts: FieldFacts): FieldSchema {
    let resolved: Schema | undefined;
    const resolve = (): Schema => (resolved ??= withMarkers(this.expression(facts.type), facts));
    return {
      name: facts.json!,
      get schema() {
        return resolve();
      },
      pointer: facts.pointer === true,
      omit: facts.omit ?? 'always',
      required: facts.required === true,
      nullable: facts.nullable === true,
      patchStrategy: facts.patchStrategy ?? [],
      ...(facts.patchMergeKey === undefined ? {} : { patchMergeKey: facts.patchMergeKey }),
      ...(facts.mapType === undefined ? {} : { mapType: facts.mapType }),
      ...(facts.enum === undefined ? {} : { enum: facts.enum }),
      ...(facts.default === undefined ? {} : { default: facts.default }),
      ...(facts.format === undefined ? {} : { format: facts.format }),
    };
  }
}

function list(items: Schema): ListSchema {
  return { kind: 'list', items, listType: 'atomic', mapKeys: [] };
}

function map(values: Schema): MapSchema {
  return { kind: 'map', values, atomic: false };
}

/** Markers of a field (list type, map keys, atomic or granular) override those of the type; they belong to the schema of its value. */
function withMarkers(schema: Schema, facts: FieldFacts): Schema {
  if (schema.kind === 'list' && facts.listType !== undefined) {
    return { ...schema, listType: facts.listType, mapKeys: facts.listMapKeys ?? [] };
  }
  if ((schema.kind === 'map' || schema.kind === 'struct') && facts.mapType !== undefined) {
    const atomic = facts.mapType === 'atomic';
    return schema.atomic === atomic ? schema : { ...schema, atomic };
  }
  return schema;
}

const builtIn = new SchemaSet(types);

/** Schema of a built-in struct by definition name, for example `io.k8s.api.core.v1.Pod`. Throws when there is none. */
export function builtInSchema(name: string): StructSchema {
  return builtIn.struct(name);
}
