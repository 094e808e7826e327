/** On which nodes a daemon set runs, and what ties a pod to one of them. Mirrors daemon/util/daemonset_util.go. */
import { equalJSON } from '../../api/machinery/equality.ts';
import type { DaemonSet } from '../../openapi/generated/apps-v1.ts';
import type { Node, Pod, PodSpec, Toleration } from '../../openapi/generated/core-v1.ts';
import { matchesNodeSelector, tolerates } from '../scheduler/plugins/node.ts';

const NODE_NAME_FIELD = 'metadata.name';

function toleration(name: string, effect: 'NoExecute' | 'NoSchedule'): Toleration {
  return { key: `node.kubernetes.io/${name}`, operator: 'Exists', effect };
}

/** Trouble of a node that daemons stay through. */
const TOLERATIONS: readonly Toleration[] = [
  toleration('not-ready', 'NoExecute'),
  toleration('unreachable', 'NoExecute'),
  toleration('disk-pressure', 'NoSchedule'),
  toleration('memory-pressure', 'NoSchedule'),
  toleration('pid-pressure', 'NoSchedule'),
  toleration('unschedulable', 'NoSchedule'),
];

/** The tolerations of a template with those every daemon has; ones without end take the place of ones with. */
export function daemonTolerations({ tolerations = [], hostNetwork }: PodSpec): Toleration[] {
  const all = [...tolerations];
  const wanted =
    hostNetwork === true ? [...TOLERATIONS, toleration('network-unavailable', 'NoSchedule')] : TOLERATIONS;
  for (const added of wanted) {
    const index = all.findIndex(({ tolerationSeconds: _seconds, ...rest }) => equalJSON(rest, added));
    if (index < 0) all.push(added);
    else all[index] = added;
  }
  return all;
}

/** The affinity of a template narrowed to one node. */
export function nodeAffinityTo(affinity: PodSpec['affinity'], node: string): PodSpec['affinity'] {
  const nodeSelectorTerms = [{ matchFields: [{ key: NODE_NAME_FIELD, operator: 'In', values: [node] }] }];
  const requiredDuringSchedulingIgnoredDuringExecution = { nodeSelectorTerms };
  return {
    ...affinity,
    nodeAffinity: { ...affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution },
  };
}

/** The node a pod is on or meant for; undefined when it is for none. */
export function targetNode({ spec }: Pod): string | undefined {
  if ((spec.nodeName ?? '') !== '') return spec.nodeName;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const field = (required?.nodeSelectorTerms ?? [])
    .flatMap(({ matchFields = [] }) => matchFields)
    .find(({ key, operator }) => key === NODE_NAME_FIELD && operator === 'In');
  return field?.values?.length === 1 ? field.values[0] : undefined;
}

export interface Verdict {
  /** A pod may be put there. */
  readonly shouldRun: boolean;
  /** One that is there may stay. */
  readonly mayStay: boolean;
}

const NO: Verdict = { shouldRun: false, mayStay: false };

/** What a daemon set wants with a node. Mirrors NodeShouldRunDaemonPod. */
export function judgeNode({ spec: { template } }: DaemonSet, node: Node): Verdict {
  const { spec = { containers: [] } } = template;
  if ((spec.nodeName ?? '') !== '' && spec.nodeName !== node.metadata.name) return NO;
  if (!matchesNodeSelector({ metadata: {}, spec, status: {} }, node)) return NO;
  const tolerations = daemonTolerations(spec);
  const untolerated = (node.spec.taints ?? []).filter(
    (taint) => taint.effect !== 'PreferNoSchedule' && !tolerates(tolerations, taint),
  );
  return {
    shouldRun: untolerated.length === 0,
    mayStay: untolerated.every(({ effect }) => effect !== 'NoExecute'),
  };
}

/** Verdicts remembered until the set or the node changes: a look at a set costs little for nodes that stay as they are. */
export class Placement {
  readonly #verdicts = new Map<
    string,
    { readonly generation: number; readonly byNode: WeakMap<Node, Verdict> }
  >();

  judge(set: DaemonSet, node: Node): Verdict {
    const { uid = '', generation = 0 } = set.metadata;
    let known = this.#verdicts.get(uid);
    if (known?.generation !== generation)
      this.#verdicts.set(uid, (known = { generation, byNode: new WeakMap() }));
    let verdict = known.byNode.get(node);
    if (verdict === undefined) known.byNode.set(node, (verdict = judgeNode(set, node)));
    return verdict;
  }

  /** The set is gone. */
  forget({ metadata }: DaemonSet): void {
    this.#verdicts.delete(metadata.uid!);
  }
}
