import { describe, expect, it } from 'vitest';
import { defaultTable, scaleTable, tables } from '../../../../api/groups/printing/index.ts';
import type { UnknownObject } from '../../../../api/machinery/object-meta.ts';

const nowMs = Date.UTC(2026, 0, 1, 0, 5, 0);
const metadata = { name: 'x', creationTimestamp: '2026-01-01T00:00:00Z' };

/** Columns as `Name`, with `:type` unless string and `*` when wide. */
const COLUMNS: Readonly<Record<string, string>> = {
  componentstatuses: 'Name, Status, Message, Error',
  configmaps: 'Name, Data, Age',
  endpoints: 'Name, Endpoints, Age',
  events: 'Last Seen, Type, Reason, Object, Subobject*, Source*, Message, First Seen*, Count*, Name*',
  namespaces: 'Name, Status, Age',
  nodes:
    'Name, Status, Roles, Age, Version, Internal-IP*, External-IP*, OS-Image*, Kernel-Version*, Container-Runtime*',
  persistentvolumeclaims:
    'Name, Status, Volume, Capacity, Access Modes, StorageClass, VolumeAttributesClass, Age, VolumeMode*',
  persistentvolumes:
    'Name, Capacity, Access Modes, Reclaim Policy, Status, Claim, StorageClass, VolumeAttributesClass, Reason, Age, VolumeMode*',
  pods: 'Name, Ready, Status, Restarts, Age, IP*, Node*, Nominated Node*, Readiness Gates*',
  podtemplates: 'Name, Containers, Images, Pod Labels',
  replicationcontrollers:
    'Name, Desired:integer, Current:integer, Ready:integer, Age, Containers*, Images*, Selector*',
  resourcequotas: 'Name, Request, Limit, Age',
  secrets: 'Name, Type, Data, Age',
  serviceaccounts: 'Name, Age',
  services: 'Name, Type, Cluster-IP, External-IP, Port(s), Age, Selector*',
  'apiservices.apiregistration.k8s.io': 'Name, Service, Available, Age',
  'controllerrevisions.apps': 'Name, Controller, Revision, Age',
  'daemonsets.apps':
    'Name, Desired:integer, Current:integer, Ready:integer, Up-to-date:integer, Available:integer, Node Selector, Age, Containers*, Images*, Selector*',
  'deployments.apps': 'Name, Ready, Up-to-date, Available, Age, Containers*, Images*, Selector*',
  'replicasets.apps':
    'Name, Desired:integer, Current:integer, Ready:integer, Age, Containers*, Images*, Selector*',
  'statefulsets.apps': 'Name, Ready, Age, Containers*, Images*',
  'events.events.k8s.io':
    'Last Seen, Type, Reason, Object, Subobject*, Source*, Message, First Seen*, Count*, Name*',
  'horizontalpodautoscalers.autoscaling': 'Name, Reference, Targets, MinPods, MaxPods, Replicas, Age',
  'cronjobs.batch':
    'Name, Schedule, Timezone, Suspend:boolean, Active:integer, Last Schedule, Age, Containers*, Images*, Selector*',
  'jobs.batch': 'Name, Status, Completions, Duration, Age, Containers*, Images*, Selector*',
  'certificatesigningrequests.certificates.k8s.io':
    'Name, Age, SignerName, Requestor, RequestedDuration, Condition',
  'ingressclasses.networking.k8s.io': 'Name, Controller, Parameters, Age',
  'ingresses.networking.k8s.io': 'Name, Class, Hosts, Address, Ports, Age',
  'ipaddresses.networking.k8s.io': 'Name, ParentRef',
  'networkpolicies.networking.k8s.io': 'Name, Pod-Selector, Age',
  'servicecidrs.networking.k8s.io': 'Name, CIDRs, Age',
  'poddisruptionbudgets.policy': 'Name, Min Available, Max Unavailable, Allowed Disruptions:integer, Age',
  'clusterrolebindings.rbac.authorization.k8s.io': 'Name, Role, Age, Users*, Groups*, ServiceAccounts*',
  'rolebindings.rbac.authorization.k8s.io': 'Name, Role, Age, Users*, Groups*, ServiceAccounts*',
  'csidrivers.storage.k8s.io':
    'Name, AttachRequired:boolean, PodInfoOnMount:boolean, StorageCapacity:boolean, TokenRequests, RequiresRepublish:boolean, Modes, Age',
  'csinodes.storage.k8s.io': 'Name, Drivers:integer, Age',
  'csistoragecapacities.storage.k8s.io': 'Name, StorageClassName, Capacity',
  'storageclasses.storage.k8s.io':
    'Name, Provisioner, ReclaimPolicy, VolumeBindingMode, AllowVolumeExpansion, Age',
  'volumeattachments.storage.k8s.io': 'Name, Attacher, PV, Node, Attached:boolean, Age',
  'volumeattributesclasses.storage.k8s.io': 'Name, DriverName, Age',
  'mutatingadmissionpolicies.admissionregistration.k8s.io': 'Name, Mutations:integer, ParamKind, Age',
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io': 'Name, PolicyName, ParamRef, Age',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': 'Name, Webhooks:integer, Age',
  'validatingadmissionpolicies.admissionregistration.k8s.io': 'Name, Validations:integer, ParamKind, Age',
  'validatingadmissionpolicybindings.admissionregistration.k8s.io': 'Name, PolicyName, ParamRef, Age',
  'validatingwebhookconfigurations.admissionregistration.k8s.io': 'Name, Webhooks:integer, Age',
  'priorityclasses.scheduling.k8s.io': 'Name, Value:integer, Global-Default:boolean, Age, PreemptionPolicy',
  'leases.coordination.k8s.io': 'Name, Holder, Age',
  'runtimeclasses.node.k8s.io': 'Name, Handler, Age',
  'endpointslices.discovery.k8s.io': 'Name, AddressType, Ports, Endpoints, Age',
  'deviceclasses.resource.k8s.io': 'Name, Age',
  'resourceclaims.resource.k8s.io': 'Name, State, Age',
  'resourceclaimtemplates.resource.k8s.io': 'Name, Age',
  'resourceslices.resource.k8s.io': 'Name, Node, Driver, Pool, Age',
  'flowschemas.flowcontrol.apiserver.k8s.io':
    'Name, PriorityLevel, MatchingPrecedence, DistinguisherMethod, Age, MissingPL',
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io':
    'Name, Type, NominalConcurrencyShares, Queues, HandSize, QueueLengthLimit, Age',
};

