/** Specs of claims, wherever they stand. Mirrors ValidatePersistentVolumeClaimSpec of pkg/apis/core/validation. */
import type { FieldPath } from '../../machinery/field-path.ts';
import { checkDNS1123Label, checkDNS1123Subdomain } from '../../machinery/names.ts';
import { forbidden, invalid, notSupported, required } from '../../machinery/field-errors.ts';
import { validateAnnotations } from '../../machinery/label-validation.ts';
import type {
  PersistentVolumeClaimSpec,
  PersistentVolumeClaimTemplate,
} from '../../../openapi/generated/core-v1.ts';
import {
  addEach,
  addLabelSelector,
  addLabels,
  addRequired,
  addSupported,
  type Findings,
} from '../common/findings.ts';
import {
  addPositiveQuantity,
  addResourceQuantity,
  isFractional,
  roundUpAmounts,
} from '../common/resources.ts';

const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
export const VOLUME_MODES = ['Block', 'Filesystem'];

/** Modes of volumes and claims, behind the check that there are any. */
export function addAccessModes(errors: Findings, at: FieldPath, modes: readonly string[]): void {
  for (const mode of modes)
    if (!ACCESS_MODES.includes(mode)) errors.push(notSupported(at, mode, ACCESS_MODES));
  const others = modes.some((mode) => mode !== 'ReadWriteOncePod' && ACCESS_MODES.includes(mode));
  if (modes.includes('ReadWriteOncePod') && others)
    errors.push(forbidden(at, 'may not use ReadWriteOncePod with other access modes'));
}

export interface ClaimRules {
  readonly allowInvalidSelectorValue?: boolean;
  /** The group of a data source was stored already. */
  readonly allowInvalidDataSourceGroup?: boolean;
}

export function addClaimSpec(
  errors: Findings,
  at: FieldPath,
  spec: PersistentVolumeClaimSpec,
  rules: ClaimRules = {},
): void {
  const modes = spec.accessModes ?? [];
  if (modes.length === 0)
    errors.push(required(at.child('accessModes'), 'at least 1 access mode is required'));
  addLabelSelector(errors, at.child('selector'), spec.selector, {
    allowInvalidValues: rules.allowInvalidSelectorValue,
  });
  addAccessModes(errors, at.child('accessModes'), modes);
  const storage = spec.resources?.requests?.['storage'];
  const place = at.child('resources').key('storage');
  if (storage === undefined) errors.push(required(place));
  else if (addPositiveQuantity(errors, place, storage))
    addResourceQuantity(errors, place, 'storage', storage);
  addClassName(errors, at.child('storageClassName'), spec.storageClassName);
  addSupported(errors, at.child('volumeMode'), spec.volumeMode, VOLUME_MODES);
  addDataSources(errors, at, spec, rules);
  addClassName(errors, at.child('volumeAttributesClassName'), spec.volumeAttributesClassName);
}

function addClassName(errors: Findings, at: FieldPath, name: string | undefined): void {
  if ((name ?? '') !== '') addEach(errors, at, name, checkDNS1123Subdomain(name!));
}

function addDataSources(
  errors: Findings,
  at: FieldPath,
  { dataSource, dataSourceRef }: PersistentVolumeClaimSpec,
  rules: ClaimRules,
): void {
  if (dataSource !== undefined) addDataSource(errors, at.child('dataSource'), dataSource, rules);
  if (dataSourceRef === undefined) return;
  const namespace = dataSourceRef.namespace ?? '';
  const place = at.child('dataSourceRef');
  addDataSource(errors, place, dataSourceRef, rules);
  if (namespace !== '') addEach(errors, place.child('namespace'), namespace, checkDNS1123Label(namespace));
  if (dataSource === undefined) return;
  // Upstream shows the path where the value should be, which has no JSON of its own.
  if (namespace !== '')
    errors.push(invalid(at, {}, 'may not be specified when dataSourceRef.namespace is specified'));
  else if (
    (dataSource.apiGroup ?? undefined) !== (dataSourceRef.apiGroup ?? undefined) ||
    dataSource.kind !== dataSourceRef.kind ||
    dataSource.name !== dataSourceRef.name
  )
    errors.push(invalid(at, {}, 'must match dataSourceRef'));
}

function addDataSource(
  errors: Findings,
  at: FieldPath,
  source: { readonly apiGroup?: string; readonly kind?: string; readonly name?: string },
  rules: ClaimRules,
): void {
  const apiGroup = source.apiGroup ?? '';
  const { kind = '' } = source;
  addRequired(errors, at, source.name, 'name');
  addRequired(errors, at, kind, 'kind');
  if (apiGroup === '' && kind !== 'PersistentVolumeClaim')
    errors.push(invalid(at, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup"));
  if (apiGroup !== '' && rules.allowInvalidDataSourceGroup !== true)
    addEach(errors, at.child('apiGroup'), apiGroup, checkDNS1123Subdomain(apiGroup));
}

/** Metadata that a template may not set: everything but labels and annotations, in the order of the Go struct. */
const TEMPLATE_META = [
  'name',
  'generateName',
  'namespace',
  'selfLink',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'ownerReferences',
  'finalizers',
  'managedFields',
] as const;
/** How upstream writes them: the Go name with a small first letter. */
const TEMPLATE_META_SHOWN: Readonly<Record<string, string>> = { uid: 'uID' };

/** The template of a claim made for a pod. */
export function addClaimTemplate(
  errors: Findings,
  at: FieldPath,
  { metadata, spec }: PersistentVolumeClaimTemplate,
): void {
  const place = at.child('metadata');
  errors.push(...validateAnnotations(metadata?.annotations, place.child('annotations')));
  addLabels(errors, place.child('labels'), metadata?.labels);
  for (const member of TEMPLATE_META) {
    const value = metadata?.[member];
    if (value !== undefined && value !== null)
      errors.push(forbidden(place.child(TEMPLATE_META_SHOWN[member] ?? member), 'cannot be set'));
  }
  addClaimSpec(errors, at.child('spec'), spec ?? {});
}

/** Fills in the spec of a claim, in place. */
export function setClaimDefaults(spec: PersistentVolumeClaimSpec): void {
  spec.volumeMode ??= 'Filesystem';
  roundUpAmounts(spec.resources?.limits);
  roundUpAmounts(spec.resources?.requests);
}

export function claimSpecWarnings(at: FieldPath, { resources }: PersistentVolumeClaimSpec): string[] {
  return (['requests', 'limits'] as const).flatMap((member) => {
    const value = resources?.[member]?.['storage'];
    if (value === undefined || !isFractional(value)) return [];
    return [
      `${String(at.child('resources', member).key('storage'))}: fractional byte value "${value}" is invalid, must be an integer`,
    ];
  });
}
