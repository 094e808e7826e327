/** A small valid object of every built-in kind that is stored, by `plural.group`. Names and kinds are filled in. */
import { SIGNED_REQUEST } from './certificate-requests.ts';

const POD_SPEC = { containers: [{ name: 'main', image: 'nginx:1' }] };
const LABELS = { app: 'web' };
const TEMPLATE = { metadata: { labels: LABELS }, spec: POD_SPEC };
const WORKLOAD = { selector: { matchLabels: LABELS }, template: TEMPLATE };
const JOB = { template: { spec: { ...POD_SPEC, restartPolicy: 'Never' } } };
const ROLE_REF = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' };
const RULES = [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }];
const HOOK = {
  name: 'a.example.com',
  clientConfig: { url: 'https://example.com/hook' },
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  rules: RULES,
};
const MATCH = { resourceRules: RULES };
const DEVICES = { requests: [{ name: 'one', exactly: { deviceClassName: 'gpu' } }] };

export type Example = Readonly<Record<string, unknown>> & { readonly metadata?: { readonly name: string } };

export const EXAMPLES: Readonly<Record<string, Example>> = {
  configmaps: { data: { a: '1' } },
  endpoints: { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] },
  events: {
    involvedObject: { kind: 'Pod', namespace: 'default', name: 'web' },
    reason: 'Started',
    type: 'Normal',
  },
  limitranges: { spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] } },
  namespaces: {},
  nodes: {},
  persistentvolumeclaims: {
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  },
  persistentvolumes: {
    spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/data' } },
  },
  pods: { spec: POD_SPEC },
  podtemplates: { template: TEMPLATE },
  replicationcontrollers: { spec: { selector: LABELS, template: TEMPLATE } },
  resourcequotas: { spec: { hard: { pods: '5' } } },
  secrets: { data: { a: 'YQ==' } },
  serviceaccounts: {},
  services: { spec: { ports: [{ port: 80 }], selector: LABELS } },
  'apiservices.apiregistration.k8s.io': {
    metadata: { name: 'v1.example.com' },
    spec: {
      group: 'example.com',
      version: 'v1',
      groupPriorityMinimum: 1000,
      versionPriority: 15,
      service: { namespace: 'default', name: 'api' },
      insecureSkipTLSVerify: true,
    },
  },
  'controllerrevisions.apps': { revision: 1, data: { spec: { a: 1 } } },
  'daemonsets.apps': { spec: WORKLOAD },
  'deployments.apps': { spec: WORKLOAD },
  'replicasets.apps': { spec: WORKLOAD },
  'statefulsets.apps': { spec: { ...WORKLOAD, serviceName: 'web' } },
  'events.events.k8s.io': {
    regarding: { kind: 'Pod', namespace: 'default', name: 'web' },
    reason: 'Started',
    type: 'Normal',
    action: 'Start',
    eventTime: '2024-01-01T00:00:00.000000Z',
    reportingController: 'example.com/tester',
    reportingInstance: 'tester-1',
  },
  'horizontalpodautoscalers.autoscaling': {
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 3 },
  },
  'cronjobs.batch': { spec: { schedule: '0 * * * *', jobTemplate: { spec: JOB } } },
  'jobs.batch': { spec: JOB },
  'certificatesigningrequests.certificates.k8s.io': {
    spec: {
      request: Buffer.from(SIGNED_REQUEST).toString('base64'),
      signerName: 'example.com/signer',
      usages: ['client auth'],
    },
  },
  'ingressclasses.networking.k8s.io': { spec: { controller: 'example.com/controller' } },
  'ingresses.networking.k8s.io': {
    spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } } },
  },
  'ipaddresses.networking.k8s.io': {
    metadata: { name: '10.0.0.9' },
    spec: { parentRef: { resource: 'services', namespace: 'default', name: 'web' } },
  },
  'networkpolicies.networking.k8s.io': { spec: { podSelector: {} } },
  'servicecidrs.networking.k8s.io': { spec: { cidrs: ['10.9.0.0/16'] } },
  'poddisruptionbudgets.policy': { spec: { minAvailable: 1, selector: { matchLabels: LABELS } } },
  'clusterrolebindings.rbac.authorization.k8s.io': {
    roleRef: ROLE_REF,
    subjects: [{ kind: 'User', name: 'jane' }],
  },
  'clusterroles.rbac.authorization.k8s.io': {
    rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }],
  },
  'rolebindings.rbac.authorization.k8s.io': { roleRef: ROLE_REF, subjects: [{ kind: 'User', name: 'jane' }] },
  'roles.rbac.authorization.k8s.io': { rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] },
  'csidrivers.storage.k8s.io': { spec: {} },
  'csinodes.storage.k8s.io': {
    spec: { drivers: [{ name: 'csi.example.com', nodeID: 'n', topologyKeys: ['zone'] }] },
  },
  'csistoragecapacities.storage.k8s.io': { storageClassName: 'fast', capacity: '1Gi' },
  'storageclasses.storage.k8s.io': { provisioner: 'example.com/fast' },
  'volumeattachments.storage.k8s.io': {
    spec: { attacher: 'csi.example.com', nodeName: 'node', source: { persistentVolumeName: 'pv' } },
  },
  'volumeattributesclasses.storage.k8s.io': { driverName: 'csi.example.com', parameters: { iops: '1' } },
  'mutatingadmissionpolicies.admissionregistration.k8s.io': {
    spec: {
      matchConstraints: MATCH,
      mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{}' } }],
      reinvocationPolicy: 'Never',
    },
  },
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io': { spec: { policyName: 'policy' } },
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': { webhooks: [HOOK] },
  'validatingadmissionpolicies.admissionregistration.k8s.io': {
    spec: { matchConstraints: MATCH, validations: [{ expression: 'true' }] },
  },
  'validatingadmissionpolicybindings.admissionregistration.k8s.io': {
    spec: { policyName: 'policy', validationActions: ['Deny'] },
  },
  'validatingwebhookconfigurations.admissionregistration.k8s.io': { webhooks: [HOOK] },
  'customresourcedefinitions.apiextensions.k8s.io': {
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
      versions: [
        { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
      ],
    },
  },
  'priorityclasses.scheduling.k8s.io': { value: 1000 },
  'leases.coordination.k8s.io': { spec: { holderIdentity: 'a', leaseDurationSeconds: 15 } },
  'runtimeclasses.node.k8s.io': { handler: 'runsc' },
  'endpointslices.discovery.k8s.io': {
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'] }],
    ports: [{ port: 80 }],
  },
  'deviceclasses.resource.k8s.io': { spec: {} },
  'resourceclaims.resource.k8s.io': { spec: { devices: DEVICES } },
  'resourceclaimtemplates.resource.k8s.io': { spec: { spec: { devices: DEVICES } } },
  'resourceslices.resource.k8s.io': {
    spec: {
      driver: 'gpu.example.com',
      pool: { name: 'pool', generation: 1, resourceSliceCount: 1 },
      nodeName: 'node',
      devices: [{ name: 'gpu-0' }],
    },
  },
  'flowschemas.flowcontrol.apiserver.k8s.io': { spec: { priorityLevelConfiguration: { name: 'exempt' } } },
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': {
    spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } },
  },
};
