/**
 * What a type looks like, as one structure for built-in and custom kinds. The typed codec, patches, server-side apply,
 * defaulting and OpenAPI all read this and nothing else, so a custom resource takes the same path as a Pod.
 * Built-in schemas come from the facts (`built-in-schemas.ts`), custom ones from a CustomResourceDefinition.
 */
import type { SpecialType } from '../../openapi/facts/schema.ts';

export type Schema = StructSchema | ListSchema | MapSchema | ScalarSchema | SpecialSchema | AnySchema;

export interface StructSchema {
  readonly kind: 'struct';
  /** Definition name, for example `io.k8s.api.core.v1.Pod`. */
  readonly name: string;
  /** Fields as JSON shows them (inline structs flattened), in the order of the Go struct, which is the order written. */
  readonly fields: readonly FieldSchema[];
  readonly byName: ReadonlyMap<string, FieldSchema>;
  /** Atomic structs are replaced whole by apply. */
  readonly atomic: boolean;
  /** Protobuf layout; inline structs that protobuf nests appear here as one message field. */
  readonly protobuf: readonly ProtobufField[];
  /** Unknown fields are kept (custom kinds with x-kubernetes-preserve-unknown-fields). */
  readonly preserveUnknown: boolean;
}

export interface FieldSchema {
  readonly name: string;
  /** Resolved lazily: types may refer to themselves. */
  readonly schema: Schema;
  /** Zero values are meaningful and kept (Go pointer). */
  readonly pointer: boolean;
  /**
   * `always`: written also when zero (`null` for nil lists, maps and pointers). `empty`: left out when zero; structs are
   * never zero under it. `zero`: left out when zero, structs too.
   */
  readonly omit: 'always' | 'empty' | 'zero';
  readonly required: boolean;
  readonly nullable: boolean;
  readonly patchStrategy: readonly ('merge' | 'replace' | 'retainKeys')[];
  readonly patchMergeKey?: string;
  /** Says, against what the type says of itself, whether the map or struct is owned whole. `schema` has it applied. */
  readonly mapType?: 'atomic' | 'granular';
  readonly enum?: readonly string[];
  readonly default?: unknown;
  /** OpenAPI format. */
  readonly format?: string;
}

export interface ListSchema {
  readonly kind: 'list';
  readonly items: Schema;
  readonly listType: 'atomic' | 'set' | 'map';
  readonly mapKeys: readonly string[];
  /** Protobuf wraps the list in a message of its own with one field, `items = 1` (ExtraValue and its like). */
  readonly protobufItems?: boolean;
}

export interface MapSchema {
  readonly kind: 'map';
  readonly values: Schema;
  readonly atomic: boolean;
}

export interface ScalarSchema {
  readonly kind: 'scalar';
  readonly type: 'string' | 'bool' | 'int32' | 'int64' | 'uint32' | 'uint64' | 'double' | 'bytes';
}

/** A type whose JSON form is not a struct: Quantity, Time, IntOrString, ... */
export interface SpecialSchema {
  readonly kind: 'special';
  readonly special: SpecialType;
  readonly name: string;
}

/** Any JSON value, kept as it is. */
export interface AnySchema {
  readonly kind: 'any';
}

export interface ProtobufField {
  readonly number: number;
  readonly wire: 'bytes' | 'varint' | 'fixed32' | 'fixed64';
  /** JSON field this carries; undefined for a nested inline struct, whose fields are the parent's in JSON. */
  readonly field?: FieldSchema;
  /** The nested inline struct. */
  readonly inline?: StructSchema;
}
