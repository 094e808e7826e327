/**
 * What built-in kinds do beyond the generic that is plain data: whether PUT creates, whether a write needs a
 * resourceVersion, what DELETE answers, which fields select. Behaviours in the group folders are laid over it.
 * Mirrors the strategies below pkg/registry of Kubernetes 1.36 and the field label conversions of pkg/apis.
 */
import type { NameRule, ResourceBehaviour } from '../definition.ts';
import { formatGroupResource } from '../machinery/gvk.ts';
import type { UnknownObject } from '../machinery/object-meta.ts';

/** PUT of an object that does not exist creates it. */
const CREATED_ON_UPDATE = [
  'endpoints',
  'events',
  'events.events.k8s.io',
  'limitranges',
  'services',
  'leases.coordination.k8s.io',
  'leasecandidates.coordination.k8s.io',
  'runtimeclasses.node.k8s.io',
  'clusterrolebindings.rbac.authorization.k8s.io',
  'clusterroles.rbac.authorization.k8s.io',
  'rolebindings.rbac.authorization.k8s.io',
  'roles.rbac.authorization.k8s.io',
];

/** PUT must carry a resourceVersion. */
const CONDITIONAL_UPDATE_ONLY = [
  'apiservices.apiregistration.k8s.io',
  'clustertrustbundles.certificates.k8s.io',
  'csidrivers.storage.k8s.io',
  'csinodes.storage.k8s.io',
  'csistoragecapacities.storage.k8s.io',
  'customresourcedefinitions.apiextensions.k8s.io',
  'leasecandidates.coordination.k8s.io',
  'leases.coordination.k8s.io',
  'mutatingadmissionpolicies.admissionregistration.k8s.io',
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  'podcertificaterequests.certificates.k8s.io',
  'poddisruptionbudgets.policy',
  'resourcepoolstatusrequests.resource.k8s.io',
  'runtimeclasses.node.k8s.io',
  'storageversionmigrations.storagemigration.k8s.io',
  'storageversions.internal.apiserver.k8s.io',
  'validatingadmissionpolicies.admissionregistration.k8s.io',
  'validatingadmissionpolicybindings.admissionregistration.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
  'volumeattachments.storage.k8s.io',
];

/** DELETE answers with the object. */
const RETURNED_ON_DELETE = [
  'namespaces',
  'persistentvolumeclaims',
  'persistentvolumes',
  'pods',
  'podtemplates',
  'resourcequotas',
  'serviceaccounts',
  'services',
  'csidrivers.storage.k8s.io',
  'csinodes.storage.k8s.io',
  'storageclasses.storage.k8s.io',
  'volumeattachments.storage.k8s.io',
  'volumeattributesclasses.storage.k8s.io',
  'deviceclasses.resource.k8s.io',
  'devicetaintrules.resource.k8s.io',
  'resourceclaims.resource.k8s.io',
  'resourceclaimtemplates.resource.k8s.io',
  'resourcepoolstatusrequests.resource.k8s.io',
  'resourceslices.resource.k8s.io',
];

/** `metadata.generation` counts. */
const COUNTED = [
  'pods',
  'podtemplates',
  'replicationcontrollers',
  'daemonsets.apps',
  'deployments.apps',
  'replicasets.apps',
  'statefulsets.apps',
  'cronjobs.batch',
  'jobs.batch',
  'customresourcedefinitions.apiextensions.k8s.io',
  'deviceclasses.resource.k8s.io',
  'devicetaintrules.resource.k8s.io',
  'resourceslices.resource.k8s.io',
  'endpointslices.discovery.k8s.io',
  'flowschemas.flowcontrol.apiserver.k8s.io',
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io',
  'ingressclasses.networking.k8s.io',
  'ingresses.networking.k8s.io',
  'networkpolicies.networking.k8s.io',
  'mutatingadmissionpolicies.admissionregistration.k8s.io',
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  'validatingadmissionpolicies.admissionregistration.k8s.io',
  'validatingadmissionpolicybindings.admissionregistration.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
  'poddisruptionbudgets.policy',
  'priorityclasses.scheduling.k8s.io',
  'csidrivers.storage.k8s.io',
];

/** Dependents are orphaned when the caller of DELETE says nothing. */
const ORPHANING = ['jobs.batch', 'replicationcontrollers'];

/** Names that are not DNS subdomains. */
const NAME_RULES: Readonly<Record<string, NameRule>> = {
  namespaces: 'dns-label',
  services: 'dns-label',
  'statefulsets.apps': 'dns-label',
  events: 'path-segment',
  'apiservices.apiregistration.k8s.io': 'path-segment',
  'certificatesigningrequests.certificates.k8s.io': 'path-segment',
  'ipaddresses.networking.k8s.io': 'path-segment',
  'clusterrolebindings.rbac.authorization.k8s.io': 'path-segment',
  'clusterroles.rbac.authorization.k8s.io': 'path-segment',
  'rolebindings.rbac.authorization.k8s.io': 'path-segment',
  'roles.rbac.authorization.k8s.io': 'path-segment',
};

