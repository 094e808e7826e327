/**
 * Sources that volumes of pods and persistent volumes share, member by member. Mirrors the validate…VolumeSource
 * functions of pkg/apis/core/validation/validation.go.
 */
import type { FieldPath } from '../../machinery/field-path.ts';
import { byteLength } from '../../machinery/go-format.ts';
import { checkDNS1123Label, checkDNS1123Subdomain, rangeText } from '../../machinery/names.ts';
import { forbidden, invalid, notSupported, required, tooLong } from '../../machinery/field-errors.ts';
import type {
  CSIPersistentVolumeSource,
  CSIVolumeSource,
  PersistentVolumeSpec,
  Volume,
} from '../../../openapi/generated/core-v1.ts';
import {
  addDescendingPath,
  addDNSLabel,
  addEach,
  addNoBacksteps,
  addRequired,
  addSupported,
  type Findings,
  sortedEntries,
} from '../common/findings.ts';

/** A source of a volume of a pod or of a persistent volume. */
type Source<Name extends keyof Volume | keyof PersistentVolumeSpec> = NonNullable<
  Name extends keyof Volume
    ? Volume[Name]
    : Name extends keyof PersistentVolumeSpec
      ? PersistentVolumeSpec[Name]
      : never
>;

/** A rule of one member. `at` is the member's own path. */
export type SourceRule<T> = (errors: Findings, at: FieldPath, source: T) => void;

const HOST_PATH_TYPES = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];
const CACHING_MODES = ['None', 'ReadOnly', 'ReadWrite'];
const DISK_KINDS = ['Dedicated', 'Managed', 'Shared'];
const PARTITION_MAX = 255;
const CSI_DRIVER_LENGTH_MAX = 63;

/** `secretRef.name`, and for persistent volumes `secretRef.namespace`, when there is a reference. */
function addSecretRef(
  errors: Findings,
  at: FieldPath,
  reference: { readonly name?: string; readonly namespace?: string } | undefined,
  withNamespace = false,
): void {
  if (reference === undefined) return;
  addRequired(errors, at.child('secretRef'), reference.name, 'name');
  if (withNamespace) addRequired(errors, at.child('secretRef'), reference.namespace, 'namespace');
}

function addPartition(errors: Findings, at: FieldPath, partition = 0): void {
  if (partition < 0 || partition > PARTITION_MAX)
    errors.push(invalid(at.child('partition'), partition, rangeText(1, PARTITION_MAX)));
}

export const hostPath: SourceRule<Source<'hostPath'>> = (errors, at, { path, type }) => {
  if ((path ?? '') === '') {
    errors.push(required(at.child('path')));
    return;
  }
  addNoBacksteps(errors, at.child('path'), path);
  addSupported(errors, at.child('type'), type, HOST_PATH_TYPES);
};

export const gitRepo: SourceRule<Source<'gitRepo'>> = (errors, at, { repository, directory = '' }) => {
  addRequired(errors, at, repository, 'repository');
  addDescendingPath(errors, at.child('directory'), directory);
};

export const gcePersistentDisk: SourceRule<Source<'gcePersistentDisk'>> = (errors, at, source) => {
  addRequired(errors, at, source.pdName, 'pdName');
  addPartition(errors, at, source.partition);
};

export const awsElasticBlockStore: SourceRule<Source<'awsElasticBlockStore'>> = (errors, at, source) => {
  addRequired(errors, at, source.volumeID, 'volumeID');
  addPartition(errors, at, source.partition);
};

export const nfs: SourceRule<Source<'nfs'>> = (errors, at, { server, path = '' }) => {
  addRequired(errors, at, server, 'server');
  addRequired(errors, at, path, 'path');
  if (!path.startsWith('/')) errors.push(invalid(at.child('path'), path, 'must be an absolute path'));
};

interface ISCSI {
  readonly targetPortal?: string;
  readonly iqn?: string;
  readonly lun?: number;
  readonly chapAuthDiscovery?: boolean;
  readonly chapAuthSession?: boolean;
  readonly secretRef?: { readonly name?: string };
  readonly initiatorName?: string;
}

