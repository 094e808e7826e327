/**
 * Pod templates as Go prints them with their types: Kubernetes names replica sets and revisions after a hash of that text.
 * Mirrors util/dump.ForHash. The types are facts (`openapi/facts/template-shape.json`).
 */
import { sortedKeys } from './json.ts';
import type { PodTemplateSpec } from '../../openapi/generated/core-v1.ts';
import facts from '../../openapi/facts/template-shape.json' with { type: 'json' };
import { printQuantity } from './go-print-quantity.ts';

const NIL = '<nil>';
const NO_FIELDS = {};

/** For example `{ObjectMeta:(v1.ObjectMeta){Name:(string) ...} Spec:(v1.PodSpec){...}}`, with the type before it. */
export function printTemplate(template: PodTemplateSpec): string {
  return typed('v1.PodTemplateSpec', template);
}

function typed(type: string, value: unknown): string {
  if (!type.startsWith('*')) return `(${type})${bare(type, value)}`;
  return `(${type})${value === undefined || value === null ? NIL : bare(type.slice(1), value)}`;
}

/** Without the type in front, as items of lists and maps are. What JSON leaves out is Go's zero value. */
function bare(type: string, value: unknown): string {
  if (type.startsWith('[]')) return list(type.slice(2), value as readonly unknown[] | undefined);
  if (type.startsWith('map['))
    return map(type.slice(type.indexOf(']') + 1), value as Readonly<Record<string, unknown>> | undefined);
  const special = SPECIALS[type];
  if (special !== undefined) return special(value);
  const shape = facts.types[type];
  if (typeof shape === 'string') return bare(shape, value);
  const object = (value ?? NO_FIELDS) as Readonly<Record<string, unknown>>;
  // Fields without a name in JSON are embedded: theirs stand in the same object.
  const fields = shape!.map(
    ([name, fieldType, json]) => `${name}:${typed(fieldType, json === '' ? object : object[json])}`,
  );
  return `{${fields.join(' ')}}`;
}

function list(type: string, items: readonly unknown[] | undefined | null): string {
  if (items === undefined || items === null || items.length === 0) return NIL;
  return `[${items.map((item) => bare(type, item)).join(' ')}]`;
}

function map(type: string, members: Readonly<Record<string, unknown>> | undefined | null): string {
  const keys = sortedKeys(members ?? NO_FIELDS);
  if (keys.length === 0) return NIL;
  return `map[${keys.map((key) => `${key}:${bare(type, members![key])}`).join(' ')}]`;
}

type Print = (value: unknown) => string;

const plain: Print = (value) => String((value ?? '') as string);
const whole: Print = (value) => String((value ?? 0) as number);

/** Scalars, and types with private fields. */
const SPECIALS: Readonly<Record<string, Print>> = {
  string: plain,
  bool: (value) => String(value === true),
  int32: whole,
  int64: whole,
  'v1.FieldsV1': (value) => `{Raw:([]uint8)${list('uint8', value === undefined ? value : jsonBytes(value))}}`,
  uint8: whole,
  // Nobody but the API server sets the time, and it leaves those of templates alone.
  'v1.Time': () => '{Time:(time.Time){wall:(uint64)0 ext:(int64)0 loc:(*time.Location)<nil>}}',
  'intstr.IntOrString': (value) =>
    typeof value === 'string'
      ? `{Type:(intstr.Type)1 IntVal:(int32)0 StrVal:(string)${value}}`
      : `{Type:(intstr.Type)0 IntVal:(int32)${whole(value)} StrVal:(string)}`,
  'resource.Quantity': (value) => printQuantity(value as string),
};

function jsonBytes(value: unknown): readonly number[] {
  return [...Buffer.from(JSON.stringify(value))];
}
