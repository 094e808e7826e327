/** Names that kinds of storage share. Mirrors pkg/apis/core/validation. */
import type { FieldError } from '../../machinery/errors.ts';
import { byteLength } from '../../machinery/go-format.ts';
import { checkDNS1123Subdomain } from '../../machinery/names.ts';
import { invalidEach, required, tooLong, type PathOrText } from '../../machinery/field-errors.ts';

const DRIVER_NAME_LENGTH_MAX = 63;

/** Name of a CSI driver; upper case is fine. */
export function validateDriverName(path: PathOrText, name: string | undefined): FieldError[] {
  if ((name ?? '') === '') return [required(path)];
  const errors: FieldError[] = [];
  if (byteLength(name!) > DRIVER_NAME_LENGTH_MAX) errors.push(tooLong(path, name, DRIVER_NAME_LENGTH_MAX));
  return [...errors, ...invalidEach(path, name, checkDNS1123Subdomain(name!.toLowerCase()))];
}
