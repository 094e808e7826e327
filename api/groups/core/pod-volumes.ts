/** Volumes of pods. Mirrors ValidateVolumes of pkg/apis/core/validation. */
import type { FieldPath } from '../../machinery/field-path.ts';
import { goQuote } from '../../machinery/go-format.ts';
import { checkDNS1123Subdomain } from '../../machinery/names.ts';
import { quantityOf } from '../common/resources.ts';
import { duplicate, forbidden, invalid, required } from '../../machinery/field-errors.ts';
import type {
  DownwardAPIVolumeFile,
  EphemeralVolumeSource,
  KeyToPath,
  ProjectedVolumeSource,
  Volume,
  VolumeProjection,
} from '../../../openapi/generated/core-v1.ts';
import {
  addDNSLabel,
  addLocalPath,
  addRequired,
  addRequiredSupported,
  type Findings,
} from '../common/findings.ts';
import { addClaimTemplate } from './claim-spec.ts';
import { addFieldRef, addResourceFieldRef, VOLUME_FIELDS } from './field-refs.ts';
import type { PodRules } from './pod-rules.ts';
import * as sources from './volume-sources.ts';

export const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];

const MODE_TEXT = 'must be a number between 0 and 0777 (octal), both inclusive';
const CONFLICT_TEXT = 'conflicting duplicate paths';
const TOKEN_SECONDS_MIN = 600;
const TOKEN_SECONDS_MAX = 2 ** 32;

function addMode(errors: Findings, at: FieldPath, mode: number | undefined, name: string): void {
  if (mode !== undefined && (mode < 0 || mode > 0o777)) errors.push(invalid(at.child(name), mode, MODE_TEXT));
}

function addKeyToPath(errors: Findings, at: FieldPath, { key, path = '', mode }: KeyToPath): void {
  addRequired(errors, at, key, 'key');
  addRequired(errors, at, path, 'path');
  addLocalPath(errors, at.child('path'), path);
  addMode(errors, at, mode, 'mode');
}

function addItems(errors: Findings, at: FieldPath, items: readonly KeyToPath[] | undefined): void {
  items?.forEach((item, index) => addKeyToPath(errors, at.child('items').index(index), item));
}

