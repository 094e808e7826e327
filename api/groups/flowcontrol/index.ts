import type { GroupBehaviours } from '../../definition.ts';
import { flowSchema } from './flow-schema.ts';
import { priorityLevelConfiguration } from './priority-level.ts';

/** Behaviours of the group flowcontrol.apiserver.k8s.io by plural name. */
export const flowControlBehaviours: GroupBehaviours = {
  flowschemas: flowSchema,
  prioritylevelconfigurations: priorityLevelConfiguration,
};