describe('columns', () => {
  it('are stated for every table', () => {
    expect(Object.keys(tables).sort()).toEqual(Object.keys(COLUMNS).sort());
  });

  for (const [kind, want] of Object.entries(COLUMNS)) {
    it(`of ${kind}`, () => {
      const columns = tables[kind]!.columns;
      const texts = columns.map(
        ({ name, type, priority }) =>
          `${name}${type === 'string' ? '' : `:${type}`}${priority === 1 ? '*' : ''}`,
      );
      expect(texts.join(', ')).toBe(want);
      expect(columns.find((column) => column.name === 'Name')?.format).toBe('name');
      expect(columns.every((column) => column.description !== '')).toBe(true);
    });
  }
});

const template = {
  metadata: { labels: { a: '1', b: '2' } },
  spec: {
    containers: [
      { name: 'c', image: 'i:1' },
      { name: 'd', image: 'j' },
    ],
    nodeSelector: { os: 'linux' },
  },
};
const selector = { matchLabels: { app: 'x' } };

interface Case {
  readonly kind: string;
  readonly name?: string;
  readonly object: Record<string, unknown>;
  readonly want: unknown[];
}

const service = (spec: object, status: object = { loadBalancer: {} }): Record<string, unknown> => ({
  spec,
  status,
});
const job = (spec: object, status: object, meta: object = {}): Record<string, unknown> => ({
  metadata: { ...metadata, ...meta },
  spec: { template, selector, ...spec },
  status,
});
const condition = (type: string, status = 'True'): object => ({ type, status });
const autoscaler = (metrics: object[], currentMetrics: object[] | null): Record<string, unknown> => ({
  spec: { scaleTargetRef: { kind: 'Deployment', name: 'd' }, maxReplicas: 5, metrics },
  status: { desiredReplicas: 0, currentMetrics },
});
const resource = (target: object): object => ({ type: 'Resource', resource: { name: 'cpu', target } });

