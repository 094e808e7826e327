/** Persistent volumes. Mirrors registry/core/persistentvolume and ValidatePersistentVolume of pkg/apis/core/validation. */
import { defineBehaviour } from '../../definition.ts';
import { formatTime } from '../../machinery/clock.ts';
import { equalJSON } from '../../machinery/equality.ts';
import { path, type FieldPath } from '../../machinery/field-path.ts';
import { checkDNS1123Subdomain } from '../../machinery/names.ts';
import { forbidden, IMMUTABLE_MESSAGE, notSupported, required } from '../../machinery/field-errors.ts';
import type { PersistentVolume, PersistentVolumeSpec } from '../../../openapi/generated/core-v1.ts';
import { addEach, addImmutable, addSupported, type Findings, sortedEntries } from '../common/findings.ts';
import { internalDiff, invalidInternal } from '../common/internal-json.ts';
import {
  addNodeSelector,
  hasInvalidNodeSelectorValue,
  nodeSelectorTermWarnings,
  type NodeSelector,
} from '../common/node-selectors.ts';
import { addBasicQuantity, addPositiveQuantity, roundUpAmounts } from '../common/resources.ts';
import { addAccessModes, VOLUME_MODES } from './claim-spec.ts';
import * as sources from './volume-sources.ts';

const RECLAIM_POLICIES = ['Delete', 'Recycle', 'Retain'];
const MOUNT_OPTIONS = 'volume.beta.kubernetes.io/mount-options';

export const persistentVolume = defineBehaviour<PersistentVolume>({
  setDefaults: ({ spec, status }) => {
    if (status !== undefined) status.phase ||= 'Pending';
    if (spec === undefined) return;
    spec.persistentVolumeReclaimPolicy ||= 'Retain';
    spec.volumeMode ??= 'Filesystem';
    roundUpAmounts(spec.capacity);
    if (spec.hostPath !== undefined) spec.hostPath.type ??= '';
  },
  prepareForCreate: (object, { nowMs }) => {
    object.status = { phase: 'Pending', lastPhaseTransitionTime: formatTime(nowMs) };
  },
  prepareForStatusUpdate: ({ status }, old, { nowMs }) => {
    const before = old.status?.lastPhaseTransitionTime;
    if (status === undefined) return;
    const isSameTime =
      status.lastPhaseTransitionTime === undefined || status.lastPhaseTransitionTime === before;
    if (status.phase === old.status?.phase) status.lastPhaseTransitionTime ??= before;
    else if (isSameTime) status.lastPhaseTransitionTime = formatTime(nowMs);
  },
  validate: (object) => {
    const errors: Findings = [];
    addVolume(errors, object, false);
    addMountOptions(errors, object);
    return errors;
  },
  validateUpdate: (object, old) => {
    const errors: Findings = [];
    const terms = old.spec.nodeAffinity?.required?.nodeSelectorTerms;
    addVolume(errors, object, hasInvalidNodeSelectorValue(terms));
    addMountOptions(errors, object);
    addChanges(errors, object.spec, old.spec);
    return errors;
  },
  warnings: (object, _old, subresource) => (subresource === '' ? volumeWarnings(object) : []),
});

type Member = sources.SourceMember<PersistentVolumeSpec>;

/** In the order of upstream's checks. */
const MEMBERS: readonly Member[] = [
  { name: 'hostPath' },
  { name: 'gcePersistentDisk', shownAs: 'persistentDisk' },
  { name: 'awsElasticBlockStore' },
  { name: 'glusterfs' },
  { name: 'flocker' },
  { name: 'nfs' },
  { name: 'rbd' },
  { name: 'quobyte' },
  { name: 'cephfs', shownAsSecond: 'cephFS' },
  { name: 'iscsi' },
  { name: 'cinder' },
  { name: 'fc' },
  { name: 'flexVolume', always: true },
  { name: 'azureFile' },
  { name: 'vsphereVolume' },
  { name: 'photonPersistentDisk' },
  { name: 'portworxVolume' },
  { name: 'azureDisk' },
  { name: 'scaleIO' },
  { name: 'local' },
  { name: 'storageos' },
  { name: 'csi' },
];

type Rule = (errors: Findings, at: FieldPath, spec: PersistentVolumeSpec, name: string) => void;

