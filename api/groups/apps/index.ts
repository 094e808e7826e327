import type { GroupBehaviours } from '../../definition.ts';
import { daemonSet, deployment, replicaSet, statefulSet } from './workloads.ts';

/** Behaviours of the apps group by plural name. */
export const appsBehaviours: GroupBehaviours = {
  daemonsets: daemonSet,
  deployments: deployment,
  replicasets: replicaSet,
  statefulsets: statefulSet,
};
