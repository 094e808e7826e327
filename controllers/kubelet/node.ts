/** The Node objects that simulated kubelets register, and the parts of their status they keep current. */
import type { Draft } from '../../api/machinery/client.ts';
import { formatTime } from '../../api/machinery/clock.ts';
import type { ContainerImage, Node, NodeCondition, NodeStatus } from '../../openapi/generated/core-v1.ts';
import { hex64, imageId, imageSizeBytes, type ImageReference } from './images.ts';

export const NODE_HEARTBEAT_MS = 300_000;
export const LEASE_RENEW_MS = 10_000;
export const LEASE_DURATION_SECONDS = 40;
const IMAGES_MAX = 50;
const FIRST_POD_RANGE = 244;

/** Name of the n-th simulated node, counted from 1. */
export function nodeName(index: number): string {
  return `node-${index}`;
}

/** Address of the n-th node: 192.168.x.y, from 192.168.0.11 on. */
export function nodeIP(index: number): string {
  const host = index + 10;
  return `192.168.${Math.floor(host / 256)}.${host % 256}`;
}

/** Pod network of the n-th node: a /24 of 10.244.0.0/16, then of the ranges behind it, then of those from 10.0.0.0 on. */
export function podCIDR(index: number): string {
  const range = (FIRST_POD_RANGE + Math.floor((index - 1) / 256)) % 256;
  return `10.${range}.${(index - 1) % 256}.0/24`;
}

/** What a kubelet sends to register its node. */
export function newNode(index: number): Draft<Node> {
  const name = nodeName(index);
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
    spec: { podCIDR: podCIDR(index), podCIDRs: [podCIDR(index)], providerID: `kubemu://${name}` },
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
  node: { readonly index: number; readonly uid: string; readonly images: readonly ImageReference[] },
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
      { type: 'InternalIP', address: nodeIP(node.index) },
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
