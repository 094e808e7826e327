/** Which fields a message has and how each is written: the numbers of the facts, looked up once for each type. */
import { builtInSchema } from '../built-in-schemas.ts';
import type { ProtobufField, Schema, StructSchema } from '../schema.ts';

/** A field as it is written and read, with what its schema says at hand. */
export class MessageField {
  readonly number: number;
  /** Member of the object; '' for an inline struct, whose members are the object's own. */
  readonly name: string;
  readonly schema: Schema;
  /** A list with one field of the message per item. */
  readonly isRepeated: boolean;
  /** Not written when there is no value; other fields are written with the zero value then. */
  readonly isOptional: boolean;
  /** Place among the fields of the struct; -1 for an inline struct. */
  readonly index: number;
  #layout: MessageLayout | undefined;

  constructor({ number, field, inline }: ProtobufField, owner: StructSchema) {
    this.index = field === undefined ? -1 : owner.fields.indexOf(field);
    this.number = number;
    this.name = field?.name ?? '';
    this.schema = inline ?? field!.schema;
    this.isRepeated = this.schema.kind === 'list' && this.schema.protobufItems !== true;
    this.isOptional = field?.pointer === true || this.schema.kind === 'list' || this.schema.kind === 'map';
  }

  /** MessageLayout of the struct that the field is, or that its items are. Looked up on first use: types contain themselves. */
  get layout(): MessageLayout | undefined {
    if (this.#layout !== undefined) return this.#layout;
    const struct = this.schema.kind === 'list' ? this.schema.items : this.schema;
    return struct.kind === 'struct' ? (this.#layout = layoutOf(struct)) : undefined;
  }
}

/** The message of a struct. */
export interface MessageLayout {
  readonly schema: StructSchema;
  /** In the order of their numbers, which is the order that Go writes. */
  readonly fields: readonly MessageField[];
  readonly byNumber: readonly (MessageField | undefined)[];
}

const layouts = new WeakMap<StructSchema, MessageLayout>();

/** The layout of a struct, made on first use. */
export function layoutOf(schema: StructSchema): MessageLayout {
  let layout = layouts.get(schema);
  if (layout === undefined) {
    const fields = schema.protobuf
      .map((field) => new MessageField(field, schema))
      .sort((a, b) => a.number - b.number);
    const byNumber: (MessageField | undefined)[] = [];
    for (const field of fields) byNumber[field.number] = field;
    layouts.set(schema, (layout = { schema, fields, byNumber }));
  }
  return layout;
}

/** Schemas within CustomResourceDefinitions, whose members may be a schema or something simpler. */
export function jsonSchemaProps(): StructSchema {
  return builtInSchema('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps');
}