const cases: Case[] = [
  {
    kind: 'componentstatuses',
    object: { conditions: [{ type: 'Healthy', status: 'False', message: 'm', error: 'e' }] },
    want: ['x', 'Unhealthy', 'm', 'e'],
  },
  { kind: 'componentstatuses', name: 'unknown', object: {}, want: ['x', 'Unknown', '', ''] },
  { kind: 'configmaps', object: { data: { a: '', b: '' }, binaryData: { c: '' } }, want: ['x', 3, '5m'] },
  { kind: 'configmaps', name: 'empty', object: {}, want: ['x', 0, '5m'] },
  { kind: 'secrets', object: { type: 'Opaque', data: { a: '' } }, want: ['x', 'Opaque', 1, '5m'] },
  { kind: 'serviceaccounts', object: {}, want: ['x', '5m'] },
  { kind: 'namespaces', object: { status: { phase: 'Active' } }, want: ['x', 'Active', '5m'] },
  { kind: 'endpoints', name: 'none', object: {}, want: ['x', '<none>', '5m'] },
  {
    kind: 'endpoints',
    object: {
      subsets: [
        { addresses: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }], ports: [{ port: 80 }, { port: 81 }] },
        { addresses: [{ ip: '10.0.0.3' }] },
      ],
    },
    want: ['x', '10.0.0.1:80,[fd00::1]:80,10.0.0.1:81 + 2 more...', '5m'],
  },
  {
    kind: 'endpoints',
    name: 'none ready',
    object: { subsets: [{ notReadyAddresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] },
    want: ['x', '', '5m'],
  },
  {
    kind: 'endpointslices.discovery.k8s.io',
    object: {
      addressType: 'IPv4',
      ports: [{ port: 80 }, { name: 'n' }, {}],
      endpoints: [
        { addresses: ['1.1.1.1', '1.1.1.2'] },
        { addresses: ['1.1.1.3'] },
        { addresses: ['1.1.1.4'] },
      ],
    },
    want: ['x', 'IPv4', '80,n,*', '1.1.1.1,1.1.1.2,1.1.1.3 + 1 more...', '5m'],
  },
  {
    kind: 'endpointslices.discovery.k8s.io',
    name: 'empty',
    object: { addressType: 'IPv4', ports: null, endpoints: null },
    want: ['x', 'IPv4', '<unset>', '<unset>', '5m'],
  },
  {
    kind: 'services',
    object: service({
      type: 'ClusterIP',
      clusterIPs: ['10.0.0.1'],
      ports: [
        { port: 80, protocol: 'TCP' },
        { port: 53, protocol: 'UDP' },
      ],
      selector: { b: '2', a: '1' },
    }),
    want: ['x', 'ClusterIP', '10.0.0.1', '<none>', '80/TCP,53/UDP', '5m', 'a=1,b=2'],
  },
  {
    kind: 'services',
    name: 'node port',
    object: service({
      type: 'NodePort',
      clusterIPs: ['10.0.0.1'],
      externalIPs: ['1.1.1.1', '1.1.1.2'],
      ports: [{ port: 80, nodePort: 30001, protocol: 'TCP' }],
    }),
    want: ['x', 'NodePort', '10.0.0.1', '1.1.1.1,1.1.1.2', '80:30001/TCP', '5m', '<none>'],
  },
  {
    kind: 'services',
    name: 'load balancer that waits',
    object: service({ type: 'LoadBalancer', clusterIPs: ['10.0.0.1'] }),
    want: ['x', 'LoadBalancer', '10.0.0.1', '<pending>', '<none>', '5m', '<none>'],
  },
  {
    kind: 'services',
    name: 'load balancer',
    object: service(
      { type: 'LoadBalancer', clusterIPs: ['10.0.0.1'], externalIPs: ['9.9.9.9'] },
      { loadBalancer: { ingress: [{ hostname: 'b.example' }, { ip: '1.1.1.1' }] } },
    ),
    want: ['x', 'LoadBalancer', '10.0.0.1', '1.1.1.1,b.example,9.9.9.9', '<none>', '5m', '<none>'],
  },
  {
    kind: 'services',
    name: 'external name',
    object: service({ type: 'ExternalName', externalName: 'e.example' }),
    want: ['x', 'ExternalName', '<none>', 'e.example', '<none>', '5m', '<none>'],
  },
  {
    kind: 'nodes',
    object: {
      metadata: {
        ...metadata,
        labels: {
          'node-role.kubernetes.io/worker': '',
          'node-role.kubernetes.io/': '',
          'kubernetes.io/role': 'edge',
        },
      },
      spec: { unschedulable: true },
      status: {
        conditions: [condition('MemoryPressure'), condition('Ready', 'Unknown')],
        addresses: [
          { type: 'InternalIP', address: '10.0.0.1' },
          { type: 'Hostname', address: 'h' },
        ],
        nodeInfo: {
          kubeletVersion: 'v1.36.2',
          osImage: 'os',
          kernelVersion: '6',
          architecture: 'amd64',
          containerRuntimeVersion: '',
        },
      },
    },
    want: [
      'x',
      'NotReady,SchedulingDisabled',
      'edge,worker',
      '5m',
      'v1.36.2',
      '10.0.0.1',
      '<none>',
      'os',
      '6 (amd64)',
      '<unknown>',
    ],
  },
  {
    kind: 'nodes',
    name: 'bare',
    object: { spec: {}, status: {} },
    want: ['x', 'Unknown', '<none>', '5m', '', '<none>', '<none>', '<unknown>', '<unknown>', '<unknown>'],
  },
  {
    kind: 'resourcequotas',
    object: {
      status: {
        hard: { pods: '5', 'limits.cpu': '2', 'requests.cpu': '1' },
        used: { pods: '1', 'limits.cpu': '0' },
      },
    },
    want: ['x', 'pods: 1/5, requests.cpu: 0/1', 'limits.cpu: 0/2', '5m'],
  },
  {
    kind: 'events',
    object: {
      involvedObject: { kind: 'Pod', name: 'p', fieldPath: 'spec.containers{c}' },
      reason: 'Started',
      message: ' hello \n',
      source: { component: 'kubelet', host: 'node' },
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:04:00Z',
      count: 3,
      type: 'Normal',
      eventTime: null,
      reportingComponent: 'ignored',
    },
    want: ['60s', 'Normal', 'Started', 'pod/p', 'spec.containers{c}', 'kubelet, node', 'hello', '5m', 3, 'x'],
  },
  {
    kind: 'events',
    name: 'of the new kind in core form',
    object: {
      involvedObject: { kind: 'Node' },
      source: {},
      firstTimestamp: null,
      lastTimestamp: null,
      eventTime: '2026-01-01T00:03:00.000000Z',
      type: 'Warning',
      reportingComponent: 'scheduler',
      reportingInstance: '',
    },
    want: ['2m', 'Warning', '', 'node', '', 'scheduler', '', '2m', 1, 'x'],
  },
  {
    kind: 'events.events.k8s.io',
    object: {
      eventTime: '2026-01-01T00:00:00.000000Z',
      series: { count: 7, lastObservedTime: '2026-01-01T00:04:50.000000Z' },
      reportingController: 'r',
      reportingInstance: 'r-1',
      reason: 'R',
      regarding: { kind: 'Pod', name: 'p' },
      note: 'n',
      type: 'Normal',
      deprecatedSource: {},
      deprecatedFirstTimestamp: null,
      deprecatedLastTimestamp: null,
    },
    want: ['10s', 'Normal', 'R', 'pod/p', '', 'r, r-1', 'n', '5m', 7, 'x'],
  },
  {
    kind: 'podtemplates',
    object: { template },
    want: ['x', 'c,d', 'i:1,j', 'a=1,b=2'],
  },
  {
    kind: 'replicationcontrollers',
    object: { spec: { replicas: 2, selector: { a: '1' }, template }, status: { replicas: 1 } },
    want: ['x', 2, 1, 0, '5m', 'c,d', 'i:1,j', 'a=1'],
  },
  {
    kind: 'replicasets.apps',
    object: { spec: { replicas: 2, selector, template }, status: { replicas: 2, readyReplicas: 1 } },
    want: ['x', 2, 2, 1, '5m', 'c,d', 'i:1,j', 'app=x'],
  },
  {
    kind: 'deployments.apps',
    object: {
      spec: {
        replicas: 3,
        selector: { matchExpressions: [{ key: 'a', operator: 'In', values: ['2', '1'] }] },
        template,
      },
      status: { updatedReplicas: 2, readyReplicas: 1 },
    },
    want: ['x', '1/3', 2, 0, '5m', 'c,d', 'i:1,j', 'a in (1,2)'],
  },
  {
    kind: 'statefulsets.apps',
    object: { spec: { replicas: 1, selector, template }, status: { replicas: 0, availableReplicas: 0 } },
    want: ['x', '0/1', '5m', 'c,d', 'i:1,j'],
  },
  {
    kind: 'daemonsets.apps',
    object: {
      spec: { selector, template },
      status: { currentNumberScheduled: 1, numberMisscheduled: 0, desiredNumberScheduled: 2, numberReady: 1 },
    },
    want: ['x', 2, 1, 1, 0, 0, 'os=linux', '5m', 'c,d', 'i:1,j', 'app=x'],
  },
  {
    kind: 'jobs.batch',
    object: job({ completions: 3 }, { succeeded: 1, startTime: '2026-01-01T00:04:00Z' }),
    want: ['x', 'Running', '1/3', '60s', '5m', 'c,d', 'i:1,j', 'app=x'],
  },
  {
    kind: 'jobs.batch',
    name: 'complete',
    object: job(
      { parallelism: 2 },
      {
        conditions: [condition('SuccessCriteriaMet'), condition('Complete')],
        succeeded: 1,
        startTime: '2026-01-01T00:00:00Z',
        completionTime: '2026-01-01T00:00:07Z',
      },
    ),
    want: ['x', 'Complete', '1/1 of 2', '7s', '5m', 'c,d', 'i:1,j', 'app=x'],
  },
  ...(
    [
      [['FailureTarget', 'Failed'], {}, 'Failed'],
      [['FailureTarget'], {}, 'FailureTarget'],
      [['Suspended'], {}, 'Suspended'],
      [['SuccessCriteriaMet'], {}, 'SuccessCriteriaMet'],
      [['Suspended'], { deletionTimestamp: '2026-01-01T00:00:00Z' }, 'Terminating'],
    ] as const
  ).map(([types, meta, status]): Case => ({
    kind: 'jobs.batch',
    name: status,
    object: job({ parallelism: 1 }, { conditions: types.map((type) => condition(type)) }, meta),
    want: ['x', status, '0/1', '', '5m', 'c,d', 'i:1,j', 'app=x'],
  })),
  {
    kind: 'cronjobs.batch',
    object: {
      spec: {
        schedule: '* * * * *',
        timeZone: 'Etc/UTC',
        suspend: true,
        jobTemplate: { spec: { template } },
      },
      status: { active: [{}, {}], lastScheduleTime: '2026-01-01T00:04:30Z' },
    },
    want: ['x', '* * * * *', 'Etc/UTC', 'True', 2, '30s', '5m', 'c,d', 'i:1,j', '<none>'],
  },
  {
    kind: 'cronjobs.batch',
    name: 'new',
    object: { spec: { schedule: '@daily', suspend: false, jobTemplate: { spec: { template } } }, status: {} },
    want: ['x', '@daily', '<none>', 'False', 0, '<none>', '5m', 'c,d', 'i:1,j', '<none>'],
  },
  {
    kind: 'controllerrevisions.apps',
    object: {
      metadata: {
        ...metadata,
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 's', uid: 'u', controller: true },
        ],
      },
      revision: 4,
    },
    want: ['x', 'statefulset.apps/s', 4, '5m'],
  },
  {
    kind: 'controllerrevisions.apps',
    name: 'orphan',
    object: { revision: 1 },
    want: ['x', '<none>', 1, '5m'],
  },
  {
    kind: 'poddisruptionbudgets.policy',
    object: { spec: { minAvailable: '50%' }, status: { disruptionsAllowed: 1 } },
    want: ['x', '50%', 'N/A', 1, '5m'],
  },
  {
    kind: 'poddisruptionbudgets.policy',
    name: 'of zero',
    object: { spec: { maxUnavailable: 0 }, status: { disruptionsAllowed: 0 } },
    want: ['x', 'N/A', '0', 0, '5m'],
  },
  {
    kind: 'horizontalpodautoscalers.autoscaling',
    name: 'without metrics',
    object: autoscaler([], null),
    want: ['x', 'Deployment/d', '<none>', '<unset>', 5, 0, '5m'],
  },
  {
    kind: 'horizontalpodautoscalers.autoscaling',
    name: 'by use',
    object: {
      spec: {
        scaleTargetRef: { kind: 'Deployment', name: 'd' },
        minReplicas: 1,
        maxReplicas: 5,
        metrics: [resource({ type: 'Utilization', averageUtilization: 80 })],
      },
      status: { currentReplicas: 2, desiredReplicas: 2, currentMetrics: null },
    },
    want: ['x', 'Deployment/d', 'cpu: <unknown>/80%', '1', 5, 2, '5m'],
  },
  {
    kind: 'horizontalpodautoscalers.autoscaling',
    name: 'by many metrics',
    object: autoscaler(
      [
        resource({ averageValue: '100m' }),
        { type: 'Pods', pods: { metric: { name: 'm' }, target: { averageValue: '5' } } },
        { type: 'External', external: { target: { value: '7' } } },
      ],
      [{ type: 'Resource', resource: { name: 'cpu', current: { averageValue: '50m' } } }],
    ),
    want: ['x', 'Deployment/d', 'cpu: 50m/100m, <unknown>/5 + 1 more...', '<unset>', 5, 0, '5m'],
  },
  {
    kind: 'horizontalpodautoscalers.autoscaling',
    name: 'by values',
    object: autoscaler(
      [
        { type: 'Object', object: { target: { value: '7' } } },
        { type: 'External', external: { target: { averageValue: '3' } } },
      ],
      [
        { type: 'Object', object: { current: { value: '6' } } },
        { type: 'External', external: { current: { averageValue: '2' } } },
      ],
    ),
    want: ['x', 'Deployment/d', '6/7, 2/3 (avg)', '<unset>', 5, 0, '5m'],
  },
  {
    kind: 'horizontalpodautoscalers.autoscaling',
    name: 'of version 1',
    object: {
      spec: { scaleTargetRef: { kind: 'RC', name: 'r' }, maxReplicas: 3, targetCPUUtilizationPercentage: 80 },
      status: { currentReplicas: 0, desiredReplicas: 0, currentCPUUtilizationPercentage: 12 },
    },
    want: ['x', 'RC/r', 'cpu: 12%/80%', '<unset>', 3, 0, '5m'],
  },
  {
    kind: 'certificatesigningrequests.certificates.k8s.io',
    object: {
      spec: { signerName: 's', username: 'u', expirationSeconds: 3600 },
      status: { conditions: [condition('Approved')], certificate: 'Zg==' },
    },
    want: ['x', '5m', 's', 'u', '60m', 'Approved,Issued'],
  },
  {
    kind: 'certificatesigningrequests.certificates.k8s.io',
    name: 'new',
    object: { spec: { signerName: 's' }, status: {} },
    want: ['x', '5m', 's', '', '<none>', 'Pending'],
  },
  {
    kind: 'ingresses.networking.k8s.io',
    object: {
      spec: {
        ingressClassName: 'c',
        rules: [{ host: 'a' }, { host: 'b' }, { host: 'c' }, { host: 'd' }],
        tls: [{}],
      },
      status: { loadBalancer: { ingress: [{ ip: '2.2.2.2' }, { ip: '1.1.1.1' }] } },
    },
    want: ['x', 'c', 'a,b,c + 1 more...', '1.1.1.1,2.2.2.2', '80, 443', '5m'],
  },
  {
    kind: 'ingresses.networking.k8s.io',
    name: 'bare',
    object: { spec: { rules: [{}] }, status: { loadBalancer: {} } },
    want: ['x', '<none>', '*', '', '80', '5m'],
  },
  {
    kind: 'ingressclasses.networking.k8s.io',
    object: {
      metadata: { ...metadata, annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
      spec: { controller: 'c', parameters: { apiGroup: 'g', kind: 'K', name: 'n' } },
    },
    want: ['x (default)', 'c', 'K.g/n', '5m'],
  },
  {
    kind: 'networkpolicies.networking.k8s.io',
    object: { spec: { podSelector: selector } },
    want: ['x', 'app=x', '5m'],
  },
  {
    kind: 'networkpolicies.networking.k8s.io',
    name: 'for all pods',
    object: { spec: { podSelector: {} } },
    want: ['x', '<none>', '5m'],
  },
  {
    kind: 'servicecidrs.networking.k8s.io',
    object: { spec: { cidrs: ['10.0.0.0/24', 'fd00::/112'] } },
    want: ['x', '10.0.0.0/24,fd00::/112', '5m'],
  },
  {
    kind: 'ipaddresses.networking.k8s.io',
    object: { spec: { parentRef: { resource: 'services', namespace: 'n', name: 's' } } },
    want: ['x', 'services/n/s'],
  },
  {
    kind: 'rolebindings.rbac.authorization.k8s.io',
    object: {
      roleRef: { kind: 'Role', name: 'r' },
      subjects: [
        { kind: 'User', name: 'u' },
        { kind: 'User', name: 'v' },
        { kind: 'Group', name: 'g' },
        { kind: 'ServiceAccount', namespace: 'n', name: 's' },
      ],
    },
    want: ['x', 'Role/r', '5m', 'u, v', 'g', 'n/s'],
  },
  {
    kind: 'persistentvolumes',
    object: {
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteMany', 'ReadWriteOnce', 'ReadWriteMany'],
        persistentVolumeReclaimPolicy: 'Retain',
        claimRef: { namespace: 'n', name: 'c' },
        storageClassName: 'fast',
        volumeMode: 'Filesystem',
      },
      status: { phase: 'Bound' },
    },
    want: ['x', '1Gi', 'RWO,RWX', 'Retain', 'Bound', 'n/c', 'fast', '<unset>', '', '5m', 'Filesystem'],
  },
  {
    kind: 'persistentvolumeclaims',
    object: {
      spec: {
        volumeName: 'v',
        storageClassName: 'fast',
        volumeAttributesClassName: 'gold',
        resources: { requests: { storage: '1Gi' } },
      },
      status: {
        phase: 'Bound',
        accessModes: ['ReadOnlyMany', 'ReadWriteOncePod'],
        capacity: { storage: '2Gi' },
      },
    },
    want: ['x', 'Bound', 'v', '2Gi', 'ROX,RWOP', 'fast', 'gold', '5m', '<unset>'],
  },
  {
    kind: 'persistentvolumeclaims',
    name: 'being deleted',
    object: {
      metadata: {
        ...metadata,
        deletionTimestamp: '2026-01-01T00:00:00Z',
        annotations: { 'volume.beta.kubernetes.io/storage-class': 'old' },
      },
      spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'fast' },
      status: { phase: 'Pending' },
    },
    want: ['x', 'Terminating', '', '', '', 'old', '<unset>', '5m', '<unset>'],
  },
  {
    kind: 'storageclasses.storage.k8s.io',
    object: {
      metadata: { ...metadata, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      provisioner: 'p',
      reclaimPolicy: 'Retain',
      volumeBindingMode: 'WaitForFirstConsumer',
      allowVolumeExpansion: true,
    },
    want: ['x (default)', 'p', 'Retain', 'WaitForFirstConsumer', true, '5m'],
  },
  {
    kind: 'storageclasses.storage.k8s.io',
    name: 'bare',
    object: { provisioner: 'p' },
    want: ['x', 'p', 'Delete', 'Immediate', false, '5m'],
  },
  { kind: 'volumeattributesclasses.storage.k8s.io', object: { driverName: 'd' }, want: ['x', 'd', '5m'] },
  {
    kind: 'volumeattachments.storage.k8s.io',
    object: {
      spec: { attacher: 'a', source: { persistentVolumeName: 'p' }, nodeName: 'n' },
      status: { attached: true },
    },
    want: ['x', 'a', 'p', 'n', true, '5m'],
  },
  { kind: 'csinodes.storage.k8s.io', object: { spec: { drivers: [{}, {}] } }, want: ['x', 2, '5m'] },
  {
    kind: 'csidrivers.storage.k8s.io',
    object: {
      spec: {
        attachRequired: false,
        tokenRequests: [{ audience: 'a' }, { audience: 'b' }],
        volumeLifecycleModes: ['Persistent', 'Ephemeral'],
      },
    },
    want: ['x', false, false, false, 'a,b', false, 'Persistent,Ephemeral', '5m'],
  },
  {
    kind: 'csidrivers.storage.k8s.io',
    name: 'bare',
    object: { spec: {} },
    want: ['x', true, false, false, '<unset>', false, '<none>', '5m'],
  },
  {
    kind: 'csistoragecapacities.storage.k8s.io',
    object: { storageClassName: 's', capacity: '1Gi' },
    want: ['x', 's', '1Gi'],
  },
  { kind: 'leases.coordination.k8s.io', object: { spec: { holderIdentity: 'h' } }, want: ['x', 'h', '5m'] },
  { kind: 'leases.coordination.k8s.io', name: 'free', object: { spec: {} }, want: ['x', '', '5m'] },
  { kind: 'runtimeclasses.node.k8s.io', object: { handler: 'h' }, want: ['x', 'h', '5m'] },
  {
    kind: 'priorityclasses.scheduling.k8s.io',
    object: { value: 10, preemptionPolicy: 'Never' },
    want: ['x', 10, false, '5m', 'Never'],
  },
  {
    kind: 'flowschemas.flowcontrol.apiserver.k8s.io',
    object: {
      spec: {
        priorityLevelConfiguration: { name: 'p' },
        matchingPrecedence: 500,
        distinguisherMethod: { type: 'ByUser' },
      },
      status: { conditions: [condition('Dangling', 'False')] },
    },
    want: ['x', 'p', 500, 'ByUser', '5m', 'False'],
  },
  {
    kind: 'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io',
    object: {
      spec: {
        type: 'Limited',
        limited: {
          nominalConcurrencyShares: 30,
          limitResponse: { type: 'Queue', queuing: { queues: 64, handSize: 6, queueLengthLimit: 50 } },
        },
      },
    },
    want: ['x', 'Limited', 30, 64, 6, 50, '5m'],
  },
  {
    kind: 'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io',
    name: 'exempt',
    object: { spec: { type: 'Exempt', exempt: {} } },
    want: ['x', 'Exempt', '<none>', '<none>', '<none>', '<none>', '5m'],
  },
  {
    kind: 'mutatingwebhookconfigurations.admissionregistration.k8s.io',
    object: { webhooks: [{}] },
    want: ['x', 1, '5m'],
  },
  { kind: 'validatingwebhookconfigurations.admissionregistration.k8s.io', object: {}, want: ['x', 0, '5m'] },
  {
    kind: 'validatingadmissionpolicies.admissionregistration.k8s.io',
    object: { spec: { validations: [{}], paramKind: { apiVersion: 'v1', kind: 'ConfigMap' } } },
    want: ['x', 1, 'v1/ConfigMap', '5m'],
  },
  {
    kind: 'mutatingadmissionpolicies.admissionregistration.k8s.io',
    object: { spec: { mutations: [{}, {}] } },
    want: ['x', 2, '<unset>', '5m'],
  },
  {
    kind: 'validatingadmissionpolicybindings.admissionregistration.k8s.io',
    object: { spec: { policyName: 'p', paramRef: { name: 'n' } } },
    want: ['x', 'p', '*/n', '5m'],
  },
  {
    kind: 'mutatingadmissionpolicybindings.admissionregistration.k8s.io',
    object: { spec: { policyName: 'p', paramRef: { selector: { matchLabels: { b: '2', a: '1' } } } } },
    want: [
      'x',
      'p',
      '&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:[]LabelSelectorRequirement{},}',
      '5m',
    ],
  },
  {
    kind: 'apiservices.apiregistration.k8s.io',
    object: { spec: {}, status: { conditions: [{ type: 'Available', status: 'True', reason: 'Local' }] } },
    want: ['x', 'Local', 'True', '5m'],
  },
  {
    kind: 'apiservices.apiregistration.k8s.io',
    name: 'that fails',
    object: {
      spec: { service: { namespace: 'n', name: 's' } },
      status: { conditions: [{ type: 'Available', status: 'False', reason: 'MissingEndpoints' }] },
    },
    want: ['x', 'n/s', 'False (MissingEndpoints)', '5m'],
  },
  {
    kind: 'resourceclaims.resource.k8s.io',
    object: { spec: {}, status: { allocation: {}, reservedFor: [{}] } },
    want: ['x', 'allocated,reserved', '5m'],
  },
  {
    kind: 'resourceclaims.resource.k8s.io',
    name: 'new',
    object: { spec: {}, status: {} },
    want: ['x', 'pending', '5m'],
  },
  { kind: 'deviceclasses.resource.k8s.io', object: {}, want: ['x', '5m'] },
  {
    kind: 'resourceslices.resource.k8s.io',
    object: { spec: { driver: 'd', pool: { name: 'p' }, nodeName: 'n' } },
    want: ['x', 'n', 'd', 'p', '5m'],
  },
];

describe('cells', () => {
  for (const { kind, name, object, want } of cases) {
    it(`of ${kind}${name === undefined ? '' : `: ${name}`}`, () => {
      const table = tables[kind]!;
      const row = table.cells({ metadata, ...object } as UnknownObject, { nowMs });
      expect(row).toEqual(want);
      expect(row).toHaveLength(table.columns.length);
    });
  }

  it('of kinds without a table of their own', () => {
    expect(defaultTable.columns.map((column) => `${column.name}:${column.type}`)).toEqual([
      'Name:string',
      'Created At:date',
    ]);
    expect(defaultTable.cells({ metadata }, { nowMs })).toEqual(['x', '2026-01-01T00:00:00Z']);
  });

  it('of the scale of a resource', () => {
    const scale = { metadata, spec: { replicas: 3 }, status: { replicas: 2, selector: 'a=b' } };
    expect(scaleTable.cells(scale, { nowMs })).toEqual(['x', 3, 2, '5m']);
  });
});
