import type { GroupBehaviours } from '../../definition.ts';
import { customResourceDefinition } from './definition.ts';

/** Behaviours of the group apiextensions.k8s.io by plural name. */
export const apiExtensionsBehaviours: GroupBehaviours = {
  customresourcedefinitions: customResourceDefinition,
};
