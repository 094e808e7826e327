/** Checks of single values that many kinds share, as lists of field errors. */
import type { FieldError } from '../../machinery/errors.ts';
import type { FieldPath } from '../../machinery/field-path.ts';
import {
  checkDNS1123Label,
  checkDNS1123Subdomain,
  checkPercent,
  checkPortName,
  checkPortNumber,
  checkQualifiedName,
} from '../../machinery/names.ts';
import {
  invalid,
  invalidEach,
  notSupported,
  required,
  validateNonnegative,
  type PathOrText,
} from '../../machinery/validation.ts';

/** Whether a text, list or map is absent or has nothing in it. */
export function isEmpty(value: string | readonly unknown[] | object | null | undefined): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value === 'string') return value.length === 0;
  return Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0;
}

/** A value that must be one of a few: `Required value` when empty, `Unsupported value` when another. */
export function oneOf(path: PathOrText, value: string | undefined, allowed: readonly string[]): FieldError[] {
  if ((value ?? '') === '') return [required(path)];
  return allowed.includes(value!) ? [] : [notSupported(path, value, allowed)];
}

/** A value that must be one of a few; empty is unsupported like any other, absent is fine. */
export function supported(
  path: PathOrText,
  value: string | undefined,
  allowed: readonly string[],
): FieldError[] {
  return value === undefined || allowed.includes(value) ? [] : [notSupported(path, value, allowed)];
}

/** `Required value` for an empty text, else one error a text of `check`. */
export function requiredName(
  path: PathOrText,
  value: string | undefined,
  check: (value: string) => string[],
): FieldError[] {
  return (value ?? '') === '' ? [required(path)] : invalidEach(path, value, check(value!));
}

/** Errors of a text that may be empty or absent. */
export function optionalName(
  path: PathOrText,
  value: string | undefined,
  check: (value: string) => string[],
): FieldError[] {
  return (value ?? '') === '' ? [] : invalidEach(path, value, check(value!));
}

export function dnsLabel(path: PathOrText, value: string): FieldError[] {
  return invalidEach(path, value, checkDNS1123Label(value));
}

export function dnsSubdomain(path: PathOrText, value: string): FieldError[] {
  return invalidEach(path, value, checkDNS1123Subdomain(value));
}

export function qualifiedName(path: PathOrText, value: string): FieldError[] {
  return invalidEach(path, value, checkQualifiedName(value));
}

/** A port as number or name. */
export function portNumberOrName(path: PathOrText, port: number | string | undefined): FieldError[] {
  if (typeof port === 'string') return invalidEach(path, port, checkPortName(port));
  return invalidEach(path, port ?? 0, checkPortNumber(port ?? 0));
}

/** Each named number of `object` must not be below zero; absent ones are fine. */
export function nonnegative<T extends object>(
  at: FieldPath,
  object: T,
  ...names: (keyof T & string)[]
): FieldError[] {
  return names.flatMap((name) => {
    const value = object[name] as number | undefined;
    return value === undefined ? [] : validateNonnegative(at.child(name), value);
  });
}

/** Each named number of `status` must not be more than `status.replicas`. */
export function notMoreThanReplicas<T extends { replicas?: number }>(
  at: FieldPath,
  status: T,
  ...names: (keyof T & string)[]
): FieldError[] {
  return names.flatMap((name) => {
    const value = (status[name] as number | undefined) ?? 0;
    return value > (status.replicas ?? 0)
      ? [invalid(at.child(name), value, 'cannot be greater than status.replicas')]
      : [];
  });
}

/** A number that must not shrink, counting absent as zero. */
export function notDecremented(
  path: PathOrText,
  value: number | undefined,
  old: number | undefined,
): FieldError[] {
  return old !== undefined && (value === undefined || value < old)
    ? [invalid(path, value ?? 0, 'cannot be decremented')]
    : [];
}

/** A number that is not negative, or a percentage. Mirrors ValidatePositiveIntOrPercent. */
export function intOrPercent(path: PathOrText, value: number | string): FieldError[] {
  return typeof value === 'number'
    ? validateNonnegative(path, value)
    : invalidEach(path, value, checkPercent(value));
}

/** The number of an int-or-percent, percentages by their digits. Zero when it is neither. */
export function intOrPercentValue(value: number | string | undefined): number {
  if (typeof value !== 'string') return value ?? 0;
  const digits = /^([0-9]+)%?$/.exec(value)?.[1];
  return digits === undefined ? 0 : Number(digits);
}

/** A percentage of at most 100; plain numbers pass. */
export function atMost100Percent(path: PathOrText, value: number | string): FieldError[] {
  const isMore =
    typeof value === 'string' && checkPercent(value).length === 0 && intOrPercentValue(value) > 100;
  return isMore ? [invalid(path, value, 'must not be greater than 100%')] : [];
}
