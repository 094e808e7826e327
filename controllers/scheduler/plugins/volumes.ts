/** Plugins that look at a pod's claims: whether they are bound, reach the node, and are not too many for it. */
import { BIND_COMPLETED_ANNOTATION, NO_PROVISIONER } from '../../persistent-volume-binder/annotations.ts';
import { compareAmounts } from '../../../api/groups/common/resources.ts';
import { controllerOf } from '../../../api/machinery/object-meta.ts';
import {
  persistentVolumeClaims,
  persistentVolumes,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
} from '../../../openapi/generated/core-v1.ts';
import {
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  storageClasses,
  type CSINode,
  type StorageClass,
} from '../../../openapi/generated/storage-v1.ts';
import type { ControllerContext, Informer } from '../../runtime/controller.ts';
import { findVolume, freeVolumesFor, indexFreeVolumes } from '../../persistent-volume-binder/matching.ts';
import type { PluginArguments } from '../configuration/types.ts';
import { AssumedVolumes } from '../assumed-volumes.ts';
import type { NodeInfo } from '../node-info.ts';
import { claimNames, type PodInfo } from '../pod-info.ts';
import { resolvable, unresolvable, type Plugin, type PluginRun, type Rejection } from '../plugin.ts';
import type { Choice } from '../volume-binder.ts';
import { matchesTerm } from './node.ts';
import { indexCapacities, roomFor, type CapacityCaches } from './storage-capacity.ts';

const ZONE_LABELS = [
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
];

export interface VolumeCaches extends CapacityCaches {
  readonly claims: Informer<PersistentVolumeClaim>;
  readonly volumes: Informer<PersistentVolume>;
  readonly classes: Informer<StorageClass>;
  readonly csiNodes: Informer<CSINode>;
  readonly assumed: AssumedVolumes;
}

export function volumeCaches(context: Pick<ControllerContext, 'informer'>): VolumeCaches {
  const volumes = context.informer(persistentVolumes);
  indexFreeVolumes(volumes);
  const claims = context.informer(persistentVolumeClaims);
  const capacities = context.informer(csiStorageCapacities);
  indexCapacities(capacities);
  return {
    claims,
    volumes,
    classes: context.informer(storageClasses),
    csiNodes: context.informer(csiNodes),
    drivers: context.informer(csiDrivers),
    capacities,
    assumed: new AssumedVolumes(volumes, claims),
  };
}

/** A pod's claims, sorted by what is to become of them. */
export interface PodVolumes {
  /** Nothing can be done about this claim yet, on any node. */
  readonly problem?: string;
  readonly bound: readonly PersistentVolume[];
  /** A claim is bound to a volume that there is not. */
  readonly isLost: boolean;
  /** Claims that wait for a node to be chosen; smaller ones first. */
  readonly waiting: readonly PersistentVolumeClaim[];
}

const NO_VOLUMES: PodVolumes = { bound: [], isLost: false, waiting: [] };

/** Mirrors volumebinding PreFilter. */
function podVolumes(pod: Pod, caches: VolumeCaches): PodVolumes {
  const names = claimNames(pod);
  if (names.length === 0) return NO_VOLUMES;
  const bound: PersistentVolume[] = [];
  const waiting: PersistentVolumeClaim[] = [];
  let isLost = false;
  let unbound = false;
  const claims = names.map((name) => caches.claims.get(`${pod.metadata.namespace}/${name}`));
  for (const [i, claim] of claims.entries()) {
    const problem = problemOf(pod, names[i]!, claim);
    if (problem !== undefined) return { ...NO_VOLUMES, problem };
  }
  for (const claim of claims) {
    if (isBound(claim!)) {
      const volume = caches.volumes.get(claim!.spec.volumeName!);
      if (volume === undefined) isLost = true;
      else bound.push(volume);
    } else if (claim!.spec.volumeName === undefined && waitsForConsumer(claim!, caches)) waiting.push(claim!);
    else unbound = true;
  }
  if (unbound) return { ...NO_VOLUMES, problem: 'pod has unbound immediate PersistentVolumeClaims' };
  return { bound, isLost, waiting: waiting.toSorted(bySize) };
}

