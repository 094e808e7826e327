/** Data of config maps and secrets: its size, and what `immutable` means for it. */
import { equalJSON } from '../../machinery/equality.ts';
import { forbidden } from '../../machinery/field-errors.ts';
import type { Findings } from '../common/findings.ts';

/** Data of one object may not be larger. */
export const DATA_SIZE_BYTES_MAX = 1024 * 1024;

/** Size of what a base64 text stands for. */
export function bytesIn(base64: string): number {
  return Buffer.byteLength(base64, 'base64');
}

interface Freezable {
  readonly immutable?: boolean;
}

export function addFrozenChanges<T extends Freezable>(
  errors: Findings,
  object: T,
  old: T,
  members: readonly (keyof T & string)[],
): void {
  if (old.immutable !== true) return;
  const text = 'field is immutable when `immutable` is set';
  if (object.immutable !== true) errors.push(forbidden('immutable', text));
  for (const member of members)
    if (!equalJSON(object[member], old[member])) errors.push(forbidden(member, text));
}
