/** Names, ordinals and volumes that make a pod the n-th of its set. Mirrors statefulset/stateful_set_utils.go. */
import { controllerReference } from '../../api/machinery/object-meta.ts';
import type { ControllerRevision, StatefulSet } from '../../openapi/generated/apps-v1.ts';
import type { PersistentVolumeClaim, Pod } from '../../openapi/generated/core-v1.ts';
import { podFromTemplate, type PodDraft } from '../runtime/pods.ts';
import { templateOf } from '../runtime/revision-history.ts';

export const STATEFUL_SET_GVK = { apiVersion: 'apps/v1', kind: 'StatefulSet' };
const REVISION_LABEL = 'controller-revision-hash';
const POD_NAME_LABEL = 'statefulset.kubernetes.io/pod-name';
const POD_INDEX_LABEL = 'apps.kubernetes.io/pod-index';

/** First and last ordinal the set wants; the last is before the first when it wants none. */
export function ordinalRange({ spec }: StatefulSet): { readonly start: number; readonly end: number } {
  const start = spec.ordinals?.start ?? 0;
  return { start, end: start + (spec.replicas ?? 1) - 1 };
}

export function isInRange(set: StatefulSet, ordinal: number): boolean {
  const { start, end } = ordinalRange(set);
  return ordinal >= start && ordinal <= end;
}

/** The ordinal of a pod by its name; undefined when the name is not one that `set` gives. */
export function ordinalOf(set: StatefulSet, { metadata }: Pod): number | undefined {
  const match = /^(.*)-([0-9]+)$/.exec(metadata.name!);
  return match === null || match[1] !== set.metadata.name ? undefined : Number(match[2]);
}

export function podName(set: StatefulSet, ordinal: number): string {
  return `${set.metadata.name}-${ordinal}`;
}

/** The claims of one ordinal by the name of their template. */
export function claimsOf(set: StatefulSet, ordinal: number): Map<string, PersistentVolumeClaim> {
  const claims = new Map<string, PersistentVolumeClaim>();
  for (const template of set.spec.volumeClaimTemplates ?? []) {
    const { name = '', ...metadata } = template.metadata;
    claims.set(name, {
      ...template,
      metadata: {
        ...metadata,
        name: `${name}-${podName(set, ordinal)}`,
        namespace: set.metadata.namespace,
        labels: { ...metadata.labels, ...set.spec.selector.matchLabels },
      },
    });
  }
  return claims;
}

/** A pod of that ordinal at one revision of the set. */
export function draftPod(set: StatefulSet, revision: ControllerRevision, ordinal: number): PodDraft {
  const { metadata, spec } = podFromTemplate(
    templateOf(revision),
    set.metadata.name!,
    set.metadata.namespace!,
    controllerReference(set, STATEFUL_SET_GVK),
  );
  const name = podName(set, ordinal);
  const { serviceName = '' } = set.spec;
  return {
    metadata: {
      ...metadata,
      name,
      labels: {
        ...metadata.labels,
        ...identityLabels(name, ordinal),
        [REVISION_LABEL]: revision.metadata.name!,
      },
    },
    spec: {
      ...spec,
      hostname: name,
      ...(serviceName === '' ? {} : { subdomain: serviceName }),
      ...withClaims(set, ordinal, spec.volumes),
    },
  };
}

function identityLabels(name: string, ordinal: number): Record<string, string> {
  return { [POD_NAME_LABEL]: name, [POD_INDEX_LABEL]: String(ordinal) };
}

/** Volumes of the claims take the place of others with their names. */
function withClaims(
  set: StatefulSet,
  ordinal: number,
  volumes: Pod['spec']['volumes'] = [],
): Pick<Pod['spec'], 'volumes'> {
  const claims = claimsOf(set, ordinal);
  const own = [...claims].map(([name, claim]) => ({
    name,
    persistentVolumeClaim: { claimName: claim.metadata.name! },
  }));
  const all = [...own, ...volumes.filter(({ name }) => !claims.has(name))];
  return all.length === 0 ? {} : { volumes: all };
}

/** The pod with its labels put right; undefined when they are. */
export function withIdentity(pod: Pod, ordinal: number): Pod | undefined {
  const name = pod.metadata.name!;
  if (pod.metadata.labels?.[POD_NAME_LABEL] === name) return undefined;
  const labels = { ...pod.metadata.labels, ...identityLabels(name, ordinal) };
  return { ...pod, metadata: { ...pod.metadata, labels } };
}

export function revisionOf({ metadata }: Pod): string {
  return metadata.labels?.[REVISION_LABEL] ?? '';
}
