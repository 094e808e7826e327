import type { ResourceDefinition } from '../../api/definition.ts';
import type { FieldError } from '../../api/machinery/errors.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';

/** What was taken for one write: kept when the object was stored, given back when it was not. */
export interface Allocation {
  /** The object is valid and about to be stored: writes what has to be there before it. Rejects with a StatusError. */
  prepare(): Promise<void>;
  /** The object is stored: gives back what it held before and no longer does. */
  commit(): Promise<void>;
  /** The object was not stored: gives back what was taken. */
  revert(): Promise<void>;
}

/** What a kind has to do with more than the object itself: addresses and ports of services, rules of namespaces. */
export interface ResourceHooks {
  /**
   * Allocates for a new (`old` undefined) or changed object, changing it in place. The object has its name. Rejects with a
   * StatusError, holding nothing; until it is prepared it writes nothing. A dry run takes nothing.
   */
  allocate?(object: UnknownObject, old: UnknownObject | undefined, dryRun: boolean): Promise<Allocation>;
  /** The object is gone. */
  release?(object: UnknownObject): Promise<void>;
  /** Faults of a new or changed object that show beside other objects only; they are told before those of the kind. */
  validate?(object: UnknownObject, old: UnknownObject | undefined, subresource: string): FieldError[];
}

/** The hooks of a kind among those of all, by `plural.group` (`services`). */
export function hooksOf(
  hooks: Readonly<Record<string, ResourceHooks>> | undefined,
  { group, names }: ResourceDefinition,
): ResourceHooks | undefined {
  return hooks?.[group === '' ? names.plural : `${names.plural}.${group}`];
}

/** Keeps what was allocated for a write that succeeds, and gives it back when it fails. */
export function whileAllocated<R>(
  allocating: Promise<Allocation> | undefined,
  write: (allocation?: Allocation) => Promise<R>,
): Promise<R> {
  return allocating === undefined ? write() : keepOrRevert(allocating, write);
}

async function keepOrRevert<R>(
  allocating: Promise<Allocation>,
  write: (allocation: Allocation) => Promise<R>,
): Promise<R> {
  const allocation = await allocating;
  let result: R;
  try {
    result = await write(allocation);
  } catch (error) {
    await allocation.revert();
    throw error;
  }
  await allocation.commit();
  return result;
}