function isBound({ metadata, spec }: PersistentVolumeClaim): boolean {
  return spec.volumeName !== undefined && metadata.annotations?.[BIND_COMPLETED_ANNOTATION] !== undefined;
}

function problemOf(pod: Pod, name: string, claim: PersistentVolumeClaim | undefined): string | undefined {
  const ephemeral = pod.spec.volumes?.find(
    (volume) => volume.ephemeral !== undefined && `${pod.metadata.name}-${volume.name}` === name,
  );
  if (claim === undefined) {
    return ephemeral === undefined
      ? `persistentvolumeclaim "${name}" not found`
      : `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`;
  }
  if (ephemeral !== undefined && controllerOf(claim)?.uid !== pod.metadata.uid) {
    return `PVC ${pod.metadata.namespace}/${name} was not created for pod ${pod.metadata.namespace}/${pod.metadata.name} (pod is not owner)`;
  }
  if (claim.metadata.deletionTimestamp !== undefined)
    return `persistentvolumeclaim "${name}" is being deleted`;
  if (claim.status.phase === 'Lost') {
    return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec.volumeName}"`;
  }
  return undefined;
}

function waitsForConsumer({ spec }: PersistentVolumeClaim, { classes }: VolumeCaches): boolean {
  const className = spec.storageClassName ?? '';
  return className !== '' && classes.get(className)?.volumeBindingMode === 'WaitForFirstConsumer';
}

const BINDING = 'VolumeBinding';
const ZONE = 'VolumeZone';
const NOTHING_TO_BIND = "node(s) didn't find available persistent volumes to bind";

export function volumeBinding({ bindTimeoutSeconds }: PluginArguments['VolumeBinding']): Plugin {
  return {
    name: BINDING,
    prepare: ({ pod }, { volumes: caches, volumeBinder }) => {
      const volumes = podVolumes(pod, caches);
      if (volumes.problem !== undefined) return { rejection: unresolvable(BINDING, volumes.problem) };
      if (claimNames(pod).length === 0) return undefined;
      const reject = rejectionOf(volumes, caches);
      let choice: Choice | undefined;
      return {
        filter: ({ node }) => reject(node),
        reserve: ({ node }) => {
          choice = volumeBinder.assume(volumes.waiting, node);
          return undefined;
        },
        unreserve: () => choice?.forget(),
        preBind: () => volumeBinder.bind(choice!, bindTimeoutSeconds),
        needsPreBind: () => volumes.waiting.length > 0,
      };
    },
    mayHelp: (pod, event) => {
      if (event.kind === 'claim-changed') return usesClaim(pod, event.claim);
      return ['volumes-changed', 'more-room-for-volumes', 'node-added', 'node-updated'].includes(event.kind);
    },
  };
}

function usesClaim(pod: Pod, { metadata }: PersistentVolumeClaim): boolean {
  return pod.metadata.namespace === metadata.namespace && claimNames(pod).includes(metadata.name!);
}

/** Why a pod's volumes keep it from a node. Mirrors volumebinding FindPodVolumes. */
function rejectionOf(volumes: PodVolumes, caches: VolumeCaches): (node: Node) => Rejection | undefined {
  const provisioning = new Map(volumes.waiting.map((claim) => [claim, provisioningOf(claim, caches)]));
  return (node) => {
    const reasons: string[] = [];
    if (!volumes.bound.every((volume) => reaches(volume, node)))
      reasons.push("node(s) didn't match PersistentVolume's node affinity");
    const { unbound } = volumesOn(volumes.waiting, node, caches);
    if (unbound === undefined) reasons.push(NOTHING_TO_BIND);
    else {
      const problems = unbound.map((claim) => provisioning.get(claim)!(node));
      const problem = problems.find((text) => text !== undefined);
      if (problem !== undefined) reasons.push(problem);
    }
    if (volumes.isLost)
      reasons.push('node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)');
    return reasons.length === 0 ? undefined : unresolvable(BINDING, ...reasons);
  };
}

export interface VolumesOnNode {
  readonly found: readonly (readonly [PersistentVolumeClaim, PersistentVolume])[];
  /** Claims whose volumes are to be made; undefined when one of them is to be made for another node. */
  readonly unbound?: readonly PersistentVolumeClaim[];
}

