/** Tables of access, admission, certificates, flow control and scheduling. Mirrors internalversion/printers.go. */
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  MutatingWebhookConfiguration,
  ParamRef,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from '../../../openapi/generated/admissionregistration-v1.ts';
import type { APIService } from '../../../openapi/generated/apiregistration-v1.ts';
import type { CertificateSigningRequest } from '../../../openapi/generated/certificates-v1.ts';
import type { Lease } from '../../../openapi/generated/coordination-v1.ts';
import type { FlowSchema, PriorityLevelConfiguration } from '../../../openapi/generated/flowcontrol-v1.ts';
import type { RuntimeClass } from '../../../openapi/generated/node-v1.ts';
import type { ClusterRoleBinding, RoleBinding, Subject } from '../../../openapi/generated/rbac-v1.ts';
import type { PriorityClass } from '../../../openapi/generated/scheduling-v1.ts';
import { compareText } from '../../machinery/go-format.ts';
import { humanDuration } from '../../machinery/human-duration.ts';
import type { LabelSelectorObject } from '../../machinery/label-validation.ts';
import { AGE, ageOf, column, defineTable, NAME, nameOf, wide } from './columns.ts';

function subjects(all: readonly Subject[] | undefined, kind: string): string {
  return (all ?? [])
    .filter((subject) => subject.kind === kind)
    .map(({ name, namespace }) => (kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name))
    .join(', ');
}

/** Table of RoleBindings and ClusterRoleBindings. */
export const roleBindingTable = defineTable<RoleBinding | ClusterRoleBinding>({
  columns: [
    NAME,
    column('Role', 'Role that is granted.'),
    AGE,
    wide('Users', 'Users it is granted to.'),
    wide('Groups', 'Groups it is granted to.'),
    wide('ServiceAccounts', 'Service accounts it is granted to.'),
  ],
  cells: (object, context) => [
    nameOf(object),
    `${object.roleRef.kind}/${object.roleRef.name}`,
    ageOf(object, context),
    subjects(object.subjects, 'User'),
    subjects(object.subjects, 'Group'),
    subjects(object.subjects, 'ServiceAccount'),
  ],
});

/** Table of MutatingWebhookConfigurations and ValidatingWebhookConfigurations. */
export const webhookConfigurationTable = defineTable<
  MutatingWebhookConfiguration | ValidatingWebhookConfiguration
>({
  columns: [NAME, column('Webhooks', 'Number of webhooks.', 'integer'), AGE],
  cells: (object, context) => [nameOf(object), object.webhooks?.length ?? 0, ageOf(object, context)],
});

function paramKind(kind: { readonly apiVersion?: string; readonly kind?: string } | undefined): string {
  return kind === undefined ? '<unset>' : `${kind.apiVersion ?? ''}/${kind.kind ?? ''}`;
}

const PARAM_KIND = column('ParamKind', 'Kind of the objects that parameterize the policy.');

export const validatingAdmissionPolicyTable = defineTable<ValidatingAdmissionPolicy>({
  columns: [NAME, column('Validations', 'Number of validations.', 'integer'), PARAM_KIND, AGE],
  cells: (object, context) => [
    nameOf(object),
    object.spec.validations?.length ?? 0,
    paramKind(object.spec.paramKind),
    ageOf(object, context),
  ],
});

export const mutatingAdmissionPolicyTable = defineTable<MutatingAdmissionPolicy>({
  columns: [NAME, column('Mutations', 'Number of mutations.', 'integer'), PARAM_KIND, AGE],
  cells: (object, context) => [
    nameOf(object),
    object.spec.mutations?.length ?? 0,
    paramKind(object.spec.paramKind),
    ageOf(object, context),
  ],
});

