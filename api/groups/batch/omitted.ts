import type { FieldError } from '../../machinery/errors.ts';
import type { FieldPath } from '../../machinery/field-path.ts';
import { invalid } from '../../machinery/field-errors.ts';

/** As `invalid`, without showing the value: upstream leaves it out where it is long. */
export function omitted(at: FieldPath, detail: string): FieldError {
  return { ...invalid(at, undefined, detail), message: `Invalid value: ${detail}` };
}
