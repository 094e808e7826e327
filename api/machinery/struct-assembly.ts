/** How canonical structs are put together: fields in struct order, zero values dropped or written as their tags say. */
import type { FieldSchema, Schema, StructSchema } from './schema.ts';

/** Values of the fields of a struct, by their place in `schema.fields`; undefined and null for what is not there. */
export type StructSlots = unknown[];

/** Slots of a struct with nothing in them. */
export function newSlots(schema: StructSchema): StructSlots {
  const slots: StructSlots = [];
  slots.length = schema.fields.length;
  return slots;
}

/** The canonical struct of values that are canonical themselves. */
export function assembleStruct(schema: StructSchema, slots: StructSlots): Record<string, unknown> {
  const { fields } = planOf(schema);
  const object: Record<string, unknown> = {};
  for (let index = 0; index < fields.length; index++) {
    const field = fields[index]!;
    const value = slots[index];
    if (value === undefined || value === null) {
      if (field.isWrittenWhenAbsent) writeZero(field, object);
    } else if (field.isKeptWhenZero || !isZero(field.schema, value, field.omit as 'empty' | 'zero')) {
      object[field.name] = value;
    }
  }
  return object;
}

/** What decoding needs to know of a field, in one shape for all of them. */
export class FieldPlan {
  readonly name: string;
  readonly schema: Schema;
  readonly pointer: boolean;
  readonly omit: FieldSchema['omit'];
  readonly isText: boolean;
  readonly isKeptWhenZero: boolean;
  readonly isWrittenWhenAbsent: boolean;

  constructor({ name, schema, pointer, omit }: FieldSchema) {
    this.name = name;
    this.schema = schema;
    this.pointer = pointer;
    this.omit = omit;
    this.isText = schema.kind === 'scalar' && schema.type === 'string';
    this.isKeptWhenZero = pointer || omit === 'always';
    this.isWrittenWhenAbsent = omit === 'always' || (omit === 'empty' && !pointer && writesWhenZero(schema));
  }
}

export interface StructPlan {
  readonly fields: readonly FieldPlan[];
  readonly indexes: ReadonlyMap<string, number>;
  /** Indexes, ascending. */
  readonly writtenWhenAbsent: readonly number[];
}

const plans = new WeakMap<StructSchema, StructPlan>();

/** The plan of a struct, made on first use. */
export function planOf(schema: StructSchema): StructPlan {
  let plan = plans.get(schema);
  if (plan === undefined) {
    const fields = schema.fields.map((field) => new FieldPlan(field));
    plan = {
      fields,
      indexes: new Map(fields.map(({ name }, index) => [name, index])),
      writtenWhenAbsent: fields.flatMap((field, index) => (field.isWrittenWhenAbsent ? [index] : [])),
    };
    plans.set(schema, plan);
  }
  return plan;
}

/** Writes what Go writes for a field that was never set. */
export function writeZero(field: FieldPlan, object: Record<string, unknown>): void {
  object[field.name] = zeroOf(field);
}

/** What is written of a field that is absent, if anything is. */
export function zeroOf({ pointer, schema }: FieldPlan): unknown {
  return pointer ? null : zeroValue(schema);
}

/** What Go writes for a value that was never set. */
export function zeroValue(schema: Schema): unknown {
  switch (schema.kind) {
    case 'struct':
      return assembleStruct(schema, []);
    case 'scalar':
      return schema.type === 'string'
        ? ''
        : schema.type === 'bool'
          ? false
          : schema.type === 'bytes'
            ? null
            : 0;
    case 'special':
      if (schema.special === 'quantity') return '0';
      if (schema.special === 'int-or-string') return 0;
      return schema.special === 'duration' ? '0s' : null;
    default:
      return null;
  }
}

/** Whether `omitempty` or `omitzero` leaves the value out; only structs differ between them. */
export function isZero(schema: Schema, value: unknown, omit: 'empty' | 'zero'): boolean {
  switch (schema.kind) {
    case 'scalar':
      return value === '' || value === 0 || value === false;
    case 'list':
      return (value as unknown[]).length === 0;
    case 'map':
      return Object.keys(value as object).length === 0;
    case 'struct':
      return omit === 'zero' && Object.keys(value as object).length === 0;
    default:
      return false;
  }
}

/** Go writes structs even when they are empty; omitempty does not hold for them. */
function writesWhenZero(schema: Schema): boolean {
  return schema.kind === 'struct' || schema.kind === 'special';
}