const RULES: Readonly<Record<string, Rule>> = {
  hostPath: (errors, at, { hostPath }) => sources.hostPath(errors, at, hostPath!),
  gcePersistentDisk: (errors, at, spec) => sources.gcePersistentDisk(errors, at, spec.gcePersistentDisk!),
  awsElasticBlockStore: (errors, at, spec) =>
    sources.awsElasticBlockStore(errors, at, spec.awsElasticBlockStore!),
  glusterfs: (errors, at, { glusterfs }) => sources.addGlusterfsPersistent(errors, at, glusterfs!),
  flocker: (errors, at, { flocker }) => sources.flocker(errors, at, flocker!),
  nfs: (errors, at, { nfs }) => sources.nfs(errors, at, nfs!),
  rbd: (errors, at, { rbd }) => sources.rbd(errors, at, rbd!),
  quobyte: (errors, at, { quobyte }) => sources.quobyte(errors, at, quobyte!),
  cephfs: (errors, at, { cephfs }) => sources.cephfs(errors, at, cephfs!),
  iscsi: (errors, at, { iscsi }, name) => sources.addISCSI(errors, at, iscsi!, name),
  cinder: (errors, at, { cinder }) => sources.addCinder(errors, at, cinder!, true),
  fc: (errors, at, { fc }) => sources.fc(errors, at, fc!),
  flexVolume: (errors, at, { flexVolume }) => sources.flexVolume(errors, at, flexVolume!),
  azureFile: (errors, at, { azureFile }) => sources.azureFile(errors, at, azureFile!),
  vsphereVolume: (errors, at, { vsphereVolume }) => sources.vsphereVolume(errors, at, vsphereVolume!),
  photonPersistentDisk: (errors, at, spec) =>
    sources.photonPersistentDisk(errors, at, spec.photonPersistentDisk!),
  portworxVolume: (errors, at, { portworxVolume }) => sources.portworxVolume(errors, at, portworxVolume!),
  azureDisk: (errors, at, { azureDisk }) => sources.azureDisk(errors, at, azureDisk!),
  scaleIO: (errors, at, { scaleIO }) => sources.scaleIO(errors, at, scaleIO!),
  local: (errors, at, { local }) => sources.local(errors, at, local!),
  storageos: (errors, at, { storageos }) => sources.addStorageOS(errors, at, storageos!, true),
  csi: (errors, at, { csi }) => sources.csiPersistent(errors, at, csi!),
};

function addVolume(
  errors: Findings,
  { spec, metadata }: PersistentVolume,
  allowInvalidValues: boolean,
): void {
  const at = path('spec');
  const modes = spec.accessModes ?? [];
  if (modes.length === 0) errors.push(required(at.child('accessModes')));
  addAccessModes(errors, at.child('accessModes'), modes);
  addCapacity(errors, at.child('capacity'), spec.capacity);
  const policy = spec.persistentVolumeReclaimPolicy ?? '';
  const policyPlace = at.child('persistentVolumeReclaimPolicy');
  if (policy !== '') addSupported(errors, policyPlace, policy, RECLAIM_POLICIES);
  if (spec.nodeAffinity !== undefined) {
    const place = at.child('nodeAffinity', 'required');
    if (spec.nodeAffinity.required === undefined)
      errors.push(required(place, 'must specify required node constraints'));
    else addNodeSelector(errors, place, spec.nodeAffinity.required as NodeSelector, allowInvalidValues);
  }
  addSource(errors, at, spec, metadata.name ?? '');
  const isRoot = spec.hostPath !== undefined && cleaned(spec.hostPath.path) === '/';
  if (isRoot && policy === 'Recycle')
    errors.push(forbidden(policyPlace, "may not be 'recycle' for a hostPath mount of '/'"));
  addClasses(errors, at, spec);
}