/** What becomes of claims on a node: the volumes that are there go to the smaller ones first. */
export function volumesOn(
  claims: readonly PersistentVolumeClaim[],
  node: Node,
  caches: VolumeCaches,
): VolumesOnNode {
  const found: [PersistentVolumeClaim, PersistentVolume][] = [];
  const asked: PersistentVolumeClaim[] = [];
  const unbound: PersistentVolumeClaim[] = [];
  const taken = new Set<string>();
  for (const claim of claims) {
    const selected = caches.assumed.nodeOf(claim);
    if (selected !== undefined && selected !== node.metadata.name) return { found };
    if (selected !== undefined) {
      asked.push(claim);
      continue;
    }
    const volume = volumeFor(claim, node, caches, taken);
    if (volume === undefined) unbound.push(claim);
    else {
      taken.add(volume.metadata.name!);
      found.push([claim, volume]);
    }
  }
  return { found, unbound: [...asked, ...unbound] };
}

/** The volume that a claim would be given on a node. */
function volumeFor(
  claim: PersistentVolumeClaim,
  node: Node,
  { volumes, assumed }: VolumeCaches,
  taken: ReadonlySet<string>,
): PersistentVolume | undefined {
  const free = freeVolumesFor(claim, volumes).map((volume) => assumed.current(volume));
  return findVolume(
    claim,
    free.filter((volume) => !taken.has(volume.metadata.name!) && reaches(volume, node)),
  );
}

/** Why no volume can be made for the claim on a node. Mirrors volumebinding checkVolumeProvisions. */
function provisioningOf(
  claim: PersistentVolumeClaim,
  caches: VolumeCaches,
): (node: Node) => string | undefined {
  const storageClass = caches.classes.get(claim.spec.storageClassName ?? '');
  if (storageClass === undefined || storageClass.provisioner === NO_PROVISIONER) return () => NOTHING_TO_BIND;
  const topologies = storageClass.allowedTopologies ?? [];
  const hasRoom = roomFor(claim, storageClass.provisioner, caches);
  return (node) => {
    const labels = node.metadata.labels ?? {};
    const isAllowed =
      topologies.length === 0 ||
      topologies.some(({ matchLabelExpressions = [] }) =>
        matchLabelExpressions.every(({ key, values }) => values.includes(labels[key] ?? '')),
      );
    if (!isAllowed) return NOTHING_TO_BIND;
    return hasRoom(node) ? undefined : 'node(s) did not have enough free storage';
  };
}

function bySize(a: PersistentVolumeClaim, b: PersistentVolumeClaim): number {
  return compareAmounts(a.spec.resources?.requests?.storage, b.spec.resources?.requests?.storage);
}

function reaches({ spec }: PersistentVolume, node: Node): boolean {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms;
  return terms === undefined || terms.some((term) => matchesTerm(term, node));
}

/** Volumes that say by label where they are. */
export const volumeZone: Plugin = {
  name: ZONE,
  prepare: ({ pod }, { volumes: caches }) => {
    const placed: { readonly label: string; readonly values: ReadonlySet<string> }[] = [];
    for (const name of claimNames(pod)) {
      const volume = zonedVolume(caches, pod, name);
      if (typeof volume === 'string') return { rejection: unresolvable(ZONE, volume) };
      for (const label of ZONE_LABELS) {
        const value = volume?.metadata.labels?.[label];
        if (value !== undefined) placed.push({ label, values: new Set(value.split('__')) });
      }
    }
    if (placed.length === 0) return undefined;
    return {
      filter: ({ node }) => {
        const labels = node.metadata.labels ?? {};
        // Where nodes have no zones, there is but one.
        if (!ZONE_LABELS.some((label) => labels[label] !== undefined)) return undefined;
        const isMiss = placed.some(({ label, values }) => {
          const value = labels[label] ?? labels[label.replace('failure-domain.beta', 'topology')];
          return value === undefined || !values.has(value);
        });
        return isMiss ? unresolvable(ZONE, 'node(s) had no available volume zone') : undefined;
      },
    };
  },
  mayHelp: (pod, event) => {
    if (event.kind === 'claim-changed') return usesClaim(pod, event.claim);
    return ['volumes-changed', 'node-added', 'node-updated'].includes(event.kind);
  },
};