/** Forms of names of iSCSI ends by their first three letters. */
const ISCSI_NAMES: Readonly<Record<string, RegExp>> = {
  iqn: /iqn\.\d{4}-\d{2}\.([A-Za-z0-9-.]+)(:[^,;*&$|\s]+)$/,
  eui: /^eui.[A-Za-z0-9]{16}$/,
  naa: /^naa.[A-Za-z0-9]{32}$/,
};
const ISCSI_PREFIX_TEXT = 'must be valid format starting with iqn, eui, or naa';

function addISCSIName(errors: Findings, at: FieldPath, value: string, prefixText: string): void {
  const form = ISCSI_NAMES[value.slice(0, 3)];
  if (form === undefined) errors.push(invalid(at, value, prefixText));
  else if (!form.test(value)) errors.push(invalid(at, value, 'must be valid format'));
}

/** Longest `volume:portal` when the initiator is named. */
const ISCSI_NAME_BYTES_MAX = 64;
export const ISCSI_NAME_TEXT =
  'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.';

export function isISCSINameTooLong(volumeName: string, source: ISCSI): boolean {
  return (
    source.initiatorName !== undefined &&
    byteLength(`${volumeName}:${source.targetPortal ?? ''}`) > ISCSI_NAME_BYTES_MAX
  );
}

/** `volumeName` is that of the persistent volume; volumes of pods are checked by their caller. */
export function addISCSI(errors: Findings, at: FieldPath, source: ISCSI, volumeName?: string): void {
  const { iqn = '', lun = 0, initiatorName, secretRef } = source;
  const prefixText = volumeName === undefined ? ISCSI_PREFIX_TEXT : 'must be valid format';
  addRequired(errors, at, source.targetPortal, 'targetPortal');
  if (volumeName !== undefined && isISCSINameTooLong(volumeName, source))
    errors.push(invalid(at.child('targetportal'), source.targetPortal ?? '', ISCSI_NAME_TEXT));
  if (iqn === '') errors.push(required(at.child('iqn')));
  else addISCSIName(errors, at.child('iqn'), iqn, prefixText);
  if (lun < 0 || lun > 255) errors.push(invalid(at.child('lun'), lun, rangeText(0, 255)));
  const needsSecret = source.chapAuthDiscovery === true || source.chapAuthSession === true;
  if (needsSecret && secretRef === undefined) errors.push(required(at.child('secretRef')));
  if (volumeName !== undefined) addSecretRef(errors, at, secretRef);
  if (initiatorName !== undefined) addISCSIName(errors, at.child('initiatorname'), initiatorName, prefixText);
}

export const glusterfs: SourceRule<{ endpoints?: string; path?: string }> = (errors, at, source) => {
  addRequired(errors, at, source.endpoints, 'endpoints');
  addRequired(errors, at, source.path, 'path');
};

export function addGlusterfsPersistent(
  errors: Findings,
  at: FieldPath,
  source: { endpoints?: string; path?: string; endpointsNamespace?: string },
): void {
  glusterfs(errors, at, source);
  const { endpointsNamespace } = source;
  if (endpointsNamespace === undefined) return;
  const place = at.child('endpointsNamespace');
  if (endpointsNamespace === '') {
    const text = 'if the endpointnamespace is set, it must be a valid namespace name';
    errors.push(invalid(place, endpointsNamespace, text));
  } else addDNSLabel(errors, place, endpointsNamespace);
}

export const flocker: SourceRule<Source<'flocker'>> = (
  errors,
  at,
  { datasetName = '', datasetUUID = '' },
) => {
  if (datasetName === '' && datasetUUID === '')
    errors.push(required(at, 'one of datasetName and datasetUUID is required'));
  if (datasetName !== '' && datasetUUID !== '')
    errors.push(invalid(at, 'resource', 'datasetName and datasetUUID can not be specified simultaneously'));
  if (datasetName.includes('/'))
    errors.push(invalid(at.child('datasetName'), datasetName, "must not contain '/'"));
};

export const rbd: SourceRule<{ monitors?: readonly string[]; image?: string }> = (errors, at, source) => {
  if ((source.monitors ?? []).length === 0) errors.push(required(at.child('monitors')));
  addRequired(errors, at, source.image, 'image');
};

interface Cinder {
  readonly volumeID?: string;
  readonly secretRef?: { readonly name?: string; readonly namespace?: string };
}

