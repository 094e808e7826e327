/** Who may ask for devices that others use: namespaces that say so. Mirrors registry/resource/utils.go AuthorizedForAdmin. */
import type { FieldError } from '../../api/machinery/errors.ts';
import { path, type FieldPath } from '../../api/machinery/field-path.ts';
import { forbidden } from '../../api/machinery/field-errors.ts';
import type {
  DeviceClaim,
  ResourceClaim,
  ResourceClaimTemplate,
} from '../../openapi/generated/resource-v1.ts';
import type { ObjectReader } from '../admission/reader.ts';
import type { ResourceHooks } from './resource-hooks.ts';

const NAMESPACES = { group: '', resource: 'namespaces' };
const ADMIN_LABEL = 'resource.kubernetes.io/admin-access';
const WHY = `admin access to devices requires the \`${ADMIN_LABEL}: true\` label on the containing namespace`;

/** For claims and their templates, whose specs never change, and for allocations of claims, which never change either. */
export function deviceAdminAccess(reader: ObjectReader): Readonly<Record<string, ResourceHooks>> {
  const faults = (namespace: string | undefined, at: FieldPath | undefined): FieldError[] => {
    if (at === undefined) return [];
    const { labels } = reader.get(NAMESPACES, '', namespace ?? '')?.metadata ?? {};
    return labels?.[ADMIN_LABEL] === 'true' ? [] : [forbidden(at, WHY)];
  };
  return {
    'resourceclaims.resource.k8s.io': {
      validate: (object, old, subresource) => {
        const { metadata, spec, status } = object as unknown as ResourceClaim;
        if (old === undefined) return faults(metadata.namespace, asked(spec.devices));
        const before = (old as unknown as ResourceClaim).status;
        if (subresource !== 'status' || given(before) !== undefined) return [];
        return faults(metadata.namespace, given(status));
      },
    },
    'resourceclaimtemplates.resource.k8s.io': {
      validate: (object, old) => {
        const { metadata, spec } = object as unknown as ResourceClaimTemplate;
        return old === undefined ? faults(metadata.namespace, asked(spec.spec?.devices)) : [];
      },
    },
  };
}

function asked(devices: DeviceClaim | undefined): FieldPath | undefined {
  const index = (devices?.requests ?? []).findIndex(({ exactly }) => exactly?.adminAccess === true);
  return index === -1 ? undefined : path('spec', 'devices', 'requests').index(index).child('adminAccess');
}

function given(status: ResourceClaim['status'] | undefined): FieldPath | undefined {
  const results = status?.allocation?.devices?.results ?? [];
  const index = results.findIndex(({ adminAccess }) => adminAccess === true);
  return index === -1
    ? undefined
    : path('status', 'allocation', 'devices', 'results').index(index).child('adminAccess');
}
