/** Tables of built-in kinds, as `kubectl get` shows them. */
import type { TableDefinition } from '../../definition.ts';
import type { KubeObject } from '../../machinery/object-meta.ts';
import { horizontalPodAutoscalerTable, scaleTable } from './autoscaling.ts';
import { CREATED_AT, defineTable, NAME, nameOf } from './columns.ts';
import * as core from './core.ts';
import { eventTable } from './events.ts';
import * as networking from './networking.ts';
import { podTable } from './pods.ts';
import * as policy from './policy.ts';
import * as resource from './resource.ts';
import * as storage from './storage.ts';
import * as workloads from './workloads.ts';

export { scaleTable };

/** Table of kinds without one of their own. */
export const defaultTable: TableDefinition = defineTable<KubeObject>({
  columns: [NAME, CREATED_AT],
  cells: (object) => [nameOf(object), object.metadata.creationTimestamp ?? '0001-01-01T00:00:00Z'],
});

/** Tables by `plural.group`; kinds that are not here have the default table. */
export const tables: Readonly<Partial<Record<string, TableDefinition>>> = {
  componentstatuses: core.componentStatusTable,
  configmaps: core.configMapTable,
  endpoints: core.endpointsTable,
  events: eventTable,
  namespaces: core.namespaceTable,
  nodes: core.nodeTable,
  persistentvolumeclaims: storage.persistentVolumeClaimTable,
  persistentvolumes: storage.persistentVolumeTable,
  pods: podTable,
  podtemplates: workloads.podTemplateTable,
  replicationcontrollers: workloads.replicationControllerTable,
  resourcequotas: core.resourceQuotaTable,
  secrets: core.secretTable,
  serviceaccounts: core.serviceAccountTable,
  services: core.serviceTable,
  'apiservices.apiregistration.k8s.io': policy.apiServiceTable,
  'controllerrevisions.apps': workloads.controllerRevisionTable,
  'daemonsets.apps': workloads.daemonSetTable,
  'deployments.apps': workloads.deploymentTable,
  'replicasets.apps': workloads.replicaSetTable,
  'statefulsets.apps': workloads.statefulSetTable,
  'events.events.k8s.io': eventTable,
  'horizontalpodautoscalers.autoscaling': horizontalPodAutoscalerTable,
  'cronjobs.batch': workloads.cronJobTable,
  'jobs.batch': workloads.jobTable,
  'certificatesigningrequests.certificates.k8s.io': policy.certificateSigningRequestTable,
  'ingressclasses.networking.k8s.io': networking.ingressClassTable,
  'ingresses.networking.k8s.io': networking.ingressTable,
  'ipaddresses.networking.k8s.io': networking.ipAddressTable,
  'networkpolicies.networking.k8s.io': networking.networkPolicyTable,
  'servicecidrs.networking.k8s.io': networking.serviceCIDRTable,
  'poddisruptionbudgets.policy': workloads.podDisruptionBudgetTable,
  'clusterrolebindings.rbac.authorization.k8s.io': policy.roleBindingTable,
  'rolebindings.rbac.authorization.k8s.io': policy.roleBindingTable,
  'csidrivers.storage.k8s.io': storage.csiDriverTable,
  'csinodes.storage.k8s.io': storage.csiNodeTable,
  'csistoragecapacities.storage.k8s.io': storage.csiStorageCapacityTable,
  'storageclasses.storage.k8s.io': storage.storageClassTable,
  'volumeattachments.storage.k8s.io': storage.volumeAttachmentTable,
  'volumeattributesclasses.storage.k8s.io': storage.volumeAttributesClassTable,
  'mutatingadmissionpolicies.admissionregistration.k8s.io': policy.mutatingAdmissionPolicyTable,
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io': policy.admissionPolicyBindingTable,
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': policy.webhookConfigurationTable,
  'validatingadmissionpolicies.admissionregistration.k8s.io': policy.validatingAdmissionPolicyTable,
  'validatingadmissionpolicybindings.admissionregistration.k8s.io': policy.admissionPolicyBindingTable,
  'validatingwebhookconfigurations.admissionregistration.k8s.io': policy.webhookConfigurationTable,
  'priorityclasses.scheduling.k8s.io': policy.priorityClassTable,
  'leases.coordination.k8s.io': policy.leaseTable,
  'runtimeclasses.node.k8s.io': policy.runtimeClassTable,
  'endpointslices.discovery.k8s.io': networking.endpointSliceTable,
  'deviceclasses.resource.k8s.io': resource.nameAndAgeTable,
  'resourceclaims.resource.k8s.io': resource.resourceClaimTable,
  'resourceclaimtemplates.resource.k8s.io': resource.nameAndAgeTable,
  'resourceslices.resource.k8s.io': resource.resourceSliceTable,
  'flowschemas.flowcontrol.apiserver.k8s.io': policy.flowSchemaTable,
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': policy.priorityLevelConfigurationTable,
};