export function addCinder(errors: Findings, at: FieldPath, source: Cinder, isPersistent: boolean): void {
  addRequired(errors, at, source.volumeID, 'volumeID');
  addSecretRef(errors, at, source.secretRef, isPersistent);
}

export const cephfs: SourceRule<{ monitors?: readonly string[] }> = (errors, at, { monitors }) => {
  if ((monitors ?? []).length === 0) errors.push(required(at.child('monitors')));
};

const REGISTRY_TEXT = 'must be a host:port pair or multiple pairs separated by commas';
/** What Go's net.SplitHostPort takes apart. */
const HOST_PORT = /^(\[[^[\]]*\]|[^:[\]]*):[^:[\]]*$/;

export const quobyte: SourceRule<Source<'quobyte'>> = (
  errors,
  at,
  { registry = '', tenant = '', volume },
) => {
  if (registry === '') errors.push(required(at.child('registry'), REGISTRY_TEXT));
  else if (byteLength(tenant) >= 65)
    errors.push(required(at.child('tenant'), 'must be a UUID and may not exceed a length of 64 characters'));
  else
    for (const pair of registry.split(','))
      if (!HOST_PORT.test(pair)) errors.push(invalid(at.child('registry'), registry, REGISTRY_TEXT));
  addRequired(errors, at, volume, 'volume');
};

export const fc: SourceRule<Source<'fc'>> = (errors, at, { targetWWNs = [], wwids = [], lun }) => {
  const place = at.child('targetWWNs');
  if (targetWWNs.length === 0 && wwids.length === 0)
    errors.push(required(place, 'must specify either targetWWNs or wwids, but not both'));
  if (targetWWNs.length > 0 && wwids.length > 0)
    errors.push(invalid(place, targetWWNs, 'targetWWNs and wwids can not be specified simultaneously'));
  if (targetWWNs.length === 0) return;
  if (lun === undefined) errors.push(required(at.child('lun'), 'lun is required if targetWWNs is specified'));
  else if (lun < 0 || lun > 255) errors.push(invalid(at.child('lun'), lun, rangeText(0, 255)));
};

export const flexVolume: SourceRule<{ driver?: string; options?: Record<string, string> }> = (
  errors,
  at,
  { driver, options },
) => {
  addRequired(errors, at, driver, 'driver');
  for (const [key] of sortedEntries(options)) {
    const domain = `.${key.split('/', 1)[0]!.toLowerCase()}`;
    if (domain.endsWith('.kubernetes.io') || domain.endsWith('.k8s.io')) {
      const text = 'kubernetes.io and k8s.io namespaces are reserved';
      errors.push(invalid(at.child('options').key(key), key, text));
    }
  }
};

export const azureFile: SourceRule<{ secretName?: string; shareName?: string; secretNamespace?: string }> = (
  errors,
  at,
  { secretName, shareName, secretNamespace },
) => {
  addRequired(errors, at, secretName, 'secretName');
  addRequired(errors, at, shareName, 'shareName');
  if (secretNamespace === '') errors.push(required(at.child('secretNamespace')));
};

const MANAGED_DISK =
  '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}';
const BLOB_DISK = 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd';

export const azureDisk: SourceRule<Source<'azureDisk'>> = (errors, at, source) => {
  const { diskURI = '', cachingMode, kind } = source;
  addRequired(errors, at, source.diskName, 'diskName');
  addRequired(errors, at, diskURI, 'diskURI');
  addSupported(errors, at.child('cachingMode'), cachingMode, CACHING_MODES);
  addSupported(errors, at.child('kind'), kind, DISK_KINDS);
  if (kind === 'Managed' && !diskURI.startsWith('/subscriptions/'))
    errors.push(notSupported(at.child('diskURI'), diskURI, [MANAGED_DISK]));
  if (kind !== undefined && kind !== 'Managed' && !diskURI.startsWith('https://'))
    errors.push(notSupported(at.child('diskURI'), diskURI, [BLOB_DISK]));
};

export const vsphereVolume: SourceRule<Source<'vsphereVolume'>> = (errors, at, source) =>
  addRequired(errors, at, source.volumePath, 'volumePath');

export const photonPersistentDisk: SourceRule<Source<'photonPersistentDisk'>> = (errors, at, source) =>
  addRequired(errors, at, source.pdID, 'pdID');

export const portworxVolume: SourceRule<Source<'portworxVolume'>> = (errors, at, source) =>
  addRequired(errors, at, source.volumeID, 'volumeID');

