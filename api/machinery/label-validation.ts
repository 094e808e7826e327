/** Checks of labels, of what selects by them, and of annotations. Mirrors apimachinery meta/v1/validation and api/validation. */
import type { FieldError } from './errors.ts';
import { forbidden, invalid, invalidEach, required, tooLong, type PathOrText } from './field-errors.ts';
import type { FieldPath } from './field-path.ts';
import { byteLength, compareText } from './go-format.ts';
import { checkLabelValue, checkQualifiedName } from './names.ts';

/** All annotations of an object together, keys and values, in bytes. */
export const ANNOTATIONS_SIZE_BYTES_MAX = 262144;

/** Keys and values of labels. Errors name the map, not the key. */
export function validateLabels(
  labels: Readonly<Record<string, string>> | undefined,
  path: PathOrText,
): FieldError[] {
  if (labels === undefined || areLabels(labels)) return [];
  return sortedEntries(labels).flatMap(([key, value]) => [
    ...invalidEach(path, key, checkQualifiedName(key)),
    ...invalidEach(path, value, checkLabelValue(value)),
  ]);
}

function areLabels(labels: Readonly<Record<string, string>>): boolean {
  for (const key in labels)
    if (checkQualifiedName(key).length > 0 || checkLabelValue(labels[key]!).length > 0) return false;
  return true;
}

/** Keys of annotations and their size together. */
export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  path: PathOrText,
): FieldError[] {
  if (annotations === undefined) return [];
  let bytes = 0;
  const errors = sortedEntries(annotations).flatMap(([key, value]) => {
    bytes += byteLength(key) + byteLength(value);
    return invalidEach(path, key, checkQualifiedName(key.toLowerCase()));
  });
  if (bytes > ANNOTATIONS_SIZE_BYTES_MAX) errors.push(tooLong(path, '', ANNOTATIONS_SIZE_BYTES_MAX));
  return errors;
}

function sortedEntries(map: Readonly<Record<string, string>>): [string, string][] {
  const entries = Object.entries(map);
  return entries.length < 2 ? entries : entries.sort(([a], [b]) => compareText(a, b));
}

export interface LabelSelectorObject {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

/** A `metav1.LabelSelector`. */
export function validateLabelSelector(
  selector: LabelSelectorObject | undefined,
  path: FieldPath,
  options: { readonly allowInvalidValues?: boolean } = {},
): FieldError[] {
  if (selector === undefined) return [];
  const errors = validateLabels(selector.matchLabels, path.child('matchLabels'));
  (selector.matchExpressions ?? []).forEach((expression, index) => {
    const at = path.child('matchExpressions').index(index);
    const values = expression.values ?? [];
    switch (expression.operator) {
      case 'In':
      case 'NotIn':
        if (values.length === 0) {
          errors.push(required(at.child('values'), "must be specified when `operator` is 'In' or 'NotIn'"));
        }
        break;
      case 'Exists':
      case 'DoesNotExist':
        if (values.length > 0) {
          errors.push(
            forbidden(
              at.child('values'),
              "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            ),
          );
        }
        break;
      default:
        errors.push(invalid(at.child('operator'), expression.operator, 'not a valid selector operator'));
    }
    errors.push(...invalidEach(at.child('key'), expression.key, checkQualifiedName(expression.key)));
    if (options.allowInvalidValues === true) return;
    values.forEach((value, valueIndex) => {
      errors.push(...invalidEach(at.child('values').index(valueIndex), value, checkLabelValue(value)));
    });
  });
  return errors;
}
