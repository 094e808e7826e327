/**
 * Objects as Go's encoder writes the API server's internal types: every member, in the order of the internal struct, by its
 * Go name. Error messages that show a struct show it so.
 */
import type { FieldError } from '../../machinery/errors.ts';
import { goJSON } from '../../machinery/go-format.ts';
import { type PathOrText, duplicate, invalid, notSupported } from '../../machinery/field-errors.ts';
import { INTERNAL_TYPES } from './internal-types.ts';
import { unifiedDiff } from './unified-diff.ts';

interface Member {
  readonly name: string;
  readonly jsonName: string;
  readonly type: string;
}

const members = new Map<string, readonly Member[]>();

function membersOf(type: string): readonly Member[] {
  let known = members.get(type);
  if (known === undefined) {
    known = (INTERNAL_TYPES[type] ?? '').split(' ').filter(Boolean).map(parseMember);
    members.set(type, known);
  }
  return known;
}

function parseMember(text: string): Member {
  if (text === '+metadata') return { name: text, jsonName: 'metadata', type: 'tagged' };
  const colon = text.indexOf(':');
  const [name, jsonName] = text.slice(0, colon).split('=') as [string, string | undefined];
  return { name, jsonName: jsonName ?? name[0]!.toLowerCase() + name.slice(1), type: text.slice(colon + 1) };
}

type Data = Readonly<Record<string, unknown>>;

/** Members of the internal pod security context that the API keeps in the spec. */
const HOST_MEMBERS = ['hostNetwork', 'hostPID', 'hostIPC', 'shareProcessNamespace', 'hostUsers'];

function hostMembers(spec: Data): Data | undefined {
  const present = HOST_MEMBERS.filter((name) => spec[name] !== undefined);
  if (present.length === 0) return undefined;
  return Object.fromEntries(present.map((name) => [name, spec[name]]));
}

function toInternal(type: string, value: unknown): unknown {
  if (type.startsWith('*'))
    return value === undefined || value === null ? null : toInternal(type.slice(1), value);
  if (type.startsWith('[]')) {
    const items = value as readonly unknown[] | undefined | null;
    return items === undefined || items === null
      ? null
      : items.map((item) => toInternal(type.slice(2), item));
  }
  switch (type) {
    case 'string':
      return value ?? '';
    case 'bool':
      return value ?? false;
    case 'int':
    case 'intstr':
      return value ?? 0;
    case 'quantity':
      return value ?? '0';
    case 'map':
      return value === undefined || value === null ? null : sortedMap(value as Data);
    case 'bytes':
    case 'time':
      return value ?? null;
    case 'tagged':
      return value ?? {};
    default:
      return structToInternal(type, (value ?? {}) as Data);
  }
}

function sortedMap(map: Data): Data {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function structToInternal(type: string, value: Data): Data {
  const out: Record<string, unknown> = {};
  for (const member of membersOf(type)) {
    if (member.name === '+metadata') {
      Object.assign(out, value['metadata']);
      continue;
    }
    let own = value[member.jsonName];
    if (type === 'PodSpec' && member.name === 'SecurityContext') {
      const host = hostMembers(value);
      if (host !== undefined) own = { ...(own as Data | undefined), ...host };
    }
    out[member.name] = toInternal(member.type, own);
  }
  return out;
}

/** `value`, an object of the API, as a value of the internal type. Pointers to it are `*Name`, lists `[]Name`. */
function internalValue(type: string, value: unknown): unknown {
  return toInternal(type, value);
}

/** JSON with one space a level, as Go's MarshalIndent writes it. */
function internalText(type: string, value: unknown): string {
  return indented(toInternal(type, value), '');
}

function indented(value: unknown, indent: string): string {
  if (typeof value !== 'object' || value === null) return goJSON(value);
  const inner = `${indent} `;
  const [open, close, parts] = Array.isArray(value)
    ? (['[', ']', value.map((item) => inner + indented(item, inner))] as const)
    : ([
        '{',
        '}',
        Object.entries(value)
          .filter(([, member]) => member !== undefined)
          .map(([key, member]) => `${inner}${goJSON(key)}: ${indented(member, inner)}`),
      ] as const);
  return parts.length === 0 ? `${open}${close}` : `${open}\n${parts.join(',\n')}\n${indent}${close}`;
}

/** As `invalid`, for a value of an internal type. */
export function invalidInternal(at: PathOrText, type: string, value: unknown, detail: string): FieldError {
  return invalid(at, internalValue(type, value), detail);
}

/** As `duplicate`, for a value of an internal type. */
export function duplicateInternal(at: PathOrText, type: string, value: unknown): FieldError {
  return duplicate(at, internalValue(type, value));
}

/** As `notSupported`, for a value of an internal type. */
export function notSupportedInternal(
  at: PathOrText,
  type: string,
  value: unknown,
  supported: readonly string[],
): FieldError {
  return notSupported(at, internalValue(type, value), supported);
}

/** What differs between two values of an internal type, as upstream appends it to messages. */
export function internalDiff(type: string, before: unknown, after: unknown): string {
  return unifiedDiff(internalText(type, before), internalText(type, after));
}
