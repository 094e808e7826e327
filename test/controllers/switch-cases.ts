/** What would become of objects without the controller of a case: nothing. */
import { expect } from 'vitest';
import type { Client, ResourceType } from '../../api/machinery/client.ts';
import type { KubeObject } from '../../api/machinery/object-meta.ts';
import * as apps from '../../openapi/generated/apps-v1.ts';
import { horizontalPodAutoscalers } from '../../openapi/generated/autoscaling-v2.ts';
import { cronJobs, jobs } from '../../openapi/generated/batch-v1.ts';
import { certificateSigningRequests } from '../../openapi/generated/certificates-v1.ts';
import * as core from '../../openapi/generated/core-v1.ts';
import { endpointSlices } from '../../openapi/generated/discovery-v1.ts';
import { podDisruptionBudgets } from '../../openapi/generated/policy-v1.ts';
import { clusterRoles } from '../../openapi/generated/rbac-v1.ts';
import {
  deviceClasses,
  resourceClaims,
  resourceClaimTemplates,
  resourceSlices,
  type Device,
} from '../../openapi/generated/resource-v1.ts';
import { serviceCIDRs } from '../../openapi/generated/networking-v1.ts';
import {
  storageClasses,
  volumeAttachments,
  volumeAttributesClasses,
} from '../../openapi/generated/storage-v1.ts';
import { SIGNED_REQUEST } from '../suites/certificate-requests.ts';

const namespace = 'default';
const labels = { app: 'web' };
const selector = { matchLabels: labels };
const metadata = { name: 'web', namespace, labels };
const podSpec = { containers: [{ name: 'main', image: 'nginx:1.25' }] };
const template = { metadata: { labels }, spec: podSpec };
const workload = { replicas: 2, selector, template };
const ended = {
  spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox', command: ['true'] }] },
};
const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
const claimed = {
  ...podSpec,
  volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'web' } }],
};

const certificateRequest = {
  metadata: { name: 'web' },
  spec: {
    request: Buffer.from(SIGNED_REQUEST).toString('base64'),
    signerName: 'kubernetes.io/kube-apiserver-client',
    usages: ['client auth'],
  },
};

const sliceWith = (device: Device) => ({
  metadata: { name: 'web' },
  spec: {
    driver: 'gpu.example.com',
    pool: { name: 'web', generation: 1, resourceSliceCount: 1 },
    allNodes: true,
    devices: [device],
  },
});

