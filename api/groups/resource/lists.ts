/** Lists and names of devices. Mirrors the generic validators of pkg/apis/resource/validation. */
import type { FieldError } from '../../machinery/errors.ts';
import type { FieldPath } from '../../machinery/field-path.ts';
import { byteLength } from '../../machinery/go-format.ts';
import { checkCIdentifier, checkDNS1123Subdomain } from '../../machinery/names.ts';
import { duplicate, invalid, invalidEach, required, tooLong, tooMany } from '../../machinery/field-errors.ts';
import { validateDriverName } from '../common/storage-names.ts';
import { validateEach } from '../common/text.ts';

const POOL_NAME_LENGTH_MAX = 253;
const IDENTIFIER_LENGTH_MAX = 32;

/** What the taint of a device does to pods. */
export const TAINT_EFFECTS: ReadonlySet<string> = new Set(['NoExecute', 'NoSchedule', 'None']);

/** A list no longer than `max`; a longer one is not looked into. */
export function validateSlice<T>(
  items: readonly T[] | undefined,
  max: number,
  check: (item: T, at: FieldPath) => readonly FieldError[],
  at: FieldPath,
): FieldError[] {
  const count = items?.length ?? 0;
  return count > max ? [tooMany(at, count, max)] : validateEach(items, at, check);
}

/** As {@link validateSlice}, with each key once. */
export function validateSet<T>(
  items: readonly T[] | undefined,
  max: number,
  check: (item: T, at: FieldPath) => readonly FieldError[],
  keyOf: (item: T) => string,
  at: FieldPath,
): FieldError[] {
  const errors = validateSlice(items, max, check, at);
  if ((items?.length ?? 0) > max) return errors;
  const keys = (items ?? []).map(keyOf);
  return [
    ...errors,
    ...validateEach(keys, at, (key, place, index) =>
      keys.indexOf(key) < index ? [duplicate(place, key)] : [],
    ),
  ];
}

export function validatePoolName(name: string, at: FieldPath): FieldError[] {
  if (name === '') return [required(at)];
  const errors = byteLength(name) > POOL_NAME_LENGTH_MAX ? [tooLong(at, name, POOL_NAME_LENGTH_MAX)] : [];
  return [
    ...errors,
    ...name.split('/').flatMap((part) => invalidEach(at, part, checkDNS1123Subdomain(part))),
  ];
}

function validateIdentifier(name: string, at: FieldPath): FieldError[] {
  const errors = byteLength(name) > IDENTIFIER_LENGTH_MAX ? [tooLong(at, name, IDENTIFIER_LENGTH_MAX)] : [];
  return [...errors, ...invalidEach(at, name, checkCIdentifier(name))];
}

/** `[domain/]identifier`: names of attributes and capacities. */
export function validateAttributeName(name: string, at: FieldPath): FieldError[] {
  const [domain = '', identifier, ...more] = name.split('/');
  if (identifier === undefined) return validateIdentifier(domain, at);
  if (more.length > 0) return [];
  return [
    ...(domain === '' ? [invalid(at, '', 'the domain must not be empty')] : validateDriverName(at, domain)),
    ...(identifier === ''
      ? [invalid(at, '', 'the name must not be empty')]
      : validateIdentifier(identifier, at)),
  ];
}

export function validateFullAttributeName(name: string, at: FieldPath): FieldError[] {
  const errors = validateAttributeName(name, at);
  if (name.includes('/')) return errors;
  const why = 'a fully qualified name must be a domain and a name separated by a slash';
  return [...errors, invalid(at, name, why)];
}
