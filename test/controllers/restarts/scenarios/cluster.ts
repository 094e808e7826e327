import { expect } from 'vitest';
import { formatTime } from '../../../../api/machinery/clock.ts';
import { deployments, replicaSets } from '../../../../openapi/generated/apps-v1.ts';
import { certificateSigningRequests } from '../../../../openapi/generated/certificates-v1.ts';
import {
  configMaps,
  namespaces,
  nodes,
  pods,
  resourceQuotas,
  secrets,
  serviceAccounts,
} from '../../../../openapi/generated/core-v1.ts';
import { clusterRoles } from '../../../../openapi/generated/rbac-v1.ts';
import {
  deviceClasses,
  resourceClaims,
  resourceClaimTemplates,
  resourceSlices,
  type DeviceTaint,
} from '../../../../openapi/generated/resource-v1.ts';
import { priorityClasses } from '../../../../openapi/generated/scheduling-v1.ts';
import { certificateRequest } from '../../../suites/certificate-requests.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { edit, expectCount, expectStatus, template, workload } from './objects.ts';

const inOther = { namespace: 'other' };

const oneGpu = { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu' } }] };

/** Two devices, the first with taints. */
const gpus = (taints?: DeviceTaint[]) => ({
  driver: 'gpu.example.com',
  pool: { name: 'gpus', generation: 1, resourceSliceCount: 1 },
  allNodes: true,
  devices: [{ name: 'a', taints }, { name: 'b' }],
});

export const CLUSTER: readonly Scenario[] = [
  {
    name: 'dependents go in the background, in the foreground, and stay behind as orphans',
    of: ['garbage-collector-controller'],
    steps: [
      async (stage) => {
        for (const name of ['a', 'b', 'c']) await stage.make(replicaSets, name, workload(name, 2));
      },
      (stage) => stage.remove(replicaSets, 'a', { propagationPolicy: 'Background' }),
      (stage) => stage.remove(replicaSets, 'b', { propagationPolicy: 'Foreground' }),
      (stage) => stage.remove(replicaSets, 'c', { propagationPolicy: 'Orphan' }),
    ],
    check: async (stage) => {
      await expectCount(stage, replicaSets, 0);
      expect((await stage.pods()).map(({ metadata }) => metadata.labels)).toEqual([
        { app: 'c' },
        { app: 'c' },
      ]);
    },
  },
  {
    name: 'owners of config maps: one that blocks, one that is gone, one in vain',
    of: ['garbage-collector-controller'],
    steps: [
      async (stage) => {
        await stage.make(configMaps, 'root', {});
        const { uid } = (await stage.get(configMaps, 'root')).metadata;
        const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'root', uid };
        await stage.make(configMaps, 'child', {
          metadata: { ownerReferences: [{ ...owner, blockOwnerDeletion: true }], finalizers: ['x.io/y'] },
        });
        await stage.make(configMaps, 'lost', { metadata: { ownerReferences: [{ ...owner, uid: 'gone' }] } });
      },
      (stage) => stage.remove(configMaps, 'root', { propagationPolicy: 'Foreground' }),
      (stage) => stage.change(configMaps, 'child', ({ metadata }) => void (metadata.finalizers = undefined)),
    ],
    check: (stage) => expectCount(stage, configMaps, 1),
  },
  {
    name: 'a namespace gets what every one has, and goes with all that is in it',
    of: [
      'namespace-controller',
      'serviceaccount-controller',
      'serviceaccount-token-controller',
      'root-ca-certificate-publisher-controller',
    ],
    steps: [
      (stage) => stage.make(namespaces, 'other', {}),
      (stage) => stage.make(namespaces, 'kept', {}),
      async (stage) => {
        await stage.make(deployments, 'web', { metadata: inOther, ...workload('web', 2) });
        await stage.make(configMaps, 'held', { metadata: { ...inOther, finalizers: ['x.io/y'] } });
      },
      (stage) => stage.remove(namespaces, 'other'),
      async (stage) =>
        stage.client.patch(
          configMaps,
          { namespace: 'other', name: 'held' },
          { type: 'merge', body: { metadata: { finalizers: null } } },
        ),
    ],
    check: async (stage) => {
      const { items } = await stage.client.list(namespaces);
      expect(items.map(({ metadata }) => metadata.name)).toEqual([
        'default',
        'kept',
        'kube-node-lease',
        'kube-public',
        'kube-system',
      ]);
    },
  },
  {
    name: 'a token comes and goes with its account',
    of: [
      'serviceaccount-token-controller',
      'serviceaccount-controller',
      'root-ca-certificate-publisher-controller',
    ],
    steps: [
      (stage) => stage.make(serviceAccounts, 'robot', {}),
      async (stage) => {
        for (const account of ['robot', 'default'])
          await stage.make(secrets, account, {
            metadata: { annotations: { 'kubernetes.io/service-account.name': account } },
            type: 'kubernetes.io/service-account-token',
          });
      },
      (stage) => stage.remove(serviceAccounts, 'robot'),
      (stage) => stage.remove(configMaps, 'kube-root-ca.crt'),
    ],
    check: async (stage) => {
      const left = await stage.list(secrets);
      expect(left.map(({ metadata, data }) => [metadata.name, Object.keys(data ?? {}).sort()])).toEqual([
        ['default', ['ca.crt', 'namespace', 'token']],
      ]);
      await expectCount(stage, configMaps, 1);
    },
  },
  {
    name: 'a bootstrap token signs what nodes are told of the cluster, for a while',
    of: ['bootstrap-signer-controller', 'token-cleaner-controller'],
    steps: [
      async (stage) => {
        for (const [id, minutes] of [
          ['abcdef', 2],
          ['ghijkl', 1000],
        ] as const)
          await stage.make(secrets, `bootstrap-token-${id}`, {
            metadata: { namespace: 'kube-system' },
            type: 'bootstrap.kubernetes.io/token',
            stringData: {
              'token-id': id,
              'token-secret': '0123456789abcdef',
              'usage-bootstrap-signing': 'true',
              expiration: formatTime(stage.clock.now() + minutes * 60_000),
            },
          });
      },
      (stage) =>
        stage.make(configMaps, 'cluster-info', {
          metadata: { namespace: 'kube-public' },
          data: { kubeconfig: 'apiVersion: v1' },
        }),
      (stage) => stage.advance(60_000),
    ],
    check: async (stage) => {
      const info = { namespace: 'kube-public', name: 'cluster-info' };
      const { data } = await stage.client.get(configMaps, info);
      expect(Object.keys(data!)).toEqual(['jws-kubeconfig-ghijkl', 'kubeconfig']);
    },
  },
  {
    name: 'nodes that come by themselves are given networks and times',
    of: ['node-ipam-controller', 'ttl-controller'],
    steps: [
      async (stage) => {
        for (const name of ['a', 'b']) await stage.make(nodes, name, {});
      },
      (stage) => stage.remove(nodes, 'a'),
      (stage) => stage.make(nodes, 'c', {}),
    ],
    check: async (stage) => {
      const { items } = await stage.client.list(nodes);
      expect(new Set(items.map(({ spec }) => spec.podCIDR)).size).toBe(3);
      expect(items.map(({ metadata }) => metadata.annotations?.['node.alpha.kubernetes.io/ttl'])).toEqual([
        '0',
        '0',
        '0',
      ]);
    },
  },
  {
    name: 'a node falls silent, its pods are told to go, and it is removed',
    of: ['node-lifecycle-controller', 'taint-eviction-controller', 'pod-garbage-collector-controller'],
    steps: [
      ghost,
      (stage) => stage.make(pods, 'lost', template('lost', 'nginx:1', { nodeName: 'ghost' })),
      (stage) =>
        stage.make(pods, 'patient', {
          ...template('patient', 'nginx:1', { nodeName: 'ghost', tolerations: [{ operator: 'Exists' }] }),
        }),
      (stage) => stage.advance(400_000),
      (stage) => stage.remove(nodes, 'ghost'),
    ],
    check: (stage) => expectCount(stage, pods, 0),
  },
  {
    name: 'a taint evicts who does not tolerate it, and who does for a while',
    of: ['taint-eviction-controller'],
    steps: [
      (stage) => stage.make(pods, 'frail', template('frail')),
      (stage) =>
        stage.make(pods, 'tough', template('tough', 'nginx:1', { tolerations: [{ operator: 'Exists' }] })),
      (stage) =>
        stage.make(
          pods,
          'brief',
          template('brief', 'nginx:1', {
            tolerations: [{ key: 'ill', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 90 }],
          }),
        ),
      (stage) => taint(stage, [{ key: 'ill', effect: 'NoExecute' }]),
      (stage) => stage.advance(60_000),
    ],
    check: async (stage) => {
      expect((await stage.pods()).map(({ metadata }) => metadata.name)).toEqual(['tough']);
    },
  },
  {
    name: 'a quota counts what comes and what goes',
    of: ['resourcequota-controller'],
    steps: [
      (stage) =>
        stage.make(resourceQuotas, 'all', {
          spec: { hard: { pods: '3', 'count/deployments.apps': '2', 'count/configmaps': '10' } },
        }),
      (stage) => stage.make(deployments, 'web', workload('web', 5)),
      edit(resourceQuotas, 'all', { hard: { pods: '4', 'count/deployments.apps': '2' } }),
      edit(deployments, 'web', { replicas: 2 }),
    ],
    check: (stage) =>
      expectStatus(stage, resourceQuotas, 'all', { used: { pods: '2', 'count/deployments.apps': '1' } }),
  },
  {
    name: 'a cluster role has the rules of those it selects',
    of: ['clusterrole-aggregation-controller'],
    steps: [
      (stage) =>
        stage.make(clusterRoles, 'all', {
          aggregationRule: { clusterRoleSelectors: [{ matchLabels: { part: 'yes' } }] },
          rules: [],
        }),
      ...['pods', 'services'].map(
        (resource) => (stage: Stage) =>
          stage.make(clusterRoles, resource, {
            metadata: { labels: { part: 'yes' } },
            rules: [{ apiGroups: [''], resources: [resource], verbs: ['get'] }],
          }),
      ),
      (stage) => stage.remove(clusterRoles, 'pods'),
    ],
    check: async (stage) => {
      const { rules } = await stage.client.get(clusterRoles, { name: 'all' });
      expect(rules!.flatMap(({ resources }) => resources)).toEqual(['services']);
    },
  },
  {
    name: 'a node asks for a certificate, which is approved, signed and cleared away',
    of: [
      'certificatesigningrequest-approving-controller',
      'certificatesigningrequest-signing-controller',
      'certificatesigningrequest-cleaner-controller',
    ],
    steps: [
      (stage) => requestCertificate(stage, 'early'),
      (stage) => stage.advance(3_200_000),
      (stage) => requestCertificate(stage, 'later'),
    ],
    check: async (stage) => {
      const { items } = await stage.client.list(certificateSigningRequests);
      expect(items.map(({ metadata, status }) => [metadata.name, status?.certificate !== undefined])).toEqual(
        [['later', true]],
      );
    },
  },
  {
    name: 'claims for devices are made from templates and freed',
    of: ['resourceclaim-controller'],
    steps: [
      (stage) =>
        stage.make(resourceClaimTemplates, 'gpus', {
          spec: {
            spec: {
              devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu.example.com' } }] },
            },
          },
        }),
      async (stage) => {
        for (const name of ['one', 'two'])
          await stage.make(
            pods,
            name,
            template(name, 'nginx:1', {
              resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'gpus' }],
            }),
          );
      },
      (stage) => stage.remove(pods, 'one', { gracePeriodSeconds: 0 }),
    ],
    check: (stage) => expectCount(stage, resourceClaims, 1),
  },
  {
    name: 'devices are given to claims, taken back and left when they are no good',
    of: ['device-taint-eviction-controller', 'scheduler', 'resourceclaim-controller'],
    // A claim that lost its allocation keeps the finalizer when taking that off fails, as upstream: only its deletion
    // brings the controller to it again, since a claim with the finalizer alone may be about to be allocated.
    mayDiffer: /^resourceclaims default shared #1\.metadata\.finalizers/,
    steps: [
      (stage) => stage.make(deviceClasses, 'gpu', { spec: {} }),
      (stage) => stage.make(resourceSlices, 'gpus', { spec: gpus() }),
      (stage) => stage.make(resourceClaims, 'shared', { spec: { devices: oneGpu } }),
      (stage) => stage.make(resourceClaimTemplates, 'own', { spec: { spec: { devices: oneGpu } } }),
      (stage) =>
        stage.make(
          pods,
          'sharing',
          template('sharing', 'nginx:1', {
            resourceClaims: [{ name: 'gpu', resourceClaimName: 'shared' }],
          }),
        ),
      (stage) =>
        stage.make(
          pods,
          'owning',
          template('owning', 'nginx:1', {
            resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'own' }],
          }),
        ),
      (stage) =>
        stage.change(resourceSlices, 'gpus', (slice) => {
          slice.spec = gpus([{ key: 'ill', effect: 'NoExecute' }]);
        }),
      (stage) => stage.advance(60_000),
    ],
    check: async (stage) => {
      expect((await stage.pods()).map(({ metadata }) => metadata.name)).toEqual(['owning']);
      await expectCount(stage, resourceClaims, 2);
    },
  },
  {
    name: 'a pod of higher priority takes the place of others',
    of: ['scheduler', 'kubelet'],
    steps: [
      (stage) => stage.make(priorityClasses, 'high', { value: 1000 }),
      async (stage) => {
        await stage.make(replicaSets, 'large', {
          spec: { replicas: 3, selector: { matchLabels: { app: 'large' } }, template: large('large') },
        });
      },
      (stage) => stage.make(pods, 'urgent', large('urgent', { priorityClassName: 'high' })),
      (stage) => stage.make(pods, 'held', large('held', { schedulingGates: [{ name: 'x.io/y' }] })),
      (stage) => stage.change(pods, 'held', ({ spec }) => void (spec.schedulingGates = undefined)),
    ],
    check: async (stage) => {
      const running = (await stage.pods()).filter(({ status }) => status.phase === 'Running');
      expect(running).toHaveLength(2);
      expect(running.map(({ metadata }) => metadata.name)).toContain('urgent');
    },
  },
  {
    name: 'pods that crash, end, cannot be pulled and lack what they mount',
    of: ['kubelet'],
    stepMs: 130_000,
    steps: [
      async (stage) => {
        await stage.make(pods, 'crashing', template('crashing', 'busybox:1', {}, { command: ['false'] }));
        await stage.make(
          pods,
          'ending',
          template('ending', 'busybox:1', { restartPolicy: 'Never' }, { command: ['sleep', '30'] }),
        );
        await stage.make(pods, 'unknown', template('unknown', 'nginx:not-found'));
        await stage.make(
          pods,
          'waiting',
          template('waiting', 'nginx:1', { volumes: [{ name: 'v', configMap: { name: 'late' } }] }),
        );
        await stage.make(
          pods,
          'staged',
          template('staged', 'nginx:1', {
            initContainers: [
              { name: 'first', image: 'busybox:1', command: ['sleep', '5'] },
              { name: 'side', image: 'nginx:1', restartPolicy: 'Always' },
            ],
          }),
        );
      },
      (stage) => stage.make(configMaps, 'late', { data: { a: 'b' } }),
      (stage) => stage.remove(pods, 'crashing'),
    ],
    check: async (stage) => {
      const phases = (await stage.pods()).map(({ metadata, status }) => [metadata.name, status.phase]);
      expect(phases).toEqual([
        ['ending', 'Succeeded'],
        ['staged', 'Running'],
        ['unknown', 'Pending'],
        ['waiting', 'Running'],
      ]);
    },
  },
];

