/** Every controller there is. The scheduler and the nodes are controllers too, with switches of their own. */
import { attachDetachController } from './attach-detach/attach-detach-controller.ts';
import {
  bootstrapSignerController,
  tokenCleanerController,
} from './bootstrap-tokens/bootstrap-token-controllers.ts';
import {
  certificateApprovingController,
  certificateCleaningController,
  certificateSigningController,
} from './certificates/certificate-controllers.ts';
import { clusterRoleAggregationController } from './clusterrole-aggregation/clusterrole-aggregation-controller.ts';
import { cronJobController } from './cronjob/cronjob-controller.ts';
import { daemonSetController } from './daemonset/daemonset-controller.ts';
import { deploymentController } from './deployment/deployment-controller.ts';
import { deviceTaintEvictionController } from './device-taint-eviction/device-taint-eviction-controller.ts';
import { disruptionController } from './disruption/disruption-controller.ts';
import { endpointSliceController } from './endpointslice/endpointslice-controller.ts';
import { endpointSliceMirroringController } from './endpointslice-mirroring/endpointslice-mirroring-controller.ts';
import { endpointsController } from './endpoints/endpoints-controller.ts';
import { ephemeralVolumeController } from './ephemeral-volume/ephemeral-volume-controller.ts';
import { garbageCollectorController } from './garbage-collector/garbage-collector.ts';
import { horizontalPodAutoscalerController } from './horizontal-pod-autoscaler/horizontal-controller.ts';
import { jobController } from './job/job-controller.ts';
import { kubeletController } from './kubelet/kubelet.ts';
import { namespaceController } from './namespace/namespace-controller.ts';
import { nodeIPAMController } from './node-ipam/node-ipam-controller.ts';
import { nodeLifecycleController } from './node-lifecycle/node-lifecycle-controller.ts';
import { persistentVolumeBinder } from './persistent-volume-binder/persistent-volume-binder.ts';
import { persistentVolumeExpander } from './persistent-volume-expander/persistent-volume-expander.ts';
import { podGarbageCollector } from './pod-garbage-collector/pod-garbage-collector.ts';
import { replicaSetController } from './replicaset/replicaset-controller.ts';
import { replicationControllerController } from './replicationcontroller/replicationcontroller-controller.ts';
import { resourceClaimController } from './resource-claim/resource-claim-controller.ts';
import { resourceQuotaController } from './resourcequota/resourcequota-controller.ts';
import { rootCAPublisher } from './root-ca-publisher/root-ca-publisher.ts';
import type { ControllerDefinition } from './runtime/controller.ts';
import { schedulerSettings } from './scheduler/configuration/settings.ts';
import { newSchedulerController, schedulerController } from './scheduler/scheduler.ts';
import { serviceCIDRController } from './service-cidr/service-cidr-controller.ts';
import { serviceLoadBalancerController } from './service-load-balancer/service-load-balancer-controller.ts';
import { ipRepairController } from './service-repair/ip-repair.ts';
import { portRepairController } from './service-repair/port-repair.ts';
import { legacyTokenCleaner } from './serviceaccount/legacy-token-cleaner.ts';
import { serviceAccountController } from './serviceaccount/serviceaccount-controller.ts';
import { serviceAccountTokenController } from './serviceaccount/token-controller.ts';
import { statefulSetController } from './statefulset/statefulset-controller.ts';
import { taintEvictionController } from './taint-eviction/taint-eviction-controller.ts';
import { ttlController } from './ttl/ttl-controller.ts';
import { ttlAfterFinishedController } from './ttl-after-finished/ttl-after-finished-controller.ts';
import {
  attributesClassProtectionController,
  claimProtectionController,
  volumeProtectionController,
} from './volume-protection/volume-protection-controller.ts';
import { volumeProvisioner } from './volume-provisioner/volume-provisioner.ts';

/** What --controllers chooses from, in the order they are set up. */
export const CONTROLLERS: readonly ControllerDefinition[] = [
  namespaceController,
  serviceAccountController,
  serviceAccountTokenController,
  legacyTokenCleaner,
  rootCAPublisher,
  bootstrapSignerController,
  tokenCleanerController,
  garbageCollectorController,
  resourceQuotaController,
  clusterRoleAggregationController,
  certificateApprovingController,
  certificateSigningController,
  certificateCleaningController,
  nodeIPAMController,
  ttlController,
  nodeLifecycleController,
  taintEvictionController,
  deviceTaintEvictionController,
  deploymentController,
  replicaSetController,
  replicationControllerController,
  statefulSetController,
  daemonSetController,
  jobController,
  cronJobController,
  ttlAfterFinishedController,
  podGarbageCollector,
  disruptionController,
  horizontalPodAutoscalerController,
  endpointsController,
  endpointSliceController,
  endpointSliceMirroringController,
  serviceLoadBalancerController,
  serviceCIDRController,
  persistentVolumeBinder,
  persistentVolumeExpander,
  volumeProvisioner,
  attachDetachController,
  ephemeralVolumeController,
  resourceClaimController,
  claimProtectionController,
  volumeProtectionController,
  attributesClassProtectionController,
];

export { ABSENT_CONTROLLERS } from './absent.ts';
/** What is part of the API server upstream: it runs whatever --controllers says. */
export const SERVER_CONTROLLERS: readonly ControllerDefinition[] = [ipRepairController, portRepairController];

export { kubeletController, newSchedulerController, schedulerController, schedulerSettings };
export type { SchedulerSettings } from './scheduler/configuration/settings.ts';
export type { SchedulerConfiguration } from './scheduler/configuration/types.ts';
