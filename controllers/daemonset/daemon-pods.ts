/** The pods of a daemon set by node, and which of them are of the present template. */
import { isPodTerminal } from '../../api/groups/core/pod-phase.ts';
import { controllerReference } from '../../api/machinery/object-meta.ts';
import type { DaemonSet } from '../../openapi/generated/apps-v1.ts';
import type { Pod } from '../../openapi/generated/core-v1.ts';
import { isPodAvailable, podFromTemplate, type PodDraft } from '../runtime/pods.ts';
import { daemonTolerations, nodeAffinityTo, targetNode } from './placement.ts';

export const DAEMON_SET_GVK = { apiVersion: 'apps/v1', kind: 'DaemonSet' };
export const HASH_LABEL = 'controller-revision-hash';
const GENERATION_LABEL = 'pod-template-generation';
const GENERATION_ANNOTATION = 'deprecated.daemonset.template.generation';

/** What one look at a daemon set goes by. */
export interface View {
  readonly set: DaemonSet;
  /** Hash of the present template. */
  readonly hash: string;
  /** Pods by the node they are on or meant for, the oldest first, those on their node before. */
  readonly byNode: ReadonlyMap<string, readonly Pod[]>;
  readonly nowMs: number;
}

export function groupByNode(pods: readonly Pod[]): Map<string, Pod[]> {
  const byNode = new Map<string, Pod[]>();
  for (const pod of [...pods].sort(byAge)) {
    const node = targetNode(pod);
    if (node === undefined || (isPodTerminal(pod) && isGoing(pod))) continue;
    const group = byNode.get(node);
    if (group === undefined) byNode.set(node, [pod]);
    else group.push(pod);
  }
  return byNode;
}

function byAge(a: Pod, b: Pod): number {
  const key = ({ metadata, spec }: Pod): string =>
    `${(spec.nodeName ?? '') === '' ? 1 : 0}/${metadata.creationTimestamp}/${metadata.name}`;
  return key(a) < key(b) ? -1 : 1;
}

export function isGoing({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

export function isAvailable(pod: Pod, { set, nowMs }: View): boolean {
  return isPodAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs);
}

/** Of the present template, by its hash or by the number older clients count. */
export function isUpdated({ metadata }: Pod, { set, hash }: View): boolean {
  const generation = set.metadata.annotations?.[GENERATION_ANNOTATION];
  return (
    metadata.labels?.[HASH_LABEL] === hash ||
    (generation !== undefined && metadata.labels?.[GENERATION_LABEL] === generation)
  );
}

/** A pod that only fits one node. */
export function draftPod({ set, hash }: View, node: string): PodDraft {
  const { name, namespace, annotations } = set.metadata;
  const { metadata, spec } = podFromTemplate(
    set.spec.template,
    name!,
    namespace!,
    controllerReference(set, DAEMON_SET_GVK),
  );
  const generation = annotations?.[GENERATION_ANNOTATION];
  return {
    metadata: {
      ...metadata,
      labels: {
        ...metadata.labels,
        ...(generation === undefined ? {} : { [GENERATION_LABEL]: generation }),
        [HASH_LABEL]: hash,
      },
    },
    spec: {
      ...spec,
      affinity: nodeAffinityTo(spec.affinity, node),
      tolerations: daemonTolerations(spec),
    },
  };
}
