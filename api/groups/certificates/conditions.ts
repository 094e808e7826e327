/** Conditions of certificate signing requests: how they change, and who may change them. */
import { equalJSON } from '../../machinery/equality.ts';
import type { FieldError } from '../../machinery/errors.ts';
import { goQuote } from '../../machinery/go-format.ts';
import { duplicate, forbidden, invalid, notSupported, required } from '../../machinery/field-errors.ts';
import { path } from '../../machinery/field-path.ts';
import { formatTime } from '../../machinery/clock.ts';
import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition as Condition,
} from '../../../openapi/generated/certificates-v1.ts';

/** Once given these cannot be taken back. */
const PERMANENT = ['Approved', 'Denied', 'Failed'];
const DECISIONS = ['Approved', 'Denied'];
const AT = path('status', 'conditions');

export function conditionsOf({ status }: CertificateSigningRequest): readonly Condition[] {
  return status?.conditions ?? [];
}

function ofType(conditions: readonly Condition[], type: string): Condition[] {
  return conditions.filter((condition) => condition.type === type);
}

/** Fills in the times that a client left out. Mirrors certificates strategy.go populateConditionTimestamps. */
export function stampConditions(
  conditions: readonly Condition[],
  old: readonly Condition[],
  nowMs: number,
): Condition[] {
  const now = formatTime(nowMs);
  return conditions.map((condition) => {
    const before = old.find(
      ({ type, status, lastTransitionTime }) =>
        type === condition.type && status === condition.status && isSet(lastTransitionTime),
    );
    return {
      ...condition,
      lastUpdateTime: isSet(condition.lastUpdateTime) ? condition.lastUpdateTime : now,
      lastTransitionTime: isSet(condition.lastTransitionTime)
        ? condition.lastTransitionTime
        : (before?.lastTransitionTime ?? now),
    };
  });
}

function isSet(time: string | null | undefined): time is string {
  return time !== undefined && time !== null;
}

/** Approval and denial as they were, when the write neither adds nor removes one. */
export function keepDecisions(conditions: readonly Condition[], old: readonly Condition[]): Condition[] {
  const kept = [...conditions];
  for (const type of DECISIONS) {
    const before = ofType(old, type);
    const places = kept.flatMap((condition, index) => (condition.type === type ? [index] : []));
    if (places.length !== before.length) continue;
    for (const [index, place] of places.entries()) kept[place] = before[index]!;
  }
  return kept;
}

/** Mirrors ValidateCertificateSigningRequestConditions and the conditions of validateCertificateSigningRequestUpdate. */
export function validateConditions(
  conditions: readonly Condition[],
  old: readonly Condition[],
  mayDecide: boolean,
): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, { type, status }] of conditions.entries()) {
    const at = AT.index(index);
    if (type === '') errors.push(required(at.child('type')));
    const isDecision = PERMANENT.includes(type);
    if ((status ?? '') === '') errors.push(required(at.child('status')));
    else if (isDecision && status !== 'True') errors.push(notSupported(at.child('status'), status, ['True']));
    else if (!isDecision && !['True', 'False', 'Unknown'].includes(status))
      errors.push(notSupported(at.child('status'), status, ['False', 'True', 'Unknown']));
    const other = DECISIONS.find((decision) => decision !== type && seen.has(decision));
    if (DECISIONS.includes(type) && other !== undefined)
      errors.push(invalid(AT, type, 'Approved and Denied conditions are mutually exclusive'));
    if (seen.has(type)) errors.push(duplicate(at.child('type'), type));
    seen.add(type);
  }
  return [...errors, ...validateConditionChanges(conditions, old, mayDecide)];
}

function validateConditionChanges(
  conditions: readonly Condition[],
  old: readonly Condition[],
  mayDecide: boolean,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const type of PERMANENT) {
    if (ofType(conditions, type).length < ofType(old, type).length)
      errors.push(forbidden(AT, `updates may not remove a condition of type ${goQuote(type)}`));
  }
  if (mayDecide) return errors;
  for (const type of DECISIONS) {
    const after = ofType(conditions, type);
    const before = ofType(old, type);
    if (after.length > before.length)
      errors.push(forbidden(AT, `updates may not add a condition of type ${goQuote(type)}`));
    else if (after.length === before.length && !equalJSON(after, before))
      errors.push(forbidden(AT, `updates may not modify a condition of type ${goQuote(type)}`));
  }
  return errors;
}
