/** Checks of texts that several groups share. Mirrors apimachinery util/validation. */
import type { FieldError } from '../../machinery/errors.ts';
import type { FieldPath } from '../../machinery/field-path.ts';
import {
  checkDNS1123Subdomain,
  checkPathSegmentName,
  isHTTPPath,
  regexpText,
} from '../../machinery/names.ts';
import { invalid, invalidEach, required, type PathOrText } from '../../machinery/field-errors.ts';

const HTTP_PATH = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";

/** Whether a field was left out; fields that Go always writes are null then. */
export function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

/** The errors of every item, at its place in the list. */
export function validateEach<T>(
  items: readonly T[] | undefined,
  at: FieldPath,
  check: (item: T, at: FieldPath, index: number) => readonly FieldError[],
): FieldError[] {
  return (items ?? []).flatMap((item, index) => check(item, at.index(index), index));
}

/** A text that must be there, with the texts of what is wrong with it when it is. */
export function validateRequiredText(
  path: PathOrText,
  value: string | undefined,
  check: (value: string) => readonly string[] = () => [],
): FieldError[] {
  return (value ?? '') === '' ? [required(path)] : invalidEach(path, value, check(value!));
}

/** A text that may be left out. */
export function validateOptionalText(
  path: PathOrText,
  value: string | undefined,
  check: (value: string) => readonly string[],
): FieldError[] {
  return (value ?? '') === '' ? [] : invalidEach(path, value, check(value!));
}

/** Kind and name of a reference, each one segment of a URL path. */
export function validateReferenceName(
  reference: { readonly kind?: string; readonly name?: string },
  at: FieldPath,
): FieldError[] {
  return (['kind', 'name'] as const).flatMap((name) =>
    validateRequiredText(at.child(name), reference[name], checkPathSegmentName),
  );
}

/** `acme.io/foo`: a domain, a slash and a path. */
export function validateDomainPrefixedPath(path: PathOrText, value: string): FieldError[] {
  if (value === '') return [required(path)];
  const slash = value.indexOf('/');
  if (slash <= 0 || slash === value.length - 1)
    return [invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  const host = value.slice(0, slash);
  const rest = value.slice(slash + 1);
  const errors = invalidEach(path, host, checkDNS1123Subdomain(host));
  if (!isHTTPPath(rest)) errors.push(invalid(path, rest, regexpText('Invalid path', HTTP_PATH)));
  return errors;
}