/** Volume of a claim; undefined for one that waits for a node; upstream's words when there is none. Mirrors getPVbyPod. */
function zonedVolume(caches: VolumeCaches, pod: Pod, name: string): PersistentVolume | string | undefined {
  const claim = caches.claims.get(`${pod.metadata.namespace}/${name}`);
  if (claim === undefined) return `persistentvolumeclaim "${name}" not found`;
  const { volumeName, storageClassName = '' } = claim.spec;
  if (volumeName !== undefined)
    return caches.volumes.get(volumeName) ?? `persistentvolume "${volumeName}" not found`;
  if (storageClassName === '') return 'PersistentVolumeClaim had no pv name and storageClass name';
  if (caches.classes.get(storageClassName) === undefined)
    return `storageclass.storage.k8s.io "${storageClassName}" not found`;
  return waitsForConsumer(claim, caches) ? undefined : 'PersistentVolume had no name';
}

/** A claim that one pod at a time may use. */
export const volumeRestrictions: Plugin = {
  name: 'VolumeRestrictions',
  prepare: ({ pod }, { volumes: caches, cache }) => {
    const exclusive = claimNames(pod).filter((name) =>
      caches.claims.get(`${pod.metadata.namespace}/${name}`)?.spec.accessModes?.includes('ReadWriteOncePod'),
    );
    if (exclusive.length === 0) return undefined;
    const users = cache.claimUsers(pod.metadata.namespace!, exclusive);
    if (users.size === 0) return undefined;
    const rejection = resolvable(
      'VolumeRestrictions',
      'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod',
    );
    return {
      // In use anywhere is in use everywhere; only evicting the user, on its own node, frees it.
      filter: (_node: NodeInfo, removed: readonly PodInfo[]) =>
        [...users].every((uid) => removed.some(({ pod: gone }) => gone.metadata.uid === uid))
          ? undefined
          : rejection,
    };
  },
  mayHelp: (pod, event) =>
    (event.kind === 'claim-changed' && usesClaim(pod, event.claim)) ||
    (event.kind === 'pod-gone' &&
      event.pod.metadata.namespace === pod.metadata.namespace &&
      claimNames(event.pod).some((name) => claimNames(pod).includes(name))),
};

/** No more volumes of a driver than the node's CSINode allows. */
export const nodeVolumeLimits: Plugin = {
  name: 'NodeVolumeLimits',
  prepare: ({ pod }, { volumes: caches }): PluginRun | undefined => {
    const wanted = driversOf(pod, caches);
    if (wanted.size === 0) return undefined;
    return {
      filter: (node) => {
        const limits = caches.csiNodes.get(node.name)?.spec.drivers ?? [];
        for (const { name, allocatable } of limits) {
          const more = wanted.get(name);
          if (more === undefined || allocatable?.count === undefined) continue;
          const used = new Set<string>();
          for (const other of node.pods.values())
            for (const volume of driversOf(other.pod, caches).get(name) ?? []) used.add(volume);
          const all = new Set([...used, ...more]);
          if (all.size > used.size && all.size > allocatable.count)
            return resolvable('NodeVolumeLimits', 'node(s) exceed max volume count');
        }
        return undefined;
      },
    };
  },
  mayHelp: (_pod, { kind }) => kind === 'volumes-changed' || kind === 'pod-gone' || kind === 'node-added',
};

/** Volumes of a pod by their CSI driver; claims not yet bound count by their class's provisioner. */
function driversOf(pod: Pod, caches: VolumeCaches): ReadonlyMap<string, readonly string[]> {
  const drivers = new Map<string, string[]>();
  for (const name of claimNames(pod)) {
    const claim = caches.claims.get(`${pod.metadata.namespace}/${name}`);
    if (claim === undefined) continue;
    const volume = caches.volumes.get(claim.spec.volumeName ?? '');
    const driver =
      volume === undefined
        ? caches.classes.get(claim.spec.storageClassName ?? '')?.provisioner
        : volume.spec.csi?.driver;
    if (driver === undefined) continue;
    const handle = volume?.spec.csi?.volumeHandle ?? `${claim.metadata.namespace}/${name}`;
    drivers.set(driver, [...(drivers.get(driver) ?? []), handle]);
  }
  return drivers;
}
