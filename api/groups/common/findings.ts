/**
 * Checks that many kinds share. Each appends what it finds to a list, so that the order of calls is the order of errors.
 * Mirrors the small validators of pkg/apis/core/validation.
 */
import type { FieldError } from '../../machinery/errors.ts';
import type { FieldPath } from '../../machinery/field-path.ts';
import {
  checkConfigMapKey,
  checkDNS1123Label,
  checkDNS1123Subdomain,
  checkLabelValue,
  checkPortName,
  checkPortNumber,
  checkQualifiedName,
} from '../../machinery/names.ts';
import { IMMUTABLE_MESSAGE, invalid, notSupported, required } from '../../machinery/field-errors.ts';
import {
  type LabelSelectorObject,
  validateLabelSelector,
  validateLabels,
} from '../../machinery/label-validation.ts';
import { compareText } from '../../machinery/go-format.ts';
import { equalJSON } from '../../machinery/equality.ts';

/** Where findings go. */
export type Findings = FieldError[];

/** Text of a number below zero. */
export const NEGATIVE_TEXT = 'must be greater than or equal to 0';
/** Text of a number that is not above zero. */
export const NOT_POSITIVE_TEXT = 'must be greater than zero';

/** One `invalid` for each text that a check of names.ts returned. */
export function addEach(errors: Findings, at: FieldPath, value: unknown, texts: readonly string[]): void {
  for (const text of texts) errors.push(invalid(at, value, text));
}

export function addRequired(errors: Findings, at: FieldPath, value: string | undefined, name: string): void {
  if ((value ?? '') === '') errors.push(required(at.child(name)));
}

export function addDNSLabel(errors: Findings, at: FieldPath, value: string): void {
  addEach(errors, at, value, checkDNS1123Label(value));
}

export function addDNSSubdomain(errors: Findings, at: FieldPath, value: string): void {
  addEach(errors, at, value, checkDNS1123Subdomain(value));
}

/** Qualified names, and keys of labels, which are the same. */
export function addQualifiedName(errors: Findings, at: FieldPath, value: string): void {
  addEach(errors, at, value, checkQualifiedName(value));
}

export function addConfigMapKey(errors: Findings, at: FieldPath, value: string): void {
  addEach(errors, at, value, checkConfigMapKey(value));
}

/** Absent numbers are fine. */
export function addNonnegative(errors: Findings, at: FieldPath, value: number | undefined): void {
  if (value !== undefined && value < 0) errors.push(invalid(at, value, NEGATIVE_TEXT));
}

export function addPositive(errors: Findings, at: FieldPath, value: number): void {
  if (value <= 0) errors.push(invalid(at, value, NOT_POSITIVE_TEXT));
}

/** A value of a closed set; absent is fine, empty is not. */
export function addSupported(
  errors: Findings,
  at: FieldPath,
  value: string | undefined,
  supported: readonly string[],
): void {
  if (value !== undefined && !supported.includes(value)) errors.push(notSupported(at, value, supported));
}

/** A value of a closed set that must be there. */
export function addRequiredSupported(
  errors: Findings,
  at: FieldPath,
  value: string | undefined,
  supported: readonly string[],
): void {
  if ((value ?? '') === '') errors.push(required(at));
  else addSupported(errors, at, value, supported);
}

export function addImmutable(errors: Findings, at: FieldPath, value: unknown, old: unknown): void {
  if (!equalJSON(value, old)) errors.push(invalid(at, value, IMMUTABLE_MESSAGE));
}

export function addPortNumber(errors: Findings, at: FieldPath, port: number): void {
  addEach(errors, at, port, checkPortNumber(port));
}

/** A number of a port, or its name; absent is port 0. */
export function addPortNumberOrName(
  errors: Findings,
  at: FieldPath,
  port: number | string | undefined,
): void {
  if (typeof port === 'string') addEach(errors, at, port, checkPortName(port));
  else addPortNumber(errors, at, port ?? 0);
}

export function addLabels(
  errors: Findings,
  at: FieldPath,
  labels: Readonly<Record<string, string>> | undefined,
): void {
  if (labels !== undefined && labels !== null) errors.push(...validateLabels(labels, at));
}

export function addLabelSelector(
  errors: Findings,
  at: FieldPath,
  selector: LabelSelectorObject | undefined | null,
  options: { readonly allowInvalidValues?: boolean } = {},
): void {
  if (selector !== undefined && selector !== null)
    errors.push(...validateLabelSelector(selector, at, options));
}

/** Whether a selector has a value that no label can have; such ones stay allowed where they already stand. */
export function hasInvalidSelectorValue(selector: LabelSelectorObject | undefined | null): boolean {
  return (selector?.matchExpressions ?? []).some(({ values = [] }) =>
    values.some((value) => checkLabelValue(value).length > 0),
  );
}

const ENTRIES_NONE: readonly never[] = [];

/** Entries of a map by key, as errors list them. */
export function sortedEntries<T>(
  map: Readonly<Record<string, T>> | undefined,
): readonly (readonly [string, T])[] {
  if (map === undefined || map === null) return ENTRIES_NONE;
  const entries = Object.entries(map);
  return entries.length < 2 ? entries : entries.sort(([a], [b]) => compareText(a, b));
}

/** A path below a folder: relative, and never up. */
export function addDescendingPath(errors: Findings, at: FieldPath, value: string): void {
  if (value.startsWith('/')) errors.push(invalid(at, value, 'must be a relative path'));
  addNoBacksteps(errors, at, value);
}

export function addNoBacksteps(errors: Findings, at: FieldPath, value: string): void {
  if (hasBackstep(value)) errors.push(invalid(at, value, "must not contain '..'"));
}

export function hasBackstep(value: string): boolean {
  return value.includes('..') && value.split('/').includes('..');
}

/** As {@link addDescendingPath}, without the names the kubelet keeps for itself. */
export function addLocalPath(errors: Findings, at: FieldPath, value: string): void {
  addDescendingPath(errors, at, value);
  if (value.startsWith('..') && !value.startsWith('../'))
    errors.push(invalid(at, value, "must not start with '..'"));
}
