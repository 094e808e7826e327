import type { GroupBehaviours } from '../../definition.ts';
import { configMap, namespace, node, secret } from './basics.ts';
import { pod } from './pod.ts';
import { podTemplate } from './pod-template.ts';
import { replicationController } from './replication-controller.ts';
import { service } from './service.ts';
import { persistentVolume, persistentVolumeClaim } from './volumes.ts';

/** Behaviours of the core group by plural name. */
export const coreBehaviours: GroupBehaviours = {
  configmaps: configMap,
  namespaces: namespace,
  nodes: node,
  persistentvolumeclaims: persistentVolumeClaim,
  persistentvolumes: persistentVolume,
  pods: pod,
  podtemplates: podTemplate,
  replicationcontrollers: replicationController,
  secrets: secret,
  services: service,
};
