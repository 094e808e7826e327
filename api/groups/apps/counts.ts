/** Counts and shares of pods. Mirrors ValidatePositiveIntOrPercent and its neighbours of pkg/apis/apps/validation. */
import type { FieldPath } from '../../machinery/field-path.ts';
import { checkPercent } from '../../machinery/names.ts';
import { invalid } from '../../machinery/field-errors.ts';
import { addEach, addNonnegative, type Findings } from '../common/findings.ts';

export type IntOrPercent = number | string;

export function addCountOrPercent(errors: Findings, at: FieldPath, value: IntOrPercent): void {
  if (typeof value === 'string') addEach(errors, at, value, checkPercent(value));
  else addNonnegative(errors, at, value);
}

/** The number in front of the percent sign. */
function percentOf(value: IntOrPercent): number | undefined {
  return typeof value === 'string' && checkPercent(value).length === 0
    ? Number(value.slice(0, -1))
    : undefined;
}

/** A number, or the number of a percentage; other texts count as the number they are, or 0. */
export function countOf(value: IntOrPercent): number {
  if (typeof value === 'number') return value;
  return percentOf(value) ?? (/^[+-]?\d+$/.test(value) ? Number(value) : 0);
}

export function addAtMostAll(errors: Findings, at: FieldPath, value: IntOrPercent): void {
  if ((percentOf(value) ?? 0) > 100) errors.push(invalid(at, value, 'must not be greater than 100%'));
}

/** Counts of a status, each zero when absent. */
export type Counts = Readonly<Record<string, number | undefined>>;

/** None below zero; those that are there only for some are checked when they are. */
export function addCounts(errors: Findings, at: FieldPath, status: Counts, names: readonly string[]): void {
  for (const name of names) addNonnegative(errors, at.child(name), status[name]);
}

export function addNotAbove(
  errors: Findings,
  at: FieldPath,
  status: Counts,
  names: readonly string[],
  limit: string,
  text: string,
): void {
  for (const name of names) {
    const value = status[name] ?? 0;
    if (value > (status[limit] ?? 0)) errors.push(invalid(at.child(name), value, text));
  }
}

/** Counts of hash collisions only grow. */
export function addCollisionChange(
  errors: Findings,
  at: FieldPath,
  count: number | undefined,
  old: number | undefined,
): void {
  if (old !== undefined && (count === undefined || count < old))
    errors.push(invalid(at.child('collisionCount'), count ?? 0, 'cannot be decremented'));
}