type FieldSelectors = Readonly<Record<string, (object: UnknownObject) => string>>;

/** The value at a path of member names, as text; '' when there is none. */
function at(object: unknown, ...names: string[]): string {
  let value: unknown = object;
  for (const name of names) {
    if (typeof value !== 'object' || value === null) return '';
    value = (value as Record<string, unknown>)[name];
  }
  return value === undefined || value === null ? '' : String(value as string | number | boolean);
}

/** Selectors whose name is the path of the field. */
function byPath(...fields: string[]): FieldSelectors {
  return Object.fromEntries(fields.map((field) => [field, (object) => at(object, ...field.split('.'))]));
}

const REFERENCE_FIELDS = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];

/** Events have one shape in each of their groups; either can be selected from. */
function eventReference(prefix: string): FieldSelectors {
  return Object.fromEntries(
    REFERENCE_FIELDS.map((field) => [
      `${prefix}.${field}`,
      (event) => at(event['involvedObject'] ?? event['regarding'], field),
    ]),
  );
}

function eventReporter(event: UnknownObject): string {
  return at(event, 'reportingComponent') || at(event, 'reportingController');
}

function eventSource(event: UnknownObject): string {
  return (
    at(event, 'source', 'component') || at(event, 'deprecatedSource', 'component') || eventReporter(event)
  );
}

function podIP(pod: UnknownObject): string {
  const { podIPs } = (pod['status'] ?? {}) as { podIPs?: { ip: string }[] };
  return podIPs?.[0]?.ip ?? '';
}

const POD_FIELDS = byPath(
  'spec.nodeName',
  'spec.restartPolicy',
  'spec.schedulerName',
  'spec.serviceAccountName',
  'status.phase',
  'status.nominatedNodeName',
);

const FIELD_SELECTORS: Readonly<Record<string, FieldSelectors>> = {
  events: {
    ...eventReference('involvedObject'),
    ...byPath('reason', 'type'),
    reportingComponent: eventReporter,
    source: eventSource,
  },
  'events.events.k8s.io': {
    ...eventReference('regarding'),
    ...byPath('reason', 'type'),
    reportingController: eventReporter,
  },
  namespaces: byPath('status.phase'),
  nodes: { 'spec.unschedulable': (node) => at(node, 'spec', 'unschedulable') || 'false' },
  pods: {
    ...POD_FIELDS,
    'spec.host': (pod) => at(pod, 'spec', 'nodeName'),
    'spec.hostNetwork': (pod) => at(pod, 'spec', 'hostNetwork') || 'false',
    'status.podIP': podIP,
    // Upstream accepts the label and never fills it.
    'status.podIPs': () => '',
  },
  replicationcontrollers: { 'status.replicas': (controller) => at(controller, 'status', 'replicas') || '0' },
  secrets: byPath('type'),
  services: byPath('spec.clusterIP', 'spec.type'),
  'jobs.batch': { 'status.successful': (job) => at(job, 'status', 'succeeded') || '0' },
  'certificatesigningrequests.certificates.k8s.io': byPath('spec.signerName'),
  'resourceslices.resource.k8s.io': byPath('spec.nodeName', 'spec.driver'),
};

/** Warning on every use of a kind, where the facts have no lifecycle that says so. */
const DEPRECATIONS: Readonly<Record<string, string>> = {
  componentstatuses: 'v1 ComponentStatus is deprecated in v1.19+',
  endpoints: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
};

/** The plain facts of one built-in kind, to lay its behaviour over. */
export function kindFacts(group: string, resource: string): ResourceBehaviour {
  const key = formatGroupResource({ group, resource });
  const nameRule = NAME_RULES[key];
  const fieldSelectors = FIELD_SELECTORS[key];
  return {
    ...(nameRule === undefined ? {} : { nameRule }),
    ...(fieldSelectors === undefined ? {} : { fieldSelectors }),
    ...(CREATED_ON_UPDATE.includes(key) ? { allowCreateOnUpdate: true } : {}),
    ...(CONDITIONAL_UPDATE_ONLY.includes(key) ? { allowUnconditionalUpdate: false } : {}),
    ...(RETURNED_ON_DELETE.includes(key) ? { deleteReturnsObject: true } : {}),
    ...(COUNTED.includes(key) ? { countsGeneration: true } : {}),
    ...(ORPHANING.includes(key) ? { defaultPropagation: 'Orphan' as const } : {}),
  };
}

/** Text of the warning a kind carries in every version, if it does. */
export function kindDeprecation(group: string, resource: string): string | undefined {
  return DEPRECATIONS[formatGroupResource({ group, resource })];
}

/** `resource.group` of every kind the tables above name, so that a test can hold them against the facts. */
export const namedKinds: readonly string[] = [
  ...CREATED_ON_UPDATE,
  ...CONDITIONAL_UPDATE_ONLY,
  ...RETURNED_ON_DELETE,
  ...COUNTED,
  ...ORPHANING,
  ...Object.keys(NAME_RULES),
  ...Object.keys(FIELD_SELECTORS),
  ...Object.keys(DEPRECATIONS),
];