function large(name: string, more: object = {}): object {
  return template(name, 'nginx:1', { ...more }, { resources: { requests: { cpu: '3' } } });
}

/** A node that nobody keeps alive. */
async function ghost(stage: Stage): Promise<void> {
  const now = formatTime(stage.clock.now());
  await stage.make(nodes, 'ghost', {});
  const node = await stage.client.get(nodes, { name: 'ghost' });
  const conditions = [
    {
      type: 'Ready',
      status: 'True',
      reason: 'KubeletReady',
      lastHeartbeatTime: now,
      lastTransitionTime: now,
    },
  ];
  await stage.client.update(nodes, { ...node, status: { ...node.status, conditions } } as never, {
    subresource: 'status',
  });
}

async function taint(stage: Stage, taints: readonly object[]): Promise<void> {
  await stage.client.patch(nodes, { name: 'node-1' }, { type: 'merge', body: { spec: { taints } } });
}

/** One for all, so that all runs ask for the same. */
const REQUEST = certificateRequest({
  commonName: 'system:node:node-1',
  organizations: ['system:nodes'],
});

async function requestCertificate(stage: Stage, name: string): Promise<void> {
  await stage.client.as('system:node:node-1').create(certificateSigningRequests, {
    metadata: { name },
    spec: {
      request: Buffer.from(REQUEST).toString('base64'),
      signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
      usages: ['digital signature', 'client auth'],
    },
  } as never);
}
