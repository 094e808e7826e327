/** Schemas of the published documents, with the extensions that clients merge by. */
import type { GroupVersionKind } from '../api/machinery/gvk.ts';
import { builtInSchema } from '../api/machinery/built-in-schemas.ts';
import type { FieldSchema, Schema, StructSchema } from '../api/machinery/schema.ts';
import type { Descriptions } from './publish.ts';

export type JSONSchema = Record<string, unknown>;

const LIST_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta';

/** Collects the schemas that one document refers to. */
export class SchemaWriter {
  readonly #prefix: string;
  readonly #descriptions: Descriptions;
  readonly #release: 2 | 3;
  readonly #definitions = new Map<string, JSONSchema>();

  constructor(prefix: string, descriptions: Descriptions, release: 2 | 3) {
    this.#prefix = prefix;
    this.#descriptions = descriptions;
    this.#release = release;
  }

  /** All schemas referred to so far, sorted by name. */
  definitions(): Record<string, JSONSchema> {
    return Object.fromEntries([...this.#definitions].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** A reference to the struct, marked as this kind when one is given. */
  struct(schema: StructSchema, gvk?: GroupVersionKind): JSONSchema {
    if (!this.#definitions.has(schema.name)) {
      const definition: JSONSchema = {};
      // Known before its fields are: types refer to themselves.
      this.#definitions.set(schema.name, definition);
      Object.assign(definition, this.#structDefinition(schema));
    }
    if (gvk !== undefined) this.#markKind(this.#definitions.get(schema.name)!, gvk);
    return { $ref: `${this.#prefix}${schema.name}` };
  }

  /** A reference to the list of a kind. */
  list(items: StructSchema, listKind: string, gvk: GroupVersionKind): JSONSchema {
    const name = items.name.replace(/[^.]+$/, listKind);
    if (!this.#definitions.has(name)) {
      this.#definitions.set(name, {
        ...this.#description(name),
        type: 'object',
        required: ['items'],
        properties: {
          apiVersion: { type: 'string' },
          items: { type: 'array', items: this.#reference(this.struct(items), {}) },
          kind: { type: 'string' },
          metadata: this.#reference(this.struct(builtInSchema(LIST_META)), {}),
        },
        'x-kubernetes-group-version-kind': [{ group: gvk.group, kind: gvk.kind, version: gvk.version }],
      });
    }
    return { $ref: `${this.#prefix}${name}` };
  }

  #markKind(definition: JSONSchema, { group, version, kind }: GroupVersionKind): void {
    const kinds = (definition['x-kubernetes-group-version-kind'] ??= []) as GroupVersionKind[];
    if (!kinds.some((other) => other.group === group && other.version === version && other.kind === kind))
      kinds.push({ group, kind, version });
  }

  #structDefinition(schema: StructSchema): JSONSchema {
    const fields = this.#descriptions[schema.name]?.fields ?? {};
    const sorted = [...schema.fields].sort((a, b) => (a.name < b.name ? -1 : 1));
    const properties = sorted.map((field) => [field.name, this.#field(field, fields[field.name])] as const);
    const required = schema.fields
      .filter((field) => field.required)
      .map(({ name }) => name)
      .sort();
    return {
      ...this.#description(schema.name),
      type: 'object',
      ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties) }),
      ...(required.length === 0 ? {} : { required }),
      ...(schema.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
      ...(schema.preserveUnknown ? { 'x-kubernetes-preserve-unknown-fields': true } : {}),
    };
  }

  #description(name: string): JSONSchema {
    const text = this.#descriptions[name]?.description;
    return text === undefined ? {} : { description: text };
  }

  #field(field: FieldSchema, description: string | undefined): JSONSchema {
    const { schema, mapType } = field;
    // What the field says of its map type stands beside the reference, not in the definition.
    const base =
      mapType !== undefined && schema.kind === 'struct'
        ? this.struct(builtInSchema(schema.name))
        : this.#schema(schema);
    const more: JSONSchema = {
      ...(description === undefined ? {} : { description }),
      ...(field.default === undefined ? {} : { default: field.default }),
      ...(field.format === undefined || base['format'] !== undefined || base['$ref'] !== undefined
        ? {}
        : { format: field.format }),
      ...this.#extensions(field),
    };
    if (field.enum !== undefined && base['type'] === 'string') more['enum'] = field.enum;
    return base['$ref'] === undefined ? { ...base, ...more } : this.#reference(base, more);
  }

  /** Version 3 allows nothing beside a reference, so that it is wrapped; version 2 readers look only at the reference. */
  #reference(reference: JSONSchema, more: JSONSchema): JSONSchema {
    if (this.#release === 2 || Object.keys(more).length === 0) return { ...more, ...reference };
    return { ...more, allOf: [reference] };
  }

  #extensions({ schema, mapType, patchMergeKey, patchStrategy }: FieldSchema): JSONSchema {
    const extensions: JSONSchema = {};
    if (schema.kind === 'list') {
      extensions['x-kubernetes-list-type'] = schema.listType;
      if (schema.mapKeys.length > 0) extensions['x-kubernetes-list-map-keys'] = schema.mapKeys;
    }
    if (mapType !== undefined) extensions['x-kubernetes-map-type'] = mapType;
    if (patchMergeKey !== undefined) extensions['x-kubernetes-patch-merge-key'] = patchMergeKey;
    if (patchStrategy.length > 0) extensions['x-kubernetes-patch-strategy'] = patchStrategy.join(',');
    return extensions;
  }

  #schema(schema: Schema): JSONSchema {
    switch (schema.kind) {
      case 'struct':
        return this.struct(schema);
      case 'list':
        return { type: 'array', items: this.#schema(schema.items) };
      case 'map':
        return { type: 'object', additionalProperties: this.#schema(schema.values) };
      case 'special':
        return this.#special(schema.name, schema.special);
      case 'any':
        return {};
      case 'scalar':
        return { ...SCALARS[schema.type] };
    }
  }

  /** Types with a JSON form of their own are definitions, too. */
  #special(name: string, special: string): JSONSchema {
    if (!this.#definitions.has(name)) {
      const forms = this.#release === 3 ? SPECIALS_V3 : SPECIALS_V2;
      this.#definitions.set(name, { ...this.#description(name), ...forms[special] });
    }
    return { $ref: `${this.#prefix}${name}` };
  }
}

const SCALARS: Readonly<Record<string, JSONSchema>> = {
  string: { type: 'string' },
  bytes: { type: 'string', format: 'byte' },
  bool: { type: 'boolean' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  uint32: { type: 'integer', format: 'int64' },
  uint64: { type: 'integer', format: 'int64' },
  double: { type: 'number', format: 'double' },
};

const SPECIALS_V2: Readonly<Record<string, JSONSchema>> = {
  quantity: { type: 'string' },
  time: { type: 'string', format: 'date-time' },
  microtime: { type: 'string', format: 'date-time' },
  duration: { type: 'string' },
  'int-or-string': { type: 'string', format: 'int-or-string' },
  'raw-extension': { type: 'object' },
  'fields-v1': { type: 'object' },
};

const SPECIALS_V3: Readonly<Record<string, JSONSchema>> = {
  ...SPECIALS_V2,
  quantity: { oneOf: [{ type: 'string' }, { type: 'number' }] },
  'int-or-string': { oneOf: [{ type: 'integer' }, { type: 'string' }], format: 'int-or-string' },
};