/** Upstream names neither list nor index of files of the downward API. */
function addDownwardFile(errors: Findings, at: FieldPath, file: DownwardAPIVolumeFile): void {
  const { path = '', fieldRef, resourceFieldRef, mode } = file;
  addRequired(errors, at, path, 'path');
  addLocalPath(errors, at.child('path'), path);
  if (fieldRef !== undefined) {
    addFieldRef(errors, at.child('fieldRef'), fieldRef, VOLUME_FIELDS);
    if (resourceFieldRef !== undefined)
      errors.push(
        invalid(at, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'),
      );
  } else if (resourceFieldRef !== undefined)
    addResourceFieldRef(errors, at.child('resourceFieldRef'), resourceFieldRef, true);
  else errors.push(required(at, 'one of fieldRef and resourceFieldRef is required'));
  addMode(errors, at, mode, 'mode');
}

function addProjected(
  errors: Findings,
  at: FieldPath,
  { defaultMode, sources: projections }: ProjectedVolumeSource,
  rules: PodRules,
): void {
  addMode(errors, at, defaultMode, 'defaultMode');
  const taken = new Set<string>();
  const take = (path: string | undefined, shown: string): void => {
    if ((path ?? '') === '') return;
    if (taken.has(path!)) errors.push(invalid(at, shown, CONFLICT_TEXT));
    taken.add(path!);
  };
  projections?.forEach((projection, index) => {
    const place = at.child('sources').index(index);
    addProjection(errors, at, place, projection, take, rules);
    const kinds = Object.values(projection).filter((member) => member !== undefined).length;
    if (kinds > 1) errors.push(forbidden(place, 'may not specify more than 1 volume type per source'));
  });
}

function addProjection(
  errors: Findings,
  at: FieldPath,
  place: FieldPath,
  { secret, configMap, downwardAPI, serviceAccountToken }: VolumeProjection,
  take: (path: string | undefined, shown: string) => void,
  rules: PodRules,
): void {
  for (const [member, source] of [
    ['secret', secret],
    ['configMap', configMap],
  ] as const) {
    if (source === undefined) continue;
    const name = source.name ?? '';
    addRequired(errors, place.child(member), name, 'name');
    source.items?.forEach((item, index) => {
      addKeyToPath(errors, place.child(member, 'items').index(index), item);
      take(item.path, name);
    });
  }
  for (const file of downwardAPI?.items ?? []) {
    addDownwardFile(errors, place.child('downwardAPI'), file);
    take(file.path, file.path);
  }
  if (serviceAccountToken === undefined) return;
  const { expirationSeconds = 0, path = '' } = serviceAccountToken;
  const seconds = place.child('serviceAccountToken', 'expirationSeconds');
  if (expirationSeconds < TOKEN_SECONDS_MIN)
    errors.push(invalid(seconds, expirationSeconds, 'may not specify a duration less than 10 minutes'));
  if (expirationSeconds > TOKEN_SECONDS_MAX)
    errors.push(invalid(seconds, expirationSeconds, 'may not specify a duration larger than 2^32 seconds'));
  if (path === '') errors.push(required(at.child('path')));
  else if (rules.allowNonLocalTokenPath !== true) addLocalPath(errors, at.child('path'), path);
}

function addEphemeral(errors: Findings, at: FieldPath, { volumeClaimTemplate }: EphemeralVolumeSource): void {
  if (volumeClaimTemplate === undefined) errors.push(required(at.child('volumeClaimTemplate')));
  else addClaimTemplate(errors, at.child('volumeClaimTemplate'), volumeClaimTemplate);
}

type Member = sources.SourceMember<Volume>;

/** In the order of upstream's checks. */
const MEMBERS: readonly Member[] = [
  { name: 'emptyDir' },
  { name: 'hostPath' },
  { name: 'gitRepo' },
  { name: 'gcePersistentDisk', shownAs: 'persistentDisk' },
  { name: 'awsElasticBlockStore' },
  { name: 'secret' },
  { name: 'nfs' },
  { name: 'iscsi' },
  { name: 'glusterfs' },
  { name: 'flocker' },
  { name: 'persistentVolumeClaim' },
  { name: 'rbd' },
  { name: 'cinder' },
  { name: 'cephfs', shownAsSecond: 'cephFS' },
  { name: 'quobyte' },
  { name: 'downwardAPI', shownAsSecond: 'downwarAPI' },
  { name: 'fc' },
  { name: 'flexVolume' },
  { name: 'configMap' },
  { name: 'azureFile' },
  { name: 'vsphereVolume' },
  { name: 'photonPersistentDisk' },
  { name: 'portworxVolume' },
  { name: 'azureDisk' },
  { name: 'storageos' },
  { name: 'projected' },
  { name: 'scaleIO' },
  { name: 'csi' },
  { name: 'ephemeral' },
  { name: 'image' },
];

type Rule = (errors: Findings, at: FieldPath, volume: Volume, rules: PodRules) => void;

/** Rules by member; those of shared sources stand in volume-sources.ts. */
const RULES: Readonly<Record<string, Rule>> = {
  emptyDir: (errors, at, { emptyDir }) => {
    const { sizeLimit } = emptyDir!;
    if (sizeLimit !== undefined && quantityOf(sizeLimit).nano < 0n)
      errors.push(forbidden(at.child('sizeLimit'), 'SizeLimit field must be a valid resource quantity'));
  },
  secret: (errors, at, { secret }) => {
    addRequired(errors, at, secret!.secretName, 'secretName');
    addMode(errors, at, secret!.defaultMode, 'defaultMode');
    addItems(errors, at, secret!.items);
  },
  configMap: (errors, at, { configMap }) => {
    addRequired(errors, at, configMap!.name, 'name');
    addMode(errors, at, configMap!.defaultMode, 'defaultMode');
    addItems(errors, at, configMap!.items);
  },
  persistentVolumeClaim: (errors, at, { persistentVolumeClaim }) =>
    addRequired(errors, at, persistentVolumeClaim!.claimName, 'claimName'),
  downwardAPI: (errors, at, { downwardAPI }) => {
    addMode(errors, at, downwardAPI!.defaultMode, 'defaultMode');
    for (const file of downwardAPI!.items ?? []) addDownwardFile(errors, at, file);
  },
  projected: (errors, at, { projected }, rules) => addProjected(errors, at, projected!, rules),
  ephemeral: (errors, at, { ephemeral }) => addEphemeral(errors, at, ephemeral!),
  image: (errors, at, { image }, rules) => {
    if (rules.isPod === true) addRequired(errors, at, image!.reference, 'reference');
    addRequiredSupported(errors, at.child('pullPolicy'), image!.pullPolicy, PULL_POLICIES);
  },
  hostPath: (errors, at, { hostPath }) => sources.hostPath(errors, at, hostPath!),
  gitRepo: (errors, at, { gitRepo }) => sources.gitRepo(errors, at, gitRepo!),
  gcePersistentDisk: (errors, at, volume) => sources.gcePersistentDisk(errors, at, volume.gcePersistentDisk!),
  awsElasticBlockStore: (errors, at, volume) =>
    sources.awsElasticBlockStore(errors, at, volume.awsElasticBlockStore!),
  nfs: (errors, at, { nfs }) => sources.nfs(errors, at, nfs!),
  iscsi: (errors, at, { iscsi }) => sources.addISCSI(errors, at, iscsi!),
  glusterfs: (errors, at, { glusterfs }) => sources.glusterfs(errors, at, glusterfs!),
  flocker: (errors, at, { flocker }) => sources.flocker(errors, at, flocker!),
  rbd: (errors, at, { rbd }) => sources.rbd(errors, at, rbd!),
  cinder: (errors, at, { cinder }) => sources.addCinder(errors, at, cinder!, false),
  cephfs: (errors, at, { cephfs }) => sources.cephfs(errors, at, cephfs!),
  quobyte: (errors, at, { quobyte }) => sources.quobyte(errors, at, quobyte!),
  fc: (errors, at, { fc }) => sources.fc(errors, at, fc!),
  flexVolume: (errors, at, { flexVolume }) => sources.flexVolume(errors, at, flexVolume!),
  azureFile: (errors, at, { azureFile }) => sources.azureFile(errors, at, azureFile!),
  vsphereVolume: (errors, at, { vsphereVolume }) => sources.vsphereVolume(errors, at, vsphereVolume!),
  photonPersistentDisk: (errors, at, volume) =>
    sources.photonPersistentDisk(errors, at, volume.photonPersistentDisk!),
  portworxVolume: (errors, at, { portworxVolume }) => sources.portworxVolume(errors, at, portworxVolume!),
  azureDisk: (errors, at, { azureDisk }) => sources.azureDisk(errors, at, azureDisk!),
  storageos: (errors, at, { storageos }) => sources.addStorageOS(errors, at, storageos!, false),
  scaleIO: (errors, at, { scaleIO }) => sources.scaleIO(errors, at, scaleIO!),
  csi: (errors, at, { csi }) => sources.csi(errors, at, csi!),
};

function addSource(errors: Findings, at: FieldPath, volume: Volume, podName: string, rules: PodRules): void {
  const { name = '' } = volume;
  let checked = '';
  sources.addSources(errors, at, volume, MEMBERS, (member, place) => {
    checked = member;
    RULES[member]!(errors, place, volume, rules);
    if (member === 'iscsi' && sources.isISCSINameTooLong(name, volume.iscsi!))
      errors.push(invalid(at.child('name'), name, sources.ISCSI_NAME_TEXT));
  });
  if (checked !== 'ephemeral' || podName === '' || name === '') return;
  const claim = `${podName}-${name}`;
  for (const text of checkDNS1123Subdomain(claim))
    errors.push(invalid(at.child('name'), name, `PVC name ${goQuote(claim)}: ${text}`));
}

/** Checks volumes; returns those that are sound, by name, for containers to use. */
export function addVolumes(
  errors: Findings,
  at: FieldPath,
  volumes: readonly Volume[],
  rules: PodRules,
): Map<string, Volume> {
  const podName = rules.meta?.name ?? '';
  const created = new Set(
    podName === ''
      ? []
      : volumes.filter(({ ephemeral }) => ephemeral !== undefined).map(({ name }) => `${podName}-${name}`),
  );
  const sound = new Map<string, Volume>();
  volumes.forEach((volume, index) => {
    const place = at.index(index);
    const before = errors.length;
    const { name = '' } = volume;
    addSource(errors, place, volume, podName, rules);
    if (name === '') errors.push(required(place.child('name')));
    else addDNSLabel(errors, place.child('name'), name);
    if (sound.has(name)) errors.push(duplicate(place.child('name'), name));
    if (errors.length === before) sound.set(name, volume);
    const claimName = volume.persistentVolumeClaim?.claimName ?? '';
    if (created.has(claimName)) {
      const text = 'must not reference a PVC that gets created for an ephemeral volume';
      errors.push(invalid(place.child('persistentVolumeClaim', 'claimName'), claimName, text));
    }
  });
  return sound;
}