function bootstrapToken(expiration: string): object {
  return {
    metadata: { name: 'bootstrap-token-abcdef', namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    stringData: {
      'token-id': 'abcdef',
      'token-secret': '0123456789abcdef',
      'usage-bootstrap-signing': 'true',
      expiration,
    },
  };
}

export interface SwitchCase {
  /** As --controllers takes it. */
  readonly off: string;
  readonly title: string;
  /** What is made, in this order. */
  readonly make: readonly (readonly [ResourceType<KubeObject>, object])[];
  /** Called once all have done what they want to do. */
  readonly afterwards?: (client: Client) => Promise<unknown>;
  /** How much later is looked. Default 1. */
  readonly hours?: number;
  /** By then the last one made is the very version that was made, unless others write it, too. */
  readonly isWrittenByOthers?: true;
  /** By then there are so many of these in the namespace. */
  readonly counts?: readonly (readonly [ResourceType<KubeObject>, number])[];
  readonly holds?: (client: Client) => Promise<void>;
}

export const SWITCH_CASES: readonly SwitchCase[] = [
  {
    off: 'deployment',
    title: 'a deployment gets no replica set',
    make: [[apps.deployments, { metadata, spec: workload }]],
    counts: [[apps.replicaSets, 0]],
  },
  {
    off: 'replicaset',
    title: 'a replica set gets no pods',
    make: [[apps.replicaSets, { metadata, spec: workload }]],
    counts: [[core.pods, 0]],
  },
  {
    off: 'replicationcontroller',
    title: 'a replication controller gets no pods',
    make: [[core.replicationControllers, { metadata, spec: { ...workload, selector: labels } }]],
    counts: [[core.pods, 0]],
  },
  {
    off: 'statefulset',
    title: 'a stateful set gets no pods',
    make: [[apps.statefulSets, { metadata, spec: { ...workload, serviceName: 'web' } }]],
    counts: [
      [core.pods, 0],
      [apps.controllerRevisions, 0],
    ],
  },
  {
    off: 'daemonset',
    title: 'a daemon set gets no pods',
    make: [[apps.daemonSets, { metadata, spec: { selector, template } }]],
    counts: [
      [core.pods, 0],
      [apps.controllerRevisions, 0],
    ],
  },
  {
    off: 'job',
    title: 'a job gets no pods',
    make: [[jobs, { metadata, spec: { template: ended } }]],
    counts: [[core.pods, 0]],
  },
  {
    off: 'cronjob',
    title: 'a cron job gets no jobs',
    make: [
      [cronJobs, { metadata, spec: { schedule: '* * * * *', jobTemplate: { spec: { template: ended } } } }],
    ],
    counts: [[jobs, 0]],
  },
  {
    off: 'ttl-after-finished',
    title: 'a job that ended stays',
    make: [[jobs, { metadata, spec: { template: ended, ttlSecondsAfterFinished: 1 } }]],
    isWrittenByOthers: true,
    counts: [[jobs, 1]],
  },
  {
    off: 'horizontalpodautoscaling',
    title: 'an autoscaler sizes nothing',
    make: [
      [apps.deployments, { metadata, spec: workload }],
      [
        horizontalPodAutoscalers,
        {
          metadata,
          spec: {
            minReplicas: 3,
            maxReplicas: 5,
            scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
          },
        },
      ],
    ],
    counts: [[core.pods, 2]],
  },
  {
    off: 'disruption',
    title: 'a budget is not counted',
    make: [
      [apps.deployments, { metadata, spec: workload }],
      [podDisruptionBudgets, { metadata, spec: { selector, minAvailable: 1 } }],
    ],
  },
  {
    off: 'endpoint',
    title: 'a service gets no Endpoints',
    make: [[core.services, { metadata, spec: { selector: labels, ports: [{ port: 80 }] } }]],
    counts: [[core.endpoints, 1]], // that of the API server itself
  },
  {
    off: 'endpointslice',
    title: 'a service gets no slices',
    make: [[core.services, { metadata, spec: { selector: labels, ports: [{ port: 80 }] } }]],
    counts: [[endpointSlices, 1]],
  },
  {
    off: 'endpointslicemirroring',
    title: 'Endpoints are not mirrored',
    make: [
      [core.services, { metadata, spec: { ports: [{ port: 80 }] } }],
      [core.endpoints, { metadata, subsets: [{ addresses: [{ ip: '10.1.2.3' }], ports: [{ port: 80 }] }] }],
    ],
    counts: [[endpointSlices, 1]],
  },
  {
    off: 'service-lb-controller',
    title: 'a load balancer gets no address',
    make: [
      [core.services, { metadata, spec: { type: 'LoadBalancer', selector: labels, ports: [{ port: 80 }] } }],
    ],
  },
  {
    off: 'persistentvolume-binder',
    title: 'a claim is not bound',
    make: [
      [
        core.persistentVolumes,
        {
          metadata: { name: 'web' },
          spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/data' } },
        },
      ],
      [core.persistentVolumeClaims, { metadata, spec: { ...claim, storageClassName: '' } }],
    ],
  },
  {
    off: 'simulated-volume-provisioner',
    title: 'a claim gets no volume',
    make: [
      [
        storageClasses,
        { metadata: { name: 'now' }, provisioner: 'csi.kubemu.io', volumeBindingMode: 'Immediate' },
      ],
      [core.persistentVolumeClaims, { metadata, spec: { ...claim, storageClassName: 'now' } }],
    ],
    isWrittenByOthers: true,
    counts: [[core.persistentVolumes, 0]],
  },
  {
    off: 'attachdetach',
    title: 'a volume is not attached',
    make: [
      [core.persistentVolumeClaims, { metadata, spec: claim }],
      [core.pods, { metadata, spec: claimed }],
    ],
    isWrittenByOthers: true,
    counts: [[volumeAttachments, 0]],
  },
  {
    off: 'ephemeral-volume',
    title: 'an ephemeral volume gets no claim',
    make: [
      [
        core.pods,
        {
          metadata,
          spec: {
            ...podSpec,
            volumes: [{ name: 'data', ephemeral: { volumeClaimTemplate: { spec: claim } } }],
          },
        },
      ],
    ],
    isWrittenByOthers: true,
    counts: [[core.persistentVolumeClaims, 0]],
  },
  {
    off: 'pvc-protection',
    title: 'a claim that is deleted keeps its finalizer',
    make: [[core.persistentVolumeClaims, { metadata, spec: { ...claim, storageClassName: 'none' } }]],
    afterwards: (client) => client.delete(core.persistentVolumeClaims, { namespace, name: 'web' }),
    isWrittenByOthers: true,
    counts: [[core.persistentVolumeClaims, 1]],
  },
  {
    off: 'pv-protection',
    title: 'a volume that is deleted keeps its finalizer',
    make: [
      [
        core.persistentVolumes,
        {
          metadata: { name: 'web' },
          spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/data' } },
        },
      ],
    ],
    afterwards: (client) => client.delete(core.persistentVolumes, { name: 'web' }),
    isWrittenByOthers: true,
    counts: [[core.persistentVolumes, 1]],
  },
  {
    off: 'garbagecollector',
    title: 'what a deployment owned outlives it',
    make: [[apps.deployments, { metadata, spec: workload }]],
    afterwards: (client) =>
      client.delete(apps.deployments, { namespace, name: 'web' }, { propagationPolicy: 'Background' }),
    isWrittenByOthers: true,
    counts: [
      [apps.deployments, 0],
      [apps.replicaSets, 1],
      [core.pods, 2],
    ],
  },
  {
    off: 'namespace',
    title: 'a namespace that is deleted keeps what is in it',
    make: [
      [core.namespaces, { metadata: { name: 'going' } }],
      [core.configMaps, { metadata: { name: 'web', namespace: 'going' }, data: { a: '1' } }],
    ],
    afterwards: (client) => client.delete(core.namespaces, { name: 'going' }),
  },
  {
    off: 'podgc',
    title: 'a pod of a node that never was stays',
    make: [[core.pods, { metadata, spec: { ...podSpec, nodeName: 'nowhere' } }]],
  },
  {
    off: 'taint-eviction-controller',
    title: 'a pod stays on a node that does not want it',
    make: [[core.pods, { metadata, spec: podSpec }]],
    afterwards: (client) =>
      client.patch(
        core.nodes,
        { name: 'node-1' },
        { type: 'merge', body: { spec: { taints: [{ key: 'ill', effect: 'NoExecute' }] } } },
      ),
    isWrittenByOthers: true,
    counts: [[core.pods, 1]],
  },
  {
    off: 'nodelifecycle',
    title: 'a silent node is not noticed',
    make: [[core.nodes, { metadata: { name: 'paper' } }]],
    isWrittenByOthers: true,
    holds: async (client) => {
      const { status } = await client.get(core.nodes, { name: 'paper' });
      expect(status.conditions).toBeUndefined();
    },
  },
  {
    off: 'nodeipam',
    title: 'a node gets no network',
    make: [[core.nodes, { metadata: { name: 'paper' } }]],
    isWrittenByOthers: true,
    holds: async (client) => {
      const { spec } = await client.get(core.nodes, { name: 'paper' });
      expect(spec.podCIDRs).toBeUndefined();
    },
  },
  {
    off: 'ttl',
    title: 'a node is not told how long it may cache',
    make: [[core.nodes, { metadata: { name: 'paper' } }]],
    isWrittenByOthers: true,
    holds: async (client) => {
      const { metadata } = await client.get(core.nodes, { name: 'paper' });
      expect(metadata.annotations).toBeUndefined();
    },
  },
  {
    off: 'bootstrapsigner',
    title: 'cluster-info is not signed',
    make: [
      [core.secrets, bootstrapToken('2100-01-01T00:00:00Z')],
      [
        core.configMaps,
        { metadata: { name: 'cluster-info', namespace: 'kube-public' }, data: { kubeconfig: '' } },
      ],
    ],
  },
  {
    off: 'tokencleaner',
    title: 'a bootstrap token that is over stays',
    make: [[core.secrets, bootstrapToken('2000-01-01T00:00:00Z')]],
  },
  {
    off: 'volumeattributesclass-protection-controller',
    title: 'a class of volume attributes is not kept',
    make: [
      [
        volumeAttributesClasses,
        { metadata: { name: 'fast' }, driverName: 'csi.example.com', parameters: { iops: '1' } },
      ],
    ],
  },
  {
    off: 'persistentvolume-expander',
    title: 'nothing is said of a claim that wants to grow',
    make: [
      [core.persistentVolumeClaims, { metadata, spec: claim }],
      [core.pods, { metadata, spec: claimed }],
    ],
    afterwards: (client) => {
      const body = { spec: { resources: { requests: { storage: '2Gi' } } } };
      return client.patch(core.persistentVolumeClaims, metadata, { type: 'merge', body });
    },
    isWrittenByOthers: true,
    holds: async (client) => {
      const { items } = await client.list(core.events, { namespace });
      expect(items.filter(({ reason }) => reason === 'ExternalExpanding')).toEqual([]);
    },
  },
  {
    off: 'resourcequota',
    title: 'what is used of a quota is not counted',
    make: [[core.resourceQuotas, { metadata, spec: { hard: { pods: '5' } } }]],
  },
  {
    off: 'clusterrole-aggregation',
    title: 'a cluster role is not put together',
    make: [
      [
        clusterRoles,
        {
          metadata: { name: 'sum' },
          aggregationRule: {
            clusterRoleSelectors: [{ matchLabels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' } }],
          },
          rules: [],
        },
      ],
    ],
  },
  {
    off: 'serviceaccount-token',
    title: 'a secret gets no token',
    make: [
      [
        core.secrets,
        {
          metadata: { ...metadata, annotations: { 'kubernetes.io/service-account.name': 'default' } },
          type: 'kubernetes.io/service-account-token',
        },
      ],
    ],
  },
  {
    off: 'serviceaccount',
    title: 'a namespace gets no service account',
    make: [[core.namespaces, { metadata: { name: 'new' } }]],
    counts: [[core.serviceAccounts, 0]],
  },
  {
    off: 'root-ca-cert-publisher',
    title: 'no namespace gets the certificate of the cluster',
    make: [[core.namespaces, { metadata: { name: 'new' } }]],
    counts: [[core.configMaps, 0]],
  },
  {
    off: 'csrsigning',
    title: 'a request for a certificate stays unsigned',
    make: [[certificateSigningRequests, certificateRequest]],
    afterwards: (client) => approve(client),
    isWrittenByOthers: true,
    holds: async (client) => {
      const { status } = await client.get(certificateSigningRequests, { name: 'web' });
      expect(status.certificate).toBeUndefined();
    },
  },
  {
    off: 'csrcleaner',
    title: 'a request for a certificate stays',
    make: [[certificateSigningRequests, certificateRequest]],
    afterwards: (client) => approve(client),
    hours: 2,
    isWrittenByOthers: true,
    counts: [[certificateSigningRequests, 1]],
  },
  {
    off: 'service-cidr-controller',
    title: 'a range of addresses gets no finalizer and no condition',
    make: [[serviceCIDRs, { metadata: { name: 'more' }, spec: { cidrs: ['10.200.0.0/24'] } }]],
  },
  {
    off: 'resourceclaim-controller',
    title: 'a template makes no claim',
    make: [
      [
        resourceClaimTemplates,
        {
          metadata,
          spec: { spec: { devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu' } }] } } },
        },
      ],
      [
        core.pods,
        {
          metadata,
          spec: { ...podSpec, resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'web' }] },
        },
      ],
    ],
    isWrittenByOthers: true,
    counts: [[resourceClaims, 0]],
  },
  {
    off: 'device-taint-eviction-controller',
    title: 'a pod stays on a device that is no good',
    make: [
      [deviceClasses, { metadata: { name: 'gpu' }, spec: {} }],
      [
        resourceClaims,
        { metadata, spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu' } }] } } },
      ],
      [resourceSlices, sliceWith({ name: 'a' })],
      [
        core.pods,
        { metadata, spec: { ...podSpec, resourceClaims: [{ name: 'gpu', resourceClaimName: 'web' }] } },
      ],
    ],
    afterwards: async (client) => {
      const slice = await client.get(resourceSlices, { name: 'web' });
      const taints = [{ key: 'ill', effect: 'NoExecute' }];
      await client.update(resourceSlices, {
        ...slice,
        ...sliceWith({ name: 'a', taints }),
        metadata: slice.metadata,
      });
    },
    isWrittenByOthers: true,
    counts: [[core.pods, 1]],
  },
];

async function approve(client: Client): Promise<void> {
  const conditions = [{ type: 'Approved', status: 'True', reason: 'Test', message: 'fine' }];
  const body = { status: { conditions } };
  await client.patch(
    certificateSigningRequests,
    { name: 'web' },
    { type: 'merge', body },
    { subresource: 'approval' },
  );
}
