/** What a new volume is to be a copy of. Mirrors external-provisioner getVolumeContentSource. */
import { compareAmounts } from '../../api/groups/common/resources.ts';
import type { PersistentVolumeClaim } from '../../openapi/generated/core-v1.ts';

/** Why the volume of `claim` cannot be made from its data source; undefined when it can, or has none. */
export function dataSourceProblem(
  claim: PersistentVolumeClaim,
  claimOf: (key: string) => PersistentVolumeClaim | undefined,
): string | undefined {
  const source = claim.spec.dataSource;
  if (source === undefined) return undefined;
  const { kind, name } = source;
  const why =
    kind === 'PersistentVolumeClaim' && (source.apiGroup ?? '') === ''
      ? claimProblem(claim, name, claimOf(`${claim.metadata.namespace}/${name}`))
      : `kubemu's driver makes copies of claims only`;
  return why && `error getting handle for DataSource Type ${kind} by Name ${name}: ${why}`;
}

function claimProblem(
  { metadata, spec }: PersistentVolumeClaim,
  name: string,
  source: PersistentVolumeClaim | undefined,
): string | undefined {
  if (source === undefined)
    return `error getting PVC ${name} (namespace "${metadata.namespace}") from api server: persistentvolumeclaim "${name}" not found`;
  if (source.status.phase !== 'Bound')
    return `the PVC DataSource ${name} must have a status of Bound.  Got {${source.status.phase}}`;
  if (source.metadata.deletionTimestamp !== undefined)
    return `the PVC DataSource ${name} is currently being deleted`;
  const [wanted, held] = [spec, source.spec].map((each) => each.resources?.requests?.['storage']);
  if (compareAmounts(wanted, held) < 0)
    return `error, new PVC request must be greater than or equal in size to the specified PVC data source, requested ${wanted} but source is ${held}`;
  return (spec.volumeMode ?? 'Filesystem') === (source.spec.volumeMode ?? 'Filesystem')
    ? undefined
    : `the source PVC and destination PVCs must have the same volume mode for cloning.  Source is ${source.spec.volumeMode}, but new PVC requested ${spec.volumeMode}`;
}
