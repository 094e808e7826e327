/** Who may ask for devices that others use: namespaces that say so. Mirrors registry/resource/utils.go AuthorizedForAdmin. */
import { newInvalid } from '../../api/machinery/errors.ts';
import { path } from '../../api/machinery/field-path.ts';
import type { UnknownObject } from '../../api/machinery/object-meta.ts';
import { forbidden } from '../../api/machinery/validation.ts';
import type {
  DeviceClaim,
  ResourceClaim,
  ResourceClaimTemplate,
} from '../../openapi/generated/resource-v1.ts';
import type { ObjectReader } from '../admission/reader.ts';
import type { Allocation, ResourceHooks } from './resource-hooks.ts';

const NAMESPACES = { group: '', resource: 'namespaces' };
const ADMIN_LABEL = 'resource.kubernetes.io/admin-access';
const WHY = `admin access to devices requires the \`${ADMIN_LABEL}: true\` label on the containing namespace`;

const nothing = (): Promise<void> => Promise.resolve();
const NO_ALLOCATION: Allocation = { prepare: nothing, commit: nothing, revert: nothing };

/** Hooks for claims and their templates, whose specs never change. */
export function deviceAdminAccess(reader: ObjectReader): Readonly<Record<string, ResourceHooks>> {
  const hooks = (
    kind: string,
    devicesOf: (object: UnknownObject) => DeviceClaim | undefined,
  ): ResourceHooks => ({
    allocate: (object, old) => {
      if (old === undefined) authorize(reader, kind, object, devicesOf(object));
      return Promise.resolve(NO_ALLOCATION);
    },
    release: nothing,
  });
  return {
    'resourceclaims.resource.k8s.io': hooks(
      'ResourceClaim',
      (object) => (object as unknown as ResourceClaim).spec?.devices,
    ),
    'resourceclaimtemplates.resource.k8s.io': hooks(
      'ResourceClaimTemplate',
      (object) => (object as unknown as ResourceClaimTemplate).spec?.spec?.devices,
    ),
  };
}

function authorize(
  reader: ObjectReader,
  kind: string,
  { metadata }: UnknownObject,
  devices: DeviceClaim | undefined,
): void {
  const index = (devices?.requests ?? []).findIndex(({ exactly }) => exactly?.adminAccess === true);
  if (index === -1) return;
  const namespace = reader.get(NAMESPACES, '', metadata.namespace ?? '');
  if (namespace?.metadata.labels?.[ADMIN_LABEL] === 'true') return;
  const at = path('spec', 'devices', 'requests').index(index).child('adminAccess');
  throw newInvalid('resource.k8s.io', kind, metadata.name ?? '', [forbidden(at, WHY)]);
}
