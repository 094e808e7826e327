/** The objects of `metrics.k8s.io`, computed from the nodes and pods there are. */
import { nodeMetricsOf, podMetricsOf } from '../api/groups/metrics/usage.ts';
import type { Clock } from '../api/machinery/clock.ts';
import type { UnknownObject } from '../api/machinery/object-meta.ts';
import type { Node, Pod } from '../openapi/generated/core-v1.ts';
import type { ObjectReader } from './admission/reader.ts';
import type { ComputedSources } from './registry/computed.ts';

const PODS = { group: '', resource: 'pods' };
const NODES = { group: '', resource: 'nodes' };

export function metricsSources(reader: ObjectReader, clock: Clock): ComputedSources {
  const allPods = (): Pod[] => reader.list(PODS) as unknown as Pod[];
  const ofPod = (pod: Pod | undefined): UnknownObject | undefined =>
    pod && (podMetricsOf(pod, clock.now()) as UnknownObject | undefined);
  const ofNode = (node: Node | undefined, pods: readonly Pod[]): UnknownObject | undefined =>
    node && (nodeMetricsOf(node, pods, clock.now()) as UnknownObject | undefined);
  const podsOn = (name: string): Pod[] => allPods().filter(({ spec }) => spec.nodeName === name);
  return {
    'pods.metrics.k8s.io': {
      get: (namespace, name) => ofPod(reader.get(PODS, namespace, name) as unknown as Pod | undefined),
      list: (namespace) =>
        allPods()
          .filter(({ metadata }) => namespace === '' || metadata.namespace === namespace)
          .flatMap((pod) => ofPod(pod) ?? []),
    },
    'nodes.metrics.k8s.io': {
      get: (_, name) => ofNode(reader.get(NODES, '', name) as unknown as Node | undefined, podsOn(name)),
      list: () => {
        const byNode = new Map<string, Pod[]>();
        for (const pod of allPods()) {
          const name = pod.spec.nodeName ?? '';
          const group = byNode.get(name);
          if (group === undefined) byNode.set(name, [pod]);
          else group.push(pod);
        }
        const nodes = reader.list(NODES) as unknown as Node[];
        return nodes.flatMap((node) => ofNode(node, byNode.get(node.metadata.name!) ?? []) ?? []);
      },
    },
  };
}
