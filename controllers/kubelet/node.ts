/** The Node objects that simulated kubelets register, and the parts of their status they keep current. */
import type { Draft } from '../../api/machinery/client.ts';
import { formatTime } from '../../api/machinery/clock.ts';
import type { ContainerImage, Node, NodeCondition, NodeStatus } from '../../openapi/generated/core-v1.ts';
import {
  familyOf,
  formatPrefix,
  parsePrefix,
  subnetOf,
  type IPFamily,
} from '../../api/groups/common/prefix.ts';
import type { ControllerOptions } from '../runtime/controller.ts';
import { hex64, imageId, imageSizeBytes, type ImageReference } from './images.ts';

export const NODE_HEARTBEAT_MS = 300_000;
export const LEASE_RENEW_MS = 10_000;
export const LEASE_DURATION_SECONDS = 40;
const IMAGES_MAX = 50;
const FIRST_POD_RANGE = 244;
/** Networks of the cluster for pods, where none are set. */
export const POD_NETWORKS = { IPv4: '10.244.0.0/16', IPv6: 'fd00:10:244::/48' } as const;
const NODE_PREFIX_IPV6 = 'fd00:192:168::';

/** Name of the n-th simulated node, counted from 1. */
export function nodeName(index: number): string {
  return `node-${index}`;
}

/** What the network of nodes depends on. */
export type NodeNetwork = Pick<ControllerOptions, 'ipFamilies' | 'clusterCIDRs'>;

function familiesOf({ ipFamilies, clusterCIDRs }: NodeNetwork): readonly IPFamily[] {
  return clusterCIDRs?.map((cidr) => familyOf(cidr.split('/')[0]!)!) ?? ipFamilies;
}

/** Addresses of the n-th node, of each family one: 192.168.x.y, from 192.168.0.11 on, and fd00:192:168::b on. */
export function nodeIPs(index: number, network: NodeNetwork): string[] {
  const host = index + 10;
  return familiesOf(network).map((family) =>
    family === 'IPv4'
      ? `192.168.${Math.floor(host / 256)}.${host % 256}`
      : `${NODE_PREFIX_IPV6}${host.toString(16)}`,
  );
}

/** Pod networks of the n-th node, of each family one: a /24 or /64 of the cluster's. */
export function podCIDRs(index: number, network: NodeNetwork): string[] {
  return familiesOf(network).map((family, place) => {
    const given = network.clusterCIDRs?.[place];
    if (given === undefined && family === 'IPv4') return defaultPodCIDR(index);
    const share = subnetOf(parsePrefix(given ?? POD_NETWORKS.IPv6)!, family === 'IPv4' ? 24 : 64, index - 1);
    if (share === undefined) throw new Error(`${given} has no share for node ${index}`);
    return formatPrefix(share);
  });
}

/** A /24 of 10.244.0.0/16, then of the ranges behind it, then of those from 10.0.0.0 on. */
function defaultPodCIDR(index: number): string {
  const range = (FIRST_POD_RANGE + Math.floor((index - 1) / 256)) % 256;
  return `10.${range}.${(index - 1) % 256}.0/24`;
}

/** What a kubelet sends to register its node. */
export function newNode(index: number, network: NodeNetwork): Draft<Node> {
  const name = nodeName(index);
  const cidrs = podCIDRs(index, network);
  return {
    metadata: {
      name,
      labels: {
        'beta.kubernetes.io/arch': 'amd64',
        'beta.kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
      },
      annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
    },
    spec: { podCIDR: cidrs[0], podCIDRs: cidrs, providerID: `kubemu://${name}` },
  };
}

const CONDITIONS = [
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
] as const;

/** The status a healthy kubelet posts. Transition times of `before` are kept while a condition stays as it was. */
export function nodeStatus(
  before: NodeStatus | undefined,
  node: {
    readonly index: number;
    readonly ips: readonly string[];
    readonly uid: string;
    readonly images: readonly ImageReference[];
  },
  kubernetesVersion: string,
  nowMs: number,
): NodeStatus {
  const now = formatTime(nowMs);
  const conditions = CONDITIONS.map(([type, status, reason, message]): NodeCondition => {
    const old = before?.conditions?.find((condition) => condition.type === type);
    const lastTransitionTime = old?.status === status ? old.lastTransitionTime : now;
    return { type, status, lastHeartbeatTime: now, lastTransitionTime, reason, message };
  });
  const foreign = (before?.conditions ?? []).filter(({ type }) => !CONDITIONS.some(([own]) => own === type));
  const capacity = {
    cpu: '8',
    'ephemeral-storage': '101430960Ki',
    'hugepages-1Gi': '0',
    'hugepages-2Mi': '0',
    memory: '32Gi',
    pods: '110',
  };
  const identity = hex64(node.uid);
  return {
    ...before,
    capacity: before?.capacity ?? capacity,
    allocatable: before?.allocatable ?? before?.capacity ?? capacity,
    conditions: [...foreign, ...conditions],
    addresses: [
      ...node.ips.map((address) => ({ type: 'InternalIP', address })),
      { type: 'Hostname', address: nodeName(node.index) },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    nodeInfo: {
      machineID: identity.slice(0, 32),
      systemUUID: `${identity.slice(32, 40)}-${identity.slice(40, 44)}-${identity.slice(44, 48)}-${identity.slice(48, 52)}-${identity.slice(52, 64)}`,
      bootID: `${identity.slice(0, 8)}-${identity.slice(8, 12)}-${identity.slice(12, 16)}-${identity.slice(16, 20)}-${identity.slice(20, 32)}`,
      kernelVersion: '6.12.0-kubemu',
      osImage: 'kubemu simulated Linux',
      containerRuntimeVersion: 'containerd://2.1.4',
      kubeletVersion: kubernetesVersion,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: 'amd64',
    },
    images: node.images.slice(-IMAGES_MAX).map((reference): ContainerImage => ({
      names: [imageId(reference), reference.name],
      sizeBytes: imageSizeBytes(reference),
    })),
  };
}
