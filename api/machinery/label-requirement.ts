/** One requirement of a label selector. Mirrors apimachinery labels/selector.go Requirement. */
import type { FieldError } from './errors.ts';
import { invalid } from './field-errors.ts';
import { path as newPath, type FieldPath } from './field-path.ts';
import { compareText } from './go-format.ts';
import { checkLabelValue, checkQualifiedName } from './names.ts';

/** `exists` and `!` take no values, `gt` and `lt` one integer, `in` and `notin` any number, the others one. */
export type LabelOperator = 'in' | 'notin' | '=' | '==' | '!=' | 'gt' | 'lt' | 'exists' | '!';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  /** Sorted when parsed from text. */
  readonly values: readonly string[];
}

export type Labels = Readonly<Record<string, string>>;

/** A selector that cannot be understood; the message is upstream's. */
export class SelectorError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SelectorError';
  }
}

/** Whether labels fulfil a requirement. */
export function requirementMatches({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'in':
    case '=':
    case '==':
      return value !== undefined && values.includes(value);
    case 'notin':
    case '!=':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'gt':
    case 'lt': {
      const left = value === undefined ? undefined : parseInt64(value);
      const right = values.length === 1 ? parseInt64(values[0]!) : undefined;
      if (left === undefined || right === undefined) return false;
      return operator === 'gt' ? left > right : left < right;
    }
  }
}

function parseInt64(text: string): bigint | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined;
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

/** Canonical text of a requirement. */
export function formatRequirement({ key, operator, values }: LabelRequirement): string {
  const list = [...values].sort(compareText).join(',');
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${list})`;
    case 'gt':
      return `${key}>${list}`;
    case 'lt':
      return `${key}<${list}`;
    default:
      return `${key}${operator}${list}`;
  }
}

/** Text of several errors together, as Go's aggregate prints them. */
export function aggregate(errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map((error) => `${error.field}: ${error.message}`))];
  return texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`;
}

/** Checks a requirement. Throws SelectorError. */
export function newRequirement(
  key: string,
  operator: LabelOperator,
  values: readonly string[],
): LabelRequirement {
  const errors = checkRequirement(newPath(), key, operator, values);
  if (errors.length > 0) throw new SelectorError(aggregate(errors));
  return { key, operator, values };
}

/** Mirrors labels.NewRequirement. */
export function checkRequirement(
  at: FieldPath,
  key: string,
  operator: LabelOperator,
  given: readonly string[] | undefined,
): FieldError[] {
  const errors: FieldError[] = [];
  const values = given ?? [];
  const valuesAt = at.child('values');
  const keyErrors = checkQualifiedName(key);
  if (keyErrors.length > 0) errors.push(invalid(at.child('key'), key, keyErrors.join('; ')));
  switch (operator) {
    case 'in':
    case 'notin':
      if (values.length === 0) {
        errors.push(invalid(valuesAt, given, "for 'in', 'notin' operators, values set can't be empty"));
      }
      break;
    case 'exists':
    case '!':
      if (values.length > 0) {
        errors.push(invalid(valuesAt, values, 'values set must be empty for exists and does not exist'));
      }
      break;
    case 'gt':
    case 'lt':
      values.forEach((value, index) => {
        if (parseInt64(value) === undefined) {
          errors.push(
            invalid(valuesAt.index(index), value, "for 'Gt', 'Lt' operators, the value must be an integer"),
          );
        }
      });
      break;
    default:
  }
  values.forEach((value, index) => {
    const texts = checkLabelValue(value);
    if (texts.length > 0) errors.push(invalid(valuesAt.index(index).key(key), value, texts.join('; ')));
  });
  return errors;
}