/** A selector as Go's generated `String` methods print it. */
function goLabelSelector({ matchLabels, matchExpressions }: LabelSelectorObject): string {
  const labels = Object.entries(matchLabels ?? {})
    .sort(([a], [b]) => compareText(a, b))
    .map(([key, value]) => `${key}: ${value},`);
  const expressions = (matchExpressions ?? []).map(
    ({ key, operator, values }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${(values ?? []).join(' ')}],},`,
  );
  return `&LabelSelector{MatchLabels:map[string]string{${labels.join('')}},MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`;
}

function paramRef(ref: ParamRef | undefined): string {
  if (ref === undefined) return '<unset>';
  if ((ref.name ?? '') !== '') return `${(ref.namespace ?? '') === '' ? '*' : ref.namespace}/${ref.name}`;
  return ref.selector === undefined ? '<unset>' : goLabelSelector(ref.selector);
}

/** Table of bindings of either kind of admission policy. */
export const admissionPolicyBindingTable = defineTable<
  MutatingAdmissionPolicyBinding | ValidatingAdmissionPolicyBinding
>({
  columns: [
    NAME,
    column('PolicyName', 'Policy that is bound.'),
    column('ParamRef', 'Objects that parameterize the policy.'),
    AGE,
  ],
  cells: (object, context) => [
    nameOf(object),
    object.spec.policyName ?? '',
    paramRef(object.spec.paramRef),
    ageOf(object, context),
  ],
});

function requestCondition({ status }: CertificateSigningRequest): string {
  const has = (type: string): boolean =>
    status.conditions?.some((condition) => condition.type === type) ?? false;
  const texts = [has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'];
  if (has('Failed')) texts.push('Failed');
  if ((status.certificate ?? '') !== '') texts.push('Issued');
  return texts.join(',');
}

export const certificateSigningRequestTable = defineTable<CertificateSigningRequest>({
  columns: [
    NAME,
    AGE,
    column('SignerName', 'Who is asked to sign.'),
    column('Requestor', 'Who asked.'),
    column('RequestedDuration', 'How long the certificate should be valid.'),
    column('Condition', 'What became of the request.'),
  ],
  cells: (object, context) => [
    nameOf(object),
    ageOf(object, context),
    object.spec.signerName === '' ? '<none>' : object.spec.signerName,
    object.spec.username ?? '',
    object.spec.expirationSeconds === undefined
      ? '<none>'
      : humanDuration(object.spec.expirationSeconds * 1000),
    requestCondition(object),
  ],
});

export const leaseTable = defineTable<Lease>({
  columns: [NAME, column('Holder', 'Who holds the lease.'), AGE],
  cells: (object, context) => [nameOf(object), object.spec.holderIdentity ?? '', ageOf(object, context)],
});

export const runtimeClassTable = defineTable<RuntimeClass>({
  columns: [NAME, column('Handler', 'How nodes call the runtime.'), AGE],
  cells: (object, context) => [nameOf(object), object.handler, ageOf(object, context)],
});

export const priorityClassTable = defineTable<PriorityClass>({
  columns: [
    NAME,
    column('Value', 'Priority of its pods.', 'integer'),
    column('Global-Default', 'Whether pods without a class get it.', 'boolean'),
    AGE,
    column('PreemptionPolicy', 'Whether its pods may push others out.'),
  ],
  cells: (object, context) => [
    nameOf(object),
    object.value ?? 0,
    object.globalDefault ?? false,
    ageOf(object, context),
    object.preemptionPolicy ?? '',
  ],
});

export const flowSchemaTable = defineTable<FlowSchema>({
  columns: [
    NAME,
    column('PriorityLevel', 'Priority level its requests get.'),
    column('MatchingPrecedence', 'Order among schemas, low numbers first.'),
    column('DistinguisherMethod', 'How its requests are told apart.'),
    AGE,
    column('MissingPL', 'Whether its priority level does not exist.'),
  ],
  cells: (object, context) => [
    nameOf(object),
    object.spec.priorityLevelConfiguration.name,
    object.spec.matchingPrecedence ?? 0,
    object.spec.distinguisherMethod?.type ?? '<none>',
    ageOf(object, context),
    object.status.conditions?.find((condition) => condition.type === 'Dangling')?.status ?? '?',
  ],
});

export const priorityLevelConfigurationTable = defineTable<PriorityLevelConfiguration>({
  columns: [
    NAME,
    column('Type', 'Exempt or limited.'),
    column('NominalConcurrencyShares', 'Share of the requests served at a time.'),
    column('Queues', 'Number of queues.'),
    column('HandSize', 'Queues a flow may use.'),
    column('QueueLengthLimit', 'Requests that may wait in a queue.'),
    AGE,
  ],
  cells(object, context) {
    const { limited } = object.spec;
    const queuing = limited?.limitResponse?.queuing;
    const orNone = (value: number | undefined, isThere: boolean): string | number =>
      isThere ? (value ?? 0) : '<none>';
    return [
      nameOf(object),
      object.spec.type,
      orNone(limited?.nominalConcurrencyShares, limited !== undefined),
      orNone(queuing?.queues, queuing !== undefined),
      orNone(queuing?.handSize, queuing !== undefined),
      orNone(queuing?.queueLengthLimit, queuing !== undefined),
      ageOf(object, context),
    ];
  },
});

function availability({ status }: APIService): string {
  const available = status.conditions?.find((condition) => condition.type === 'Available');
  if (available === undefined) return 'Unknown';
  if (available.status === 'True' || (available.reason ?? '') === '') return available.status;
  return `${available.status} (${available.reason})`;
}

/** Mirrors kube-aggregator registry/apiservice/etcd ConvertToTable. */
export const apiServiceTable = defineTable<APIService>({
  columns: [
    NAME,
    column('Service', 'Service that serves the version; Local is this server.'),
    column('Available', 'Whether the service can be reached.'),
    AGE,
  ],
  cells(object, context) {
    const { service } = object.spec;
    return [
      nameOf(object),
      service === undefined ? 'Local' : `${service.namespace ?? ''}/${service.name ?? ''}`,
      availability(object),
      ageOf(object, context),
    ];
  },
});
