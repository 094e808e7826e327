/** Several field errors as one text. Mirrors apimachinery util/errors Aggregate. */
import type { FieldError } from '../../../api/machinery/errors.ts';

/** Each text once; more than one in brackets. */
export function aggregateText(errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map(({ field, message }) => `${field}: ${message}`))];
  return texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`;
}