/** A path without what says nothing, as Go's path.Clean. */
function cleaned(text = ''): string {
  const parts: string[] = [];
  for (const part of text.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return (text.startsWith('/') ? '/' : '') + parts.join('/');
}

function addCapacity(
  errors: Findings,
  at: FieldPath,
  capacity: Readonly<Record<string, string>> | undefined,
): void {
  const names = Object.keys(capacity ?? {});
  if (names.length === 0) errors.push(required(at));
  if (!names.includes('storage') || names.length > 1)
    errors.push(
      notSupported(at, names.length === 0 ? null : Object.fromEntries(sortedEntries(capacity)), ['storage']),
    );
  for (const [name, value] of sortedEntries(capacity)) {
    addBasicQuantity(errors, at.key(name), value);
    addPositiveQuantity(errors, at.key(name), value);
  }
}

function addSource(errors: Findings, at: FieldPath, spec: PersistentVolumeSpec, name: string): void {
  sources.addSources(errors, at, spec, MEMBERS, (member, place) => {
    RULES[member]!(errors, place, spec, name);
    if (member === 'local' && spec.nodeAffinity === undefined)
      errors.push(required(at.child('nodeAffinity'), 'Local volume requires node affinity'));
  });
}

function addClasses(errors: Findings, at: FieldPath, spec: PersistentVolumeSpec): void {
  const storageClass = spec.storageClassName ?? '';
  if (storageClass !== '')
    addEach(errors, at.child('storageClassName'), storageClass, checkDNS1123Subdomain(storageClass));
  addSupported(errors, at.child('volumeMode'), spec.volumeMode, VOLUME_MODES);
  const attributesClass = spec.volumeAttributesClassName;
  if (attributesClass === undefined) return;
  const place = at.child('volumeAttributesClassName');
  if (attributesClass === '') errors.push(required(place, 'an empty string is disallowed'));
  else addEach(errors, place, attributesClass, checkDNS1123Subdomain(attributesClass));
  if (spec.csi === undefined)
    errors.push(required(at.child('csi'), 'has to be specified when using volumeAttributesClassName'));
}

/** Sources that know mount options. */
const MOUNTABLE = [
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'glusterfs',
  'nfs',
  'rbd',
  'quobyte',
  'iscsi',
  'cinder',
  'cephfs',
  'azureFile',
  'vsphereVolume',
  'azureDisk',
  'photonPersistentDisk',
] as const;

function addMountOptions(errors: Findings, { spec, metadata }: PersistentVolume): void {
  const isGiven = metadata.annotations?.[MOUNT_OPTIONS] !== undefined;
  if (!isGiven || MOUNTABLE.some((member) => spec[member] !== undefined)) return;
  const place = path('metadata', 'annotations', MOUNT_OPTIONS);
  errors.push(forbidden(place, 'may not specify mount options for this volume type'));
}

function sourceOf(spec: PersistentVolumeSpec): Record<string, unknown> {
  return Object.fromEntries(
    MEMBERS.filter(({ name }) => spec[name] !== undefined).map(({ name }) => [name, spec[name]]),
  );
}

function addChanges(errors: Findings, spec: PersistentVolumeSpec, old: PersistentVolumeSpec): void {
  const before = sourceOf(old);
  let now = sourceOf(spec);
  // The secret for growing may be added to a volume that has none.
  if (old.csi !== undefined && old.csi.controllerExpandSecretRef === undefined && spec.csi !== undefined)
    now = { ...now, csi: { ...spec.csi, controllerExpandSecretRef: undefined } };
  if (!equalJSON(now, before)) {
    const diff = internalDiff('PersistentVolumeSource', before, now);
    const text = `spec.persistentvolumesource is immutable after creation\n${diff}`;
    errors.push(forbidden('spec.persistentvolumesource', text));
  }
  addImmutable(errors, path('volumeMode'), spec.volumeMode, old.volumeMode);
  if (old.nodeAffinity !== undefined && !equalJSON(withNewLabels(spec, old), old.nodeAffinity)) {
    const text = `${IMMUTABLE_MESSAGE}, except for updating from beta label to GA`;
    errors.push(invalidInternal('nodeAffinity', '*VolumeNodeAffinity', spec.nodeAffinity, text));
  }
  if (old.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined)
    errors.push(forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'));
}

const LABEL_SUCCESSORS: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'beta.kubernetes.io/os': 'kubernetes.io/os',
  'beta.kubernetes.io/arch': 'kubernetes.io/arch',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
};

/** The node affinity with labels that replace the old one's under their old names. */
function withNewLabels(spec: PersistentVolumeSpec, old: PersistentVolumeSpec): unknown {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms;
  const before = old.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  if (terms === undefined || terms === null) return spec.nodeAffinity;
  const nodeSelectorTerms = terms.map((term, index) => {
    const rename = (list: 'matchExpressions' | 'matchFields'): typeof term.matchExpressions =>
      term[list]?.map((requirement, place) => {
        const key = before[index]?.[list]?.[place]?.key ?? '';
        const isSuccessor = (LABEL_SUCCESSORS[key] ?? '') === (requirement.key ?? '');
        return isSuccessor ? { ...requirement, key } : requirement;
      });
    return { ...term, matchExpressions: rename('matchExpressions'), matchFields: rename('matchFields') };
  });
  return { ...spec.nodeAffinity, required: { nodeSelectorTerms } };
}

const DEPRECATED_ANNOTATIONS: readonly (readonly [string, string])[] = [
  [
    'volume.beta.kubernetes.io/storage-class',
    'deprecated since v1.8; use "storageClassName" attribute instead',
  ],
  [MOUNT_OPTIONS, 'deprecated since v1.31; use "mountOptions" attribute instead'],
];
const DEPRECATED_SOURCES: readonly (readonly [keyof PersistentVolumeSpec, string, string])[] = [
  ['cephfs', 'cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['photonPersistentDisk', 'photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['scaleIO', 'scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['storageos', 'storageOS', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['rbd', 'rbd', 'deprecated in v1.28, non-functional in v1.31+'],
];

/** Mirrors GetWarningsForPersistentVolume. */
function volumeWarnings({ spec, metadata }: PersistentVolume): string[] {
  const warnings: string[] = [];
  for (const [key, text] of DEPRECATED_ANNOTATIONS)
    if (metadata.annotations?.[key] !== undefined) warnings.push(`metadata.annotations[${key}]: ${text}`);
  if (spec.persistentVolumeReclaimPolicy === 'Recycle')
    warnings.push(
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
    );
  spec.nodeAffinity?.required?.nodeSelectorTerms?.forEach((term, index) => {
    const place = path('spec', 'nodeAffinity', 'required', 'nodeSelectorTerms').index(index);
    warnings.push(...nodeSelectorTermWarnings(place, term, false));
  });
  for (const [member, shown, text] of DEPRECATED_SOURCES)
    if (spec[member] !== undefined) warnings.push(`spec.${shown}: ${text}`);
  return warnings;
}
