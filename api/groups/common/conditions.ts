/** Conditions of the shape `metav1.Condition`. Mirrors apimachinery apis/meta/v1/validation ValidateConditions. */
import type { FieldError } from '../../machinery/errors.ts';
import type { FieldPath } from '../../machinery/field-path.ts';
import { byteLength } from '../../machinery/go-format.ts';
import { checkQualifiedName, regexpText } from '../../machinery/names.ts';
import {
  duplicate,
  invalid,
  invalidEach,
  notSupported,
  required,
  tooLong,
} from '../../machinery/field-errors.ts';
import { isAbsent, validateEach } from './text.ts';

export interface Condition {
  readonly type?: string;
  readonly status?: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime?: string | null;
  readonly reason?: string;
  readonly message?: string;
}

const CONDITION_STATUSES: ReadonlySet<string> = new Set(['True', 'False', 'Unknown']);
const REASON = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?';
const REASON_LENGTH_MAX = 1024;
const MESSAGE_LENGTH_MAX = 32 * 1024;

export function validateConditions(
  conditions: readonly Condition[] | undefined,
  at: FieldPath,
): FieldError[] {
  const types = new Set<string>();
  return validateEach(conditions, at, (condition, place) => {
    const { type = '' } = condition;
    const errors = types.has(type) ? [duplicate(place.child('type'), type)] : [];
    types.add(type);
    return [...errors, ...validateCondition(condition, place)];
  });
}

function validateCondition(condition: Condition, at: FieldPath): FieldError[] {
  const { type = '', status = '', observedGeneration = 0, reason = '', message = '' } = condition;
  const errors = invalidEach(at.child('type'), type, checkQualifiedName(type));
  if (!CONDITION_STATUSES.has(status))
    errors.push(notSupported(at.child('status'), status, CONDITION_STATUSES));
  if (observedGeneration < 0) {
    const place = at.child('observedGeneration');
    errors.push(invalid(place, observedGeneration, 'must be greater than or equal to zero'));
  }
  if (isAbsent(condition.lastTransitionTime)) errors.push(required(at.child('lastTransitionTime')));
  errors.push(...validateReason(reason, at.child('reason')));
  if (byteLength(message) > MESSAGE_LENGTH_MAX)
    errors.push(tooLong(at.child('message'), message, MESSAGE_LENGTH_MAX));
  return errors;
}

function validateReason(reason: string, at: FieldPath): FieldError[] {
  if (reason === '') return [required(at)];
  const errors: FieldError[] = [];
  if (!new RegExp(`^${REASON}$`).test(reason)) {
    const why =
      "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'";
    const examples = ['my_name', 'MY_NAME', 'MyName', 'ReasonA,ReasonB', 'ReasonA:ReasonB'];
    errors.push(invalid(at, reason, regexpText(why, REASON, ...examples)));
  }
  if (byteLength(reason) > REASON_LENGTH_MAX) errors.push(tooLong(at, reason, REASON_LENGTH_MAX));
  return errors;
}
