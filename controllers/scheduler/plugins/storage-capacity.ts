/** Whether a driver says that it has room for a claim's volume near a node. Mirrors volumebinding hasEnoughCapacity. */
import { selectorFromLabelSelector } from '../../../api/machinery/labels.ts';
import { parseQuantity, wholeUnits } from '../../../api/machinery/quantity.ts';
import type { Node, PersistentVolumeClaim } from '../../../openapi/generated/core-v1.ts';
import type { CSIDriver, CSIStorageCapacity } from '../../../openapi/generated/storage-v1.ts';
import type { Informer } from '../../runtime/controller.ts';

const CLASS_INDEX = 'class';

export interface CapacityCaches {
  readonly drivers: Informer<CSIDriver>;
  readonly capacities: Informer<CSIStorageCapacity>;
}

/** Lets `roomFor` find the capacities of a class. Call before informers start; more than once is fine. */
export function indexCapacities(capacities: Informer<CSIStorageCapacity>): void {
  capacities.addIndex(CLASS_INDEX, ({ storageClassName }) => [storageClassName]);
}

/** Bytes of the largest volume that can be made; undefined when nothing is said of it. */
export function volumeLimit({ maximumVolumeSize, capacity }: CSIStorageCapacity): bigint | undefined {
  const limit = maximumVolumeSize ?? capacity;
  return limit === undefined ? undefined : wholeUnits(parseQuantity(limit));
}

/** Near which nodes there is room for the claim; looks once at the capacities, not for each node. */
export function roomFor(
  { spec }: PersistentVolumeClaim,
  provisioner: string,
  { drivers, capacities }: CapacityCaches,
): (node: Node) => boolean {
  const request = spec.resources?.requests?.storage;
  // Others than drivers that opt in publish no capacities.
  if (request === undefined || drivers.get(provisioner)?.spec.storageCapacity !== true) return () => true;
  const size = wholeUnits(parseQuantity(request));
  const places = capacities.byIndex(CLASS_INDEX, spec.storageClassName ?? '').flatMap((capacity) => {
    const limit = volumeLimit(capacity);
    const isRoom = capacity.nodeTopology !== undefined && limit !== undefined && limit >= size;
    return isRoom ? [selectorFromLabelSelector(capacity.nodeTopology)] : [];
  });
  return ({ metadata }) => places.some((place) => place.matches(metadata.labels ?? {}));
}
