/** Builders of field errors, with upstream's text behind the path. Mirrors apimachinery util/validation/field/errors.go. */
import type { FieldError, FieldErrorType } from './errors.ts';
import { equalJSON } from './equality.ts';
import type { FieldPath } from './field-path.ts';
import { compareText, goJSON, goQuote } from './go-format.ts';

/** A path, built or written out. */
export type PathOrText = FieldPath | string;

function fieldError(type: FieldErrorType, path: PathOrText, label: string, detail: string): FieldError {
  return { type, field: String(path), message: detail === '' ? label : `${label}: ${detail}` };
}

/** A value as error texts show it: strings quoted, scalars bare, all else as JSON (`undefined` as `null`). */
function shown(value: unknown): string {
  return typeof value === 'string' ? goQuote(value) : goJSON(value);
}

/** `Required value[: detail]`. */
export function required(path: PathOrText, detail = ''): FieldError {
  return fieldError('FieldValueRequired', path, 'Required value', detail);
}

/** `Invalid value: "v": detail`. */
export function invalid(path: PathOrText, value: unknown, detail: string): FieldError {
  return fieldError('FieldValueInvalid', path, `Invalid value: ${shown(value)}`, detail);
}

/** `Unsupported value: "v": supported values: "A", "B"`; a set is listed sorted, an array in its own order. */
export function notSupported(
  path: PathOrText,
  value: unknown,
  allowed: readonly string[] | ReadonlySet<string>,
): FieldError {
  const values = Array.isArray(allowed) ? (allowed as readonly string[]) : [...allowed].sort(compareText);
  const detail = values.length === 0 ? '' : `supported values: ${values.map(goQuote).join(', ')}`;
  return fieldError('FieldValueNotSupported', path, `Unsupported value: ${shown(value)}`, detail);
}

/** `Forbidden[: detail]`. */
export function forbidden(path: PathOrText, detail: string): FieldError {
  return fieldError('FieldValueForbidden', path, 'Forbidden', detail);
}

/** `Duplicate value: "v"`. */
export function duplicate(path: PathOrText, value: unknown): FieldError {
  return fieldError('FieldValueDuplicate', path, `Duplicate value: ${shown(value)}`, '');
}

/** `Not found: "v"`. */
export function notFound(path: PathOrText, value: unknown): FieldError {
  return fieldError('FieldValueNotFound', path, `Not found: ${shown(value)}`, '');
}

/** `Too long: may not be more than N bytes`; a negative `max` is not told. The value is never shown. */
export function tooLong(path: PathOrText, _value: unknown, max: number): FieldError {
  const detail =
    max < 0 ? 'value is too long' : `may not be more than ${max} ${max === 1 ? 'byte' : 'bytes'}`;
  return fieldError('FieldValueTooLong', path, 'Too long', detail);
}

/** `Too many: 5: must have at most 3 items`; a negative number is not told. */
export function tooMany(path: PathOrText, actual: number, max: number): FieldError {
  const detail = max < 0 ? 'has too many items' : `must have at most ${max} ${max === 1 ? 'item' : 'items'}`;
  return fieldError('FieldValueTooMany', path, actual < 0 ? 'Too many' : `Too many: ${actual}`, detail);
}

/** `Internal error: why`. */
export function internal(path: PathOrText, error: unknown): FieldError {
  const why = error instanceof Error ? error.message : String(error);
  return fieldError('InternalError', path, 'Internal error', why);
}

/** Detail of a change to what may not change. */
export const IMMUTABLE_MESSAGE = 'field is immutable';

/** Errors when a value changed; `undefined` is shown as `null`. */
export function validateImmutable(path: PathOrText, value: unknown, old: unknown): FieldError[] {
  return equalJSON(value, old) ? [] : [invalid(path, value, IMMUTABLE_MESSAGE)];
}

/** Errors when a number is below zero. */
export function validateNonnegative(path: PathOrText, value: number): FieldError[] {
  return value < 0 ? [invalid(path, value, 'must be greater than or equal to 0')] : [];
}

/** One `invalid` a text that a check of names.ts returned. */
export function invalidEach(path: PathOrText, value: unknown, details: readonly string[]): FieldError[] {
  return details.map((detail) => invalid(path, value, detail));
}
