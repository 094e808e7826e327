/** Tables of resource.k8s.io. Mirrors pkg/printers/internalversion/printers.go. */
import type {
  DeviceClass,
  ResourceClaim,
  ResourceClaimTemplate,
  ResourceSlice,
} from '../../../openapi/generated/resource-v1.ts';
import { AGE, ageOf, column, defineTable, NAME, nameOf } from './columns.ts';

function claimState({ metadata, status }: ResourceClaim): string {
  const isDeleted = metadata.deletionTimestamp !== undefined;
  const states = isDeleted ? ['deleted'] : [];
  if (status.allocation === undefined) {
    if (!isDeleted) states.push('pending');
  } else {
    states.push('allocated');
    if ((status.reservedFor ?? []).length > 0) states.push('reserved');
  }
  return states.join(',');
}

export const resourceClaimTable = defineTable<ResourceClaim>({
  columns: [NAME, column('State', 'Whether the claim waits, is allocated or in use.'), AGE],
  cells: (object, context) => [nameOf(object), claimState(object), ageOf(object, context)],
});

/** Table of DeviceClasses and ResourceClaimTemplates. */
export const nameAndAgeTable = defineTable<DeviceClass | ResourceClaimTemplate>({
  columns: [NAME, AGE],
  cells: (object, context) => [nameOf(object), ageOf(object, context)],
});

export const resourceSliceTable = defineTable<ResourceSlice>({
  columns: [
    NAME,
    column('Node', 'Node the devices are on.'),
    column('Driver', 'Driver of the devices.'),
    column('Pool', 'Pool the devices are of.'),
    AGE,
  ],
  cells: (object, context) => [
    nameOf(object),
    object.spec.nodeName ?? '',
    object.spec.driver,
    object.spec.pool.name,
    ageOf(object, context),
  ],
});