export const scaleIO: SourceRule<{ gateway?: string; system?: string; volumeName?: string }> = (
  errors,
  at,
  source,
) => {
  addRequired(errors, at, source.gateway, 'gateway');
  addRequired(errors, at, source.system, 'system');
  addRequired(errors, at, source.volumeName, 'volumeName');
};

interface StorageOS {
  readonly volumeName?: string;
  readonly volumeNamespace?: string;
  readonly secretRef?: { readonly name?: string; readonly namespace?: string };
}

export function addStorageOS(
  errors: Findings,
  at: FieldPath,
  source: StorageOS,
  isPersistent: boolean,
): void {
  const { volumeName = '', volumeNamespace = '' } = source;
  if (volumeName === '') errors.push(required(at.child('volumeName')));
  else addDNSLabel(errors, at.child('volumeName'), volumeName);
  if (volumeNamespace !== '') addDNSLabel(errors, at.child('volumeNamespace'), volumeNamespace);
  addSecretRef(errors, at, source.secretRef, isPersistent);
}

export const local: SourceRule<Source<'local'>> = (errors, at, { path = '' }) => {
  if (path === '') errors.push(required(at.child('path')));
  else addNoBacksteps(errors, at.child('path'), path);
};

/** The name of a CSI driver, in any case. */
export function addCSIDriverName(errors: Findings, at: FieldPath, driver = ''): void {
  if (driver === '') {
    errors.push(required(at));
    return;
  }
  if (byteLength(driver) > CSI_DRIVER_LENGTH_MAX) errors.push(tooLong(at, '', CSI_DRIVER_LENGTH_MAX));
  addEach(errors, at, driver, checkDNS1123Subdomain(driver.toLowerCase()));
}

export const csi: SourceRule<CSIVolumeSource> = (errors, at, { driver, nodePublishSecretRef }) => {
  addCSIDriverName(errors, at.child('driver'), driver);
  if (nodePublishSecretRef === undefined) return;
  const name = nodePublishSecretRef.name ?? '';
  if (name === '') errors.push(required(at.child('nodePublishSecretRef', 'name')));
  else addEach(errors, at.child('name'), name, checkDNS1123Subdomain(name));
};

export const csiPersistent: SourceRule<CSIPersistentVolumeSource> = (errors, at, source) => {
  addCSIDriverName(errors, at.child('driver'), source.driver);
  addRequired(errors, at, source.volumeHandle, 'volumeHandle');
  for (const member of [
    'controllerPublishSecretRef',
    'controllerExpandSecretRef',
    'nodePublishSecretRef',
    'nodeExpandSecretRef',
  ] as const) {
    const reference = source[member];
    if (reference === undefined) continue;
    const place = at.child(member);
    const { name = '', namespace = '' } = reference;
    if (name === '') errors.push(required(place.child('name')));
    else addEach(errors, place.child('name'), name, checkDNS1123Subdomain(name));
    if (namespace === '') errors.push(required(place.child('namespace')));
    else addEach(errors, place.child('namespace'), namespace, checkDNS1123Label(namespace));
  }
};

/** One member of a union of sources. */
export interface SourceMember<Owner> {
  readonly name: keyof Owner & string;
  /** Name in paths of the member, when it is another. */
  readonly shownAs?: string;
  /** Name in the error that says it is a second one, when it is another. */
  readonly shownAsSecond?: string;
  /** Checked even when it is not the first (a slip of upstream). */
  readonly always?: boolean;
}

/**
 * Runs the rule of the first member that is there and refuses the others; returns how many there are.
 */
export function addSources<Owner extends object>(
  errors: Findings,
  at: FieldPath,
  owner: Owner,
  members: readonly SourceMember<Owner>[],
  check: (name: keyof Owner & string, place: FieldPath) => void,
): number {
  let count = 0;
  for (const { name, shownAs = name, shownAsSecond = name, always = false } of members) {
    if (owner[name] === undefined) continue;
    if (count > 0 && !always)
      errors.push(forbidden(at.child(shownAsSecond), 'may not specify more than 1 volume type'));
    else {
      count++;
      check(name, at.child(shownAs));
    }
  }
  if (count === 0) errors.push(required(at, 'must specify a volume type'));
  return count;
}
